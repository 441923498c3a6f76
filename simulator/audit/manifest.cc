#include "simulator/audit/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "simulator/base/digest.h"
#include "simulator/base/file.h"
#include "simulator/base/yaml.h"

namespace entryproof::audit {
namespace {

namespace fs = std::filesystem;
using Kind = YamlNode::Kind;

constexpr YamlLimits kLimits{.bytes = 8U << 20, .depth = 64, .nodes = 400'000};
constexpr std::size_t kFilesMax = 2000;

const YamlNode* at(const YamlNode* node, std::string_view name) { return node == nullptr ? nullptr : node->find(name); }

bool is_scalar(const YamlNode& node) { return !node.is(Kind::kSequence) && !node.is(Kind::kMapping) && !node.is(Kind::kNull); }

std::string text_at(const YamlNode* node, std::string_view name) {
  const YamlNode* value = at(node, name);
  return value != nullptr && is_scalar(*value) ? value->text : std::string();
}

std::optional<bool> flag_at(const YamlNode* node, std::string_view name) {
  const YamlNode* value = at(node, name);
  return value != nullptr && value->is(Kind::kBool) ? std::optional(value->text == "true") : std::nullopt;
}

const std::vector<YamlNode>& items_at(const YamlNode* node, std::string_view name) {
  static const std::vector<YamlNode> kNone;
  const YamlNode* value = at(node, name);
  return value != nullptr ? value->items : kNone;
}

std::vector<Text> texts_at(const YamlNode* node, std::string_view name) {
  std::vector<Text> texts;
  for (const YamlNode& item : items_at(node, name)) {
    if (is_scalar(item)) texts.push_back({item.text, item.line});
  }
  return texts;
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Container read_container(const YamlNode& node, bool init) {
  Container container;
  container.name = text_at(&node, "name");
  container.init = init;
  container.line = node.line;
  if (const YamlNode* image = node.find("image"); image != nullptr && is_scalar(*image)) container.image = {image->text, image->line};
  container.command = texts_at(&node, "command");
  container.args = texts_at(&node, "args");
  for (const YamlNode& entry : items_at(&node, "env")) {
    Variable variable{.name = text_at(&entry, "name"), .value = {}, .line = entry.line};
    if (const YamlNode* value = entry.find("value"); value != nullptr && is_scalar(*value)) variable.value = value->text;
    if (entry.find("valueFrom") == nullptr && !variable.value) variable.value.emplace();
    container.environment.push_back(std::move(variable));
  }
  container.read_only_root = flag_at(at(&node, "securityContext"), "readOnlyRootFilesystem").value_or(false);
  for (const YamlNode& entry : items_at(&node, "volumeMounts")) {
    container.mounts.push_back({.volume = text_at(&entry, "name"),
                                .path = without_slash(text_at(&entry, "mountPath")),
                                .sub_path = text_at(&entry, "subPath") + text_at(&entry, "subPathExpr"),
                                .read_only = flag_at(&entry, "readOnly").value_or(false),
                                .line = entry.line});
  }
  return container;
}

void read_items(const YamlNode* source, Volume& volume) {
  for (const YamlNode& item : items_at(source, "items")) volume.items.emplace_back(text_at(&item, "key"), text_at(&item, "path"));
  volume.optional = flag_at(source, "optional").value_or(false);
}

Volume read_volume(const YamlNode& node) {
  Volume volume;
  volume.name = text_at(&node, "name");
  volume.line = node.line;
  if (const YamlNode* source = node.find("hostPath"); source != nullptr) {
    volume.kind = Volume::Kind::kHostPath;
    volume.source = without_slash(text_at(source, "path"));
    volume.type = text_at(source, "type");
  } else if (source = node.find("configMap"); source != nullptr) {
    volume.kind = Volume::Kind::kConfigMap;
    volume.source = text_at(source, "name");
    read_items(source, volume);
  } else if (source = node.find("secret"); source != nullptr) {
    volume.kind = Volume::Kind::kSecret;
    volume.source = text_at(source, "secretName");
    read_items(source, volume);
  } else if (source = node.find("projected"); source != nullptr) {
    volume.kind = Volume::Kind::kProjected;
    for (const YamlNode& projection : items_at(source, "sources")) {  // of several ConfigMaps the last; nobody projects two of concern
      const YamlNode* map = projection.find("configMap");
      if (map == nullptr) continue;
      volume.source = text_at(map, "name");
      volume.items.clear();
      read_items(map, volume);
    }
  } else if (node.find("emptyDir") != nullptr) {
    volume.kind = Volume::Kind::kEmptyDir;
  }
  return volume;
}

// The Pod's spec in a workload of any kind; nullptr if it is none.
const YamlNode* pod_spec(const YamlNode& document, std::string_view kind) {
  const YamlNode* spec = document.find("spec");
  if (kind == "Pod") return spec;
  if (kind == "CronJob") spec = at(at(spec, "jobTemplate"), "spec");
  return at(at(spec, "template"), "spec");
}

// Whether a file is one that a kubelet starts Pods from.
bool in_manifest_directory(const std::string& file) {
  return file.find("/etc/kubernetes/manifests/") != std::string::npos || file.find("/agent/pod-manifests/") != std::string::npos ||
         file.find("/etc/kubelet.d/") != std::string::npos;
}

class Reader {
 public:
  Reader(const std::string& file, Manifests& manifests) : file_(file), manifests_(manifests) {}

  void read(const YamlNode& document, int depth = 0) {
    const std::string kind = text_at(&document, "kind");
    if (const YamlNode* items = document.find("items"); kind.ends_with("List") && items != nullptr && depth < 4) {
      for (const YamlNode& item : items->items) read(item, depth + 1);
      return;
    }
    const YamlNode* metadata = document.find("metadata");
    if (kind == "ConfigMap") {
      manifests_.config_maps.push_back(read_files(document, metadata));
    } else if (kind == "Secret") {
      manifests_.secrets.push_back(read_files(document, metadata));
    } else if (kind == "ServiceAccount") {
      manifests_.service_accounts.push_back({.name = text_at(metadata, "name"),
                                             .name_space = text_at(metadata, "namespace"),
                                             .file = file_,
                                             .automount = flag_at(&document, "automountServiceAccountToken"),
                                             .line = document.line});
    } else if (const YamlNode* spec = pod_spec(document, kind); spec != nullptr && at(spec, "containers") != nullptr) {
      read_workload(document, kind, metadata, *spec);
    } else {
      ++manifests_.others;
    }
  }

 private:
  // Bytes that are no text are in base64: all of a Secret's `data`, and a ConfigMap's `binaryData`. A Secret's `stringData` goes first.
  ConfigMap read_files(const YamlNode& document, const YamlNode* metadata) {
    ConfigMap map{.name = text_at(metadata, "name"), .name_space = text_at(metadata, "namespace"), .file = file_, .data = {}};
    const bool secret = text_at(&document, "kind") == "Secret";
    add_files(document, "data", secret, map);
    if (secret) {
      add_files(document, "stringData", false, map);
    } else {
      add_files(document, "binaryData", true, map);
    }
    return map;
  }

  static void add_files(const YamlNode& document, std::string_view name, bool encoded, ConfigMap& map) {
    const YamlNode* data = document.find(name);
    if (data == nullptr) return;
    for (const YamlMember& member : data->members) {
      if (!is_scalar(member.value)) continue;
      std::optional<std::string> bytes = encoded ? base64_decode(member.value.text) : member.value.text;
      if (bytes) map.data[member.name] = {std::move(*bytes), member.value.line};
    }
  }

  void read_workload(const YamlNode& document, const std::string& kind, const YamlNode* metadata, const YamlNode& spec) {
    Workload workload;
    workload.kind = kind;
    workload.name = text_at(metadata, "name");
    workload.name_space = text_at(metadata, "namespace");
    workload.file = file_;
    workload.line = document.line;
    if (workload.name.empty()) workload.name = text_at(metadata, "generateName");
    for (const YamlNode& container : items_at(&spec, "initContainers")) workload.containers.push_back(read_container(container, true));
    for (const YamlNode& container : items_at(&spec, "containers")) workload.containers.push_back(read_container(container, false));
    for (const YamlNode& volume : items_at(&spec, "volumes")) workload.volumes.push_back(read_volume(volume));
    workload.service_account = text_at(&spec, "serviceAccountName");
    if (workload.service_account.empty()) workload.service_account = text_at(&spec, "serviceAccount");
    workload.automount = flag_at(&spec, "automountServiceAccountToken");
    if (const YamlNode* automount = spec.find("automountServiceAccountToken")) workload.automount_line = automount->line;
    const std::string source = text_at(at(metadata, "annotations"), "kubernetes.io/config.source");
    workload.static_pod = kind == "Pod" && (source == "file" || source == "http" || in_manifest_directory(file_));
    manifests_.workloads.push_back(std::move(workload));
  }

  const std::string& file_;
  Manifests& manifests_;
};

template <class T>
const T* find_named(const std::vector<T>& objects, std::string_view name_space, std::string_view name) {
  const T* found = nullptr;
  for (const T& object : objects) {
    if (object.name != name) continue;
    if (object.name_space == name_space) return &object;
    if (object.name_space.empty() || name_space.empty()) found = &object;
  }
  return found;
}

bool is_manifest_name(const fs::path& path) {
  const auto extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Result<> load_folder(const std::string& folder, Manifests& manifests) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!is_manifest_name(entry->path()) || !fs::is_regular_file(entry->symlink_status(ignored))) continue;
    if (files.size() == kFilesMax) return fail(ErrorCode::kLimit, fmt::format("more than {} manifests", kFilesMax), folder);
    files.push_back(entry->path().string());
  }
  if (error) return fail(ErrorCode::kIo, "read folder: " + error.message(), folder);
  std::ranges::sort(files);
  for (const std::string& file : files) {
    const auto text = read_file(file, kLimits.bytes);
    if (!text) return std::unexpected(text.error());
    if (auto read = read_manifest(*text, file, manifests); !read) return read;
  }
  return {};
}

}  // namespace

const Volume* Workload::volume(std::string_view volume_name) const {
  const auto found = std::ranges::find(volumes, volume_name, &Volume::name);
  return found == volumes.end() ? nullptr : &*found;
}

std::string Workload::title() const { return fmt::format("{} {}{}{}", kind, name_space, name_space.empty() ? "" : "/", name); }

const ConfigMap* Manifests::config_map(std::string_view name_space, std::string_view name) const {
  return find_named(config_maps, name_space, name);
}

const ConfigMap* Manifests::secret(std::string_view name_space, std::string_view name) const {
  return find_named(secrets, name_space, name);
}

const ServiceAccount* Manifests::service_account(std::string_view name_space, std::string_view name) const {
  return find_named(service_accounts, name_space, name);
}

Result<> read_manifest(std::string_view text, const std::string& file, Manifests& manifests) {
  const auto documents = parse_yaml_documents(text, kLimits);
  if (!documents) return fail(documents.error().code, documents.error().message, file);
  Reader reader(file, manifests);
  for (const YamlNode& document : *documents) reader.read(document);
  return {};
}

Result<> load_manifests(const std::string& path, Manifests& manifests) {
  std::error_code error;
  if (fs::is_directory(path, error)) return load_folder(path, manifests);
  const auto text = read_file(path, kLimits.bytes);
  if (!text) return std::unexpected(text.error());
  return read_manifest(*text, path, manifests);
}

}  // namespace entryproof::audit
