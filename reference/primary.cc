#include "reference/primary.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "reference/files.h"

namespace reference {
namespace {

constexpr std::array<std::string_view, 3> kExtensions{".conf", ".conflist", ".json"};

std::string_view extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot);
}

std::string_view without_old(std::string_view name) {
  if (name.ends_with(kSetAside)) name.remove_suffix(kSetAside.size());
  return name;
}

// A key as Go's readers compare it: without case, and to them the long s and the Kelvin sign are letters like any other.
std::string folded(std::string_view key) {
  std::string out;
  while (!key.empty()) {
    const bool long_s = key.starts_with("\u017f");
    const bool kelvin = key.starts_with("\u212a");
    const char c = long_s ? 's' : kelvin ? 'k' : key.front();
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    key.remove_prefix(long_s ? 2 : kelvin ? 3 : 1);
  }
  return out;
}

std::unexpected<Problem> bad(const std::string& path, const std::string& why) {
  return refuse(kExitBadInput, "cannot delegate to " + path + ": " + why);
}

bool is_null(const std::optional<json::Value>& value) { return !value || value->kind() == json::Kind::kNull; }

bool is_truth(const json::Value& value) { return value.kind() == json::Kind::kTrue || value.kind() == json::Kind::kFalse; }

std::string judge_plugin(const json::Value& plugin, std::map<std::string, bool>& capabilities) {
  if (std::string wrong = plugin_defect(plugin); !wrong.empty()) return wrong;
  const auto found = plugin.find("capabilities");
  if (is_null(found)) return "";
  for (const auto& [name, value] : found->members()) capabilities[name] = value.kind() == json::Kind::kTrue;
  return "";
}

std::string judge_plugins(const json::Value& root, Shape shape, std::map<std::string, bool>& capabilities) {
  const auto plugins = root.find("plugins");
  if (!plugins) return shape == Shape::kList ? "it has no plugins, which a .conflist must have" : judge_plugin(root, capabilities);
  if (shape == Shape::kSingle) return "it has plugins, which only a .conflist may have";
  if (!plugins->is_array() || plugins->items().empty()) return "its plugins are no list of at least one";
  for (const json::Value& plugin : plugins->items()) {
    if (std::string wrong = judge_plugin(plugin, capabilities); !wrong.empty()) return wrong;
  }
  return "";
}

Result<Primary> read_primary(Host& host, const std::string& path, Shape shape, const Primary* known = nullptr, bool* unfinished = nullptr) {
  auto content = read_file(host, path, kConfigurationCap);
  if (content && known != nullptr && known->path == path && known->document.text() == content->bytes) {
    Primary again = *known;
    again.status = content->status;
    return again;
  }
  auto primary = content ? judge_primary(path, content->status, content->bytes, shape) : Result<Primary>(std::unexpected(content.error()));
  if (!primary && unfinished != nullptr && (!content || !json::Document::parse(std::move(content->bytes)))) *unfinished = true;
  return primary;
}

Shape shape_of(std::string_view name) { return extension_of(name) == ".conflist" ? Shape::kList : Shape::kSingle; }

// Names that may hold a primary, in the order in which they are tried: as the runtime sorts them, and those set aside by us behind them.
std::vector<std::string> candidates(const std::vector<DirectoryEntry>& entries, bool renamed) {
  std::vector<std::string> live;
  std::vector<std::string> old;
  for (const DirectoryEntry& entry : entries) {
    if (is_configuration_name(entry.name)) {
      live.push_back(entry.name);
    } else if (renamed && entry.name.ends_with(kSetAside) && is_configuration_name(without_old(entry.name))) {
      old.push_back(entry.name);
    }
  }
  std::ranges::sort(live);
  std::ranges::sort(old);
  live.insert(live.end(), old.begin(), old.end());
  return live;
}

Selection select_named(Host& host, const PrimaryRequest& request) {
  Selection selection;
  const std::string path = join(request.directory, request.file_name);
  auto primary = read_primary(host, path, Shape::kEither, request.known);
  if (!primary && request.renamed && primary.error().error == Errno{ENOENT}) {
    primary = read_primary(host, path + std::string(kSetAside), Shape::kEither, request.known);
  }
  if (primary) {
    selection.primary = std::move(*primary);
  } else {
    selection.problem = primary.error();
  }
  return selection;
}

}  // namespace

bool valid_version(std::string_view version) {
  std::size_t numbers = 0;
  while (true) {
    const std::size_t end = std::min(version.find('.'), version.size());
    const std::string_view number = version.substr(0, end);
    if (number.empty() || number.size() > 4 || number.find_first_not_of("0123456789") != std::string_view::npos) return false;
    ++numbers;
    if (end == version.size()) return numbers == 2 || numbers == 3;
    version.remove_prefix(end + 1);
  }
}

