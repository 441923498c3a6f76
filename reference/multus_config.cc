#include "reference/multus_config.h"

#include <optional>
#include <utility>
#include <vector>

#include "reference/json.h"

namespace reference {
namespace {

// The lines of the multus object, each `"key": value`, without commas.
class Lines {
 public:
  void add(std::string_view key, std::string value) { lines_.push_back(json::quote(key) + ": " + std::move(value)); }
  void add_text(std::string_view key, const std::string& value) {
    if (!value.empty()) add(key, json::quote(value));
  }
  std::string joined(const std::string& indent) const {
    std::string text;
    for (const std::string& line : lines_) text.append(text.empty() ? "" : ",\n").append(indent).append(line);
    return text;
  }

 private:
  std::vector<std::string> lines_;
};

std::string render_capabilities(const std::map<std::string, bool>& capabilities) {
  std::string text = "{";
  for (const auto& [name, wanted] : capabilities) {
    text.append(text.size() > 1 ? "," : "").append(json::quote(name)).append(wanted ? ":true" : ":false");
  }
  return text + "}";
}

void add_common(Lines& lines, const Options& options, const HostPaths& paths, const Primary& primary, const std::string& indent) {
  if (!primary.capabilities.empty()) lines.add("capabilities", render_capabilities(primary.capabilities));
  if (options.namespace_isolation) lines.add("namespaceIsolation", "true");
  lines.add_text("globalNamespaces", options.global_namespaces);
  if (!options.multus_log_to_stderr) lines.add("logToStderr", "false");
  lines.add_text("logLevel", options.multus_log_level);
  lines.add_text("logFile", paths.on_host(options.multus_log_file));
  lines.add_text("binDir", paths.on_host(options.additional_bin_dir));
  lines.add_text("cniConf", paths.on_host(options.multus_cni_conf_dir));
  lines.add_text("readinessindicatorfile", paths.on_host(options.readiness_indicator_file));
  lines.add_text("kubeconfig", options.multus_kubeconfig_file_host);
  lines.add("delegates", "[\n" + indent + "        " + primary.document.root().compact() + "\n" + indent + "]");
}

// What the plugin and the runtimes need; a mistake of ours must not reach them.
bool is_complete(const std::string& text, bool list) {
  if (text.size() > kConfigurationCap) return false;
  const auto document = json::Document::parse(text);
  if (!document) return false;
  const json::Value root = document->root();
  const auto has = [](const json::Value& object, const char* key) {
    const auto found = object.find(key);
    return found && found->is_string() && !found->text().empty();
  };
  if (!has(root, "name") || !has(root, "cniVersion")) return false;
  auto plugin = root;
  if (list) {
    const auto plugins = root.find("plugins");
    if (!plugins || plugins->items().size() != 1) return false;
    plugin = plugins->items().front();
  }
  const auto delegates = plugin.find("delegates");
  return has(plugin, "type") && has(plugin, "kubeconfig") && delegates && delegates->items().size() == 1;
}

// The plugin at the top of a generated configuration, of either form.
std::optional<json::Value> generated_plugin(const json::Document& document) {
  if (!document.root().is_object()) return std::nullopt;
  const auto plugins = document.root().find("plugins");
  std::vector<json::Value> tops{document.root()};
  if (plugins) tops = plugins->items();
  if (tops.size() != 1 || !tops.front().find("delegates")) return std::nullopt;
  const auto type = tops.front().find("type");
  if (!type || (type->text() != "multus" && type->text() != "multus-shim")) return std::nullopt;
  return tops.front();
}

}  // namespace

std::string delegate_of(const std::string& text) {
  const auto document = json::Document::parse(text);
  const auto plugin = document ? generated_plugin(*document) : std::nullopt;
  const auto delegates = plugin ? plugin->find("delegates")->items() : std::vector<json::Value>{};
  return delegates.size() == 1 ? delegates.front().compact() : "";
}

bool is_generated(const std::string& text) {
  const auto document = json::Document::parse(text);
  return document && generated_plugin(*document);
}

Result<MultusConfig> render_multus_config(const Options& options, const HostPaths& paths, const Primary& primary) {
  const bool fixed = !options.cni_version.empty();
  if (fixed && !options.force_cni_version && options.cni_version != primary.cni_version) {
    return refuse(kExitBadInput, "cannot delegate to " + primary.path + ": its cniVersion is " + primary.cni_version +
                                     " and --cni-version asks for " + options.cni_version);
  }
  if (options.override_network_name && primary.name.empty()) {
    return refuse(kExitBadInput, "cannot take the network's name from " + primary.path + ": it has none");
  }
  const std::string version = fixed ? options.cni_version : primary.cni_version;
  const std::string name = options.override_network_name ? primary.name : "multus-cni-network";
  const bool list = major_version(version) >= 1;

  Lines head;
  head.add_text("cniVersion", version);
  head.add_text("name", name);
  Lines body;
  const std::string inner(8, ' ');
  MultusConfig config;
  if (list) {
    body.add_text("type", "multus");
    add_common(body, options, paths, primary, inner);
    config.file_name = kListName;
    config.text = "{\n" + head.joined("    ") + ",\n    \"plugins\": [ {\n" + body.joined(inner) + "\n    }]\n}\n";
  } else {
    head.add_text("type", "multus");
    add_common(head, options, paths, primary, inner);
    config.file_name = kSingleName;
    config.text = "{\n" + head.joined(inner) + "\n}\n";
  }
  if (!is_complete(config.text, list)) return refuse(kExitBadInput, "cannot delegate to " + primary.path + ": the result would be no good");
  return config;
}

}  // namespace reference
