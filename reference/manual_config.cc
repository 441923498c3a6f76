#include "reference/manual_config.h"

#include <vector>

#include "reference/files.h"
#include "reference/json.h"
#include "reference/primary.h"

namespace reference {
namespace {

bool is_multus(const json::Value& plugin) {
  const auto type = plugin.find("type");
  return type && (type->text() == "multus" || type->text() == "multus-shim");
}

bool delegates_to_multus(const json::Value& plugin) {
  const auto delegates = plugin.find("delegates");
  if (!delegates) return false;
  const auto document = json::Document::parse(R"({"delegates":)" + std::string(delegates->source()) + "}");
  return document && names_multus(*document);
}

// Empty: a runtime takes this plugin, and if it is Multus, it names our kubeconfig and does not call itself.
std::string judge_plugin(const json::Value& plugin, const HostPaths& paths, const std::string& kubeconfig) {
  if (std::string wrong = plugin_defect(plugin); !wrong.empty()) return wrong;
  if (!is_multus(plugin)) return "";
  const auto named = plugin.find("kubeconfig");
  if (!named || !named->is_string() || named->text().empty()) return "it names no kubeconfig";
  const auto place = paths.in_container(clean_path(named->text()));
  if (place && *place == kubeconfig) return delegates_to_multus(plugin) ? "Multus would delegate to itself" : "";
  return "its kubeconfig " + named->text() + " is not the one written here, " + paths.on_host(kubeconfig) +
         "; change it or --multus-kubeconfig-file-host";
}

std::string judge(const json::Document& document, bool list, const HostPaths& paths, const std::string& kubeconfig) {
  const json::Value root = document.root();
  if (!root.is_object()) return "it is no JSON object";
  if (!document.numbers_fit()) return "it has a number that no reader can hold";
  const auto name = root.find("name");
  if (!name || !name->is_string() || name->text().empty()) return "it has no name";
  const auto version = root.find("cniVersion");
  if (version && (!version->is_string() || !valid_version(version->text()))) return "its cniVersion is not like 1.0.0";
  const auto plugins = root.find("plugins");
  if (!list) {
    if (plugins) return "it has plugins, which only a .conflist may have";
    return judge_plugin(root, paths, kubeconfig);
  }
  if (!plugins || !plugins->is_array() || plugins->items().empty()) return "it has no plugins, which a .conflist must have";
  for (const json::Value& plugin : plugins->items()) {
    if (std::string wrong = judge_plugin(plugin, paths, kubeconfig); !wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace

Result<> judge_manual_config(const std::string& path, const std::string& text, const HostPaths& paths, const std::string& kubeconfig) {
  const auto no = [&](const std::string& why) { return refuse(kExitBadInput, "cannot publish " + path + ": " + why); };
  const std::string name = name_of(path);
  const bool list = name.ends_with(".conflist");
  if (!list && !name.ends_with(".conf") && !name.ends_with(".json")) return no("its name must end in .conf, .conflist or .json");
  const auto document = json::Document::parse(text);
  if (!document) return no(document.error());
  if (const std::string why = judge(*document, list, paths, kubeconfig); !why.empty()) return no(why);
  return {};
}

}  // namespace reference