unsigned long major_version(std::string_view version) { return std::strtoul(std::string(version).c_str(), nullptr, 10); }

std::string plugin_defect(const json::Value& plugin) {
  if (!plugin.is_object()) return "a plugin is no object";
  const auto type = plugin.find("type");
  if (!type || !type->is_string() || type->text().empty()) return "a plugin has no type";
  for (const char* key : {"name", "cniVersion"}) {
    const auto text = plugin.find(key);
    if (!is_null(text) && !text->is_string()) return std::string("a plugin's ") + key + " is no string";
  }
  const auto capabilities = plugin.find("capabilities");
  if (is_null(capabilities)) return "";
  if (!capabilities->is_object()) return "its capabilities are no object";
  for (const auto& [name, value] : capabilities->members()) {
    if (!is_truth(value)) return "a capability is neither true nor false";
  }
  return "";
}

bool names_multus(const json::Document& document) {
  std::vector<json::Value> open{document.root()};
  while (!open.empty()) {
    const json::Value value = open.back();
    open.pop_back();
    for (const auto& [written, member] : value.members()) {
      const std::string key = folded(written);
      if (key == "type") {
        const std::string type = member.text();
        if (type == "multus" || type == "multus-shim") return true;
      } else if (key == "plugins" || key == "delegates") {
        std::ranges::copy(member.items(), std::back_inserter(open));
      } else if (key == "delegate") {
        open.push_back(member);
      }
    }
  }
  return false;
}

Result<Primary> judge_primary(std::string path, const FileStatus& status, std::string text, Shape shape) {
  auto document = json::Document::parse(std::move(text));
  if (!document) return bad(path, document.error());
  const json::Value root = document->root();
  if (!root.is_object()) return bad(path, "it is no JSON object");
  if (names_multus(*document)) return bad(path, "Multus itself is in it");
  if (!document->numbers_fit()) return bad(path, "it has a number that no reader can hold");

  std::map<std::string, bool> capabilities;
  if (const std::string wrong = judge_plugins(root, shape, capabilities); !wrong.empty()) return bad(path, wrong);
  const auto version = root.find("cniVersion");
  if (!version || !version->is_string() || !valid_version(version->text())) return bad(path, "it has no cniVersion like 1.0.0");
  const auto name = root.find("name");
  if (name && !name->is_string()) return bad(path, "its name is no string");
  std::string version_text = version->text();
  std::string name_text = name ? name->text() : "";
  return Primary{.path = std::move(path),
                 .status = status,
                 .document = std::move(*document),
                 .cni_version = std::move(version_text),
                 .name = std::move(name_text),
                 .capabilities = std::move(capabilities)};
}

bool is_configuration_name(std::string_view name) { return std::ranges::find(kExtensions, extension_of(name)) != kExtensions.end(); }

Result<std::string> find_set_aside(Host& host, const std::string& directory, const std::string& delegate) {
  const auto entries = host.list(directory);
  if (!entries && entries.error() == Errno{ENOENT}) return "";
  if (!entries) return std::unexpected(system_problem("list", directory, entries.error(), kExitOutput));
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = join(directory, entry.name);
    const std::string original(without_old(path));
    if (original == path || !is_configuration_name(original)) continue;
    const auto taken = host.lstat(original);
    if (taken) continue;
    if (taken.error() != Errno{ENOENT}) return std::unexpected(system_problem("look at", original, taken.error(), kExitOutput));
    const auto primary = read_primary(host, path, Shape::kEither);
    if (primary && primary->document.root().compact() == delegate) return path;
    if (!primary && primary.error().error != Errno{}) return std::unexpected(primary.error());
  }
  return "";
}

Selection select_primary(Host& host, const PrimaryRequest& request) {
  if (!request.file_name.empty()) return select_named(host, request);
  Selection selection;
  const auto entries = host.list(request.directory);
  if (!entries) {
    selection.problem = system_problem("list", request.directory, entries.error(), kExitNoInput);
    return selection;
  }
  for (const std::string& name : candidates(*entries, request.renamed)) {
    const std::string path = join(request.directory, name);
    if (std::ranges::find(request.excluded, path) != request.excluded.end()) continue;
    if (selection.primary) {
      selection.skipped.push_back(path + ": it comes later");
      continue;
    }
    if (const auto status = host.stat(path); status && S_ISDIR(status->mode)) continue;
    auto primary = read_primary(host, path, shape_of(without_old(name)), request.known, &selection.unfinished);
    if (primary) {
      selection.primary = std::move(*primary);
    } else {
      selection.skipped.push_back(primary.error().text);
    }
  }
  if (!selection.primary) {
    selection.problem =
        Problem{.text = "no CNI configuration to delegate to in " + request.directory + " yet; waiting for the primary plugin's",
                .exit_code = kExitTimeout,
                .error = Errno{}};
  }
  return selection;
}

}  // namespace reference
