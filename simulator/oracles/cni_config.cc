#include "simulator/oracles/cni_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/oracles/json_value.h"
#include "simulator/oracles/memory.h"

namespace entryproof::oracles {
namespace {

using Kind = JsonValue::Kind;

constexpr std::size_t kMemoryBytesMax = 16U << 20;

bool is_multus(std::string_view type) { return type == "multus" || type == "multus-shim"; }

// How many levels of multus a plugin, or a list of plugins, holds at most.
std::size_t multus_levels(const JsonValue& value) {
  if (!value.is(Kind::kObject)) return 0;
  std::size_t below = 0;
  for (const char* key : {"delegates", "plugins"}) {
    const JsonValue* list = value.find(key);
    if (list == nullptr) continue;
    for (const JsonValue& item : list->items) below = std::max(below, multus_levels(item));
  }
  return below + (is_multus(value.text_of("type")) ? 1 : 0);
}

// Whether a member is of a type that Go's decoder takes for it; null stands for "not there".
bool fits(const JsonValue& object, std::string_view name, Kind kind) {
  const JsonValue* value = object.find(name);
  return value == nullptr || value->is(Kind::kNull) || value->is(kind);
}

std::string first_type(const JsonValue& delegate) {
  if (!delegate.text_of("type").empty()) return std::string(delegate.text_of("type"));
  const JsonValue* plugins = delegate.find("plugins");
  if (plugins == nullptr || plugins->items.empty()) return {};
  return std::string(plugins->items.front().text_of("type"));
}

// What libcni says about one plugin; "" if it takes it.
std::string plugin_error(const JsonValue& plugin) {
  if (!plugin.is(Kind::kObject)) return "a plugin is no object";
  for (const char* key : {"type", "name", "cniVersion"}) {
    if (!fits(plugin, key, Kind::kString)) return fmt::format("{} is no text", key);
  }
  if (plugin.text_of("type").empty()) return "type is missing";
  if (!fits(plugin, "capabilities", Kind::kObject)) return "capabilities is no object";
  if (const JsonValue* capabilities = plugin.find("capabilities"); capabilities != nullptr) {
    const bool booleans = std::ranges::all_of(capabilities->members, [](const auto& member) { return member.value.is(Kind::kBool); });
    if (!booleans) return "a capability is neither true nor false";
  }
  return {};
}

void collect_paths(const JsonValue& value, std::vector<std::string>& paths) {
  if (value.is(Kind::kString) && value.text.starts_with('/')) paths.push_back(value.text);
  for (const JsonValue& item : value.items) collect_paths(item, paths);
  for (const auto& [name, member] : value.members) {
    if (name != "delegates") collect_paths(member, paths);
  }
}

void read_multus(const JsonValue& plugin, CniConfig& config) {
  collect_paths(plugin, config.paths);
  config.multus = true;
  config.kubeconfig = plugin.text_of("kubeconfig");
  config.multus_depth = multus_levels(plugin);
  config.self_delegating = config.multus_depth > 1;
  if (const JsonValue* delegates = plugin.find("delegates"); delegates != nullptr) {
    for (const JsonValue& delegate : delegates->items) {
      config.delegates.push_back(to_json_text(delegate));
      config.delegate_types.push_back(first_type(delegate));
    }
  }
  if (const JsonValue* capabilities = plugin.find("capabilities"); capabilities != nullptr) {
    for (const auto& [name, value] : capabilities->members) config.capabilities[name] = value.flag;
  }
}

std::string read(const JsonValue& root, CniConfig& config) {
  if (!root.is(Kind::kObject)) return "the document is no object";
  for (const char* key : {"name", "cniVersion"}) {
    if (!fits(root, key, Kind::kString)) return fmt::format("{} is no text", key);
  }
  config.name = root.text_of("name");
  config.cni_version = root.text_of("cniVersion");

  std::vector<const JsonValue*> plugins;
  if (config.list) {
    const JsonValue* list = root.find("plugins");
    if (list == nullptr || !list->is(Kind::kArray) || list->items.empty()) return "no plugins in the list";
    for (const JsonValue& plugin : list->items) plugins.push_back(&plugin);
  } else {
    plugins.push_back(&root);
  }
  for (const JsonValue* plugin : plugins) {
    if (std::string error = plugin_error(*plugin); !error.empty()) return error;
    config.types.emplace_back(plugin->text_of("type"));
    if (!config.multus && is_multus(config.types.back())) read_multus(*plugin, config);
  }
  return config.name.empty() ? "name is missing" : "";
}

}  // namespace

bool is_loadable_name(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view extension = file_name.substr(dot);
  return extension == ".conf" || extension == ".conflist" || extension == ".json";
}

CniConfig parse_cni_config(std::string_view bytes, bool list) {
  CniConfig config;
  config.list = list;
  const auto root = parse_json_value(bytes, config.error);
  if (root) config.error = read(*root, config);
  return config;
}

std::shared_ptr<const CniConfig> CniConfigReader::read(std::string_view bytes, bool list) const {
  thread_local Memory<CniConfig> lists(kMemoryBytesMax);
  thread_local Memory<CniConfig> plugins(kMemoryBytesMax);
  return (list ? lists : plugins).recall(bytes, [&] { return parse_cni_config(bytes, list); });
}

}  // namespace entryproof::oracles
