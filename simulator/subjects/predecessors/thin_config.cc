#include "simulator/subjects/predecessors/thin_config.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "simulator/subjects/predecessors/json_text.h"

namespace entryproof::subjects::predecessor {
namespace {

using nlohmann::json;

bool wants_list(const Traits& traits, const std::string& version) {
  switch (traits.list_rule) {
    case ListRule::kNever:
      return false;
    case ListRule::kExactlyOneOh:
      return version == "1.0.0";
    case ListRule::kFromOneOh:
      break;
  }
  int major = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  return error == std::errc() && *end == '.' && major >= 1;
}

// A string member, where its absence is an ordinary error and any other type is not expected.
Outcome<std::string> string_member(const json& master, const char* key, const std::string& path) {
  const auto member = master.find(key);
  if (member == master.end()) return fail(fmt::format("cannot get {} in master CNI config file \"{}\": <nil>", key, path));
  if (!member->is_string()) return panic(fmt::format("{} of \"{}\" is not a string", key, path));
  return member->get<std::string>();
}

// Adds one plugin's capabilities; a later plugin overrides an earlier one.
Outcome<> merge_capabilities(const json& plugin, json& into) {
  const auto capabilities = plugin.find("capabilities");
  if (capabilities == plugin.end()) return {};
  if (!capabilities->is_object()) return panic("capabilities is not an object");
  for (const auto& [name, enabled] : capabilities->items()) {
    if (!enabled.is_boolean()) return panic("capability \"" + name + "\" is not a boolean");
    into[name] = enabled;
  }
  return {};
}

Outcome<json> collect_capabilities(const json& master) {
  json merged = json::object();
  const auto plugins = master.find("plugins");
  if (plugins == master.end()) {
    if (auto added = merge_capabilities(master, merged); !added) return std::unexpected(added.error());
    say("master capabilities is get from conffile");
    return merged;
  }
  if (!plugins->is_array()) return panic("plugins is not a list");
  for (const json& plugin : *plugins) {
    if (!plugin.is_object()) return panic("a plugin is not an object");
    if (auto added = merge_capabilities(plugin, merged); !added) return std::unexpected(added.error());
  }
  say("master capabilities is get from conflist");
  return merged;
}

Outcome<std::string> log_level(const Options& options) {
  std::string level = options.multus_log_level;
  std::ranges::transform(level, level.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 5> kLevels = {"", "debug", "verbose", "error", "panic"};
  if (std::ranges::find(kLevels, level) != kLevels.end()) return level;
  return fail("Log levels should be one of: debug/verbose/error/panic, did not understand: \"" + options.multus_log_level + "\"");
}

// The lines between "type" and "delegates", each with the indent of its layout.
std::string optional_lines(const Traits& traits, const Options& options, const json& capabilities, const std::string& level) {
  std::string lines;
  const auto add = [&lines](std::string_view key, const std::string& value) { lines += fmt::format("        \"{}\": {},\n", key, value); };
  const auto add_quoted = [&add](std::string_view key, const std::string& value) {
    if (!value.empty()) add(key, quote_as_go(value));
  };
  if (!capabilities.empty()) add("capabilities", marshal_as_go(capabilities));
  if (options.namespace_isolation) add("namespaceIsolation", "true");
  add_quoted("globalNamespaces", options.global_namespaces);
  if (!options.multus_log_to_stderr) add("logToStderr", "false");
  if (!level.empty()) add("logLevel", "\"" + level + "\"");
  add_quoted("logFile", options.multus_log_file);
  add_quoted("binDir", options.additional_bin_dir);
  if (traits.knows_cni_conf_dir) add("cniConf", quote_as_go(options.multus_cni_conf_dir));
  add_quoted("readinessindicatorfile", options.readiness_indicator_file);
  add("kubeconfig", "\"" + options.multus_kubeconfig_file_host + "\"");
  return lines;
}

std::string render(const Generated& generated, bool list, const std::string& name, const std::string& lines, const std::string& delegate) {
  if (!list) {
    return fmt::format(
        "{{\n"
        "        \"cniVersion\": \"{}\",\n"
        "        \"name\": \"{}\",\n"
        "        \"type\": \"multus\",\n"
        "{}"
        "        \"delegates\": [\n"
        "                {}\n"
        "        ]\n"
        "}}\n",
        generated.cni_version, name, lines, delegate);
  }
  return fmt::format(
      "{{\n"
      "    \"cniVersion\": \"{}\",\n"
      "    \"name\": \"{}\",\n"
      "    \"plugins\": [ {{\n"
      "        \"type\": \"multus\",\n"
      "{}"
      "        \"delegates\": [\n"
      "            {}\n"
      "        ]\n"
      "    }}]\n"
      "}}\n",
      generated.cni_version, name, lines, delegate);
}

}  // namespace

Outcome<std::string> find_master(const Traits& traits, const Options& options) {
  if (traits.honours_master_name && !options.multus_master_cni_file_name.empty()) {
    const auto joined = options.multus_autoconfig_dir + "/" + options.multus_master_cni_file_name;
    const std::string path = std::filesystem::path(joined).lexically_normal().string();
    if (!exists(path)) return fail(fmt::format("file {} not found: {}", path, describe("stat", path, errno)));
    return path;
  }
  for (const Entry& entry : list_directory(options.multus_autoconfig_dir)) {
    if (entry.is_directory || !(entry.name.ends_with(".conf") || entry.name.ends_with(".conflist"))) continue;
    if (!traits.delegates_to_itself && entry.name.starts_with("00-multus.conf")) continue;
    return std::filesystem::path(options.multus_autoconfig_dir + "/" + entry.name).lexically_normal().string();
  }
  if (traits.panics_without_master) return panic("index out of range [0] with length 0");
  return fail("cannot find valid master CNI config in \"" + options.multus_autoconfig_dir + "\"");
}

Outcome<Generated> generate_config(const Traits& traits, const Options& options, const std::string& master_path,
                                   const std::string& master_text) {
  auto parsed = parse_as_go(master_text);
  if (!parsed) return fail("cannot read master CNI config json: " + parsed.error());
  json& master = *parsed;
  if (!master.is_object() && !master.is_null()) return fail("cannot read master CNI config json: the document is not an object");

  Generated generated;
  if (options.force_cni_version) {
    if (master.is_null()) return panic("assignment to entry in nil map");
    generated.cni_version = options.cni_version;
    master["cniVersion"] = options.cni_version;
    say("force CNI version to \"" + options.cni_version + "\"");
  } else {
    auto version = string_member(master, "cniVersion", master_path);
    if (!version) return std::unexpected(version.error());
    if (!options.cni_version.empty() && options.cni_version != *version) {
      return fail(fmt::format("Multus cni version is \"{}\" while master plugin cni version is \"{}\"", options.cni_version, *version));
    }
    generated.cni_version = *version;
  }

  std::string name = "multus-cni-network";
  if (options.override_network_name) {
    auto overriding = string_member(master, "name", master_path);
    if (!overriding) return std::unexpected(overriding.error());
    name = *overriding;
    say("master plugin name is overrided to \"" + name + "\"");
  }
  auto capabilities = collect_capabilities(master);
  if (!capabilities) return std::unexpected(capabilities.error());
  auto level = log_level(options);
  if (!level) return std::unexpected(level.error());

  const bool list = wants_list(traits, generated.cni_version);
  generated.file_name = list ? "00-multus.conflist" : "00-multus.conf";
  generated.text = render(generated, list, name, optional_lines(traits, options, *capabilities, *level), marshal_as_go(master));
  return generated;
}

Outcome<> publish_config(const Options& options, const Generated& generated) {
  const std::string target = options.cni_conf_dir + "/" + generated.file_name;
  const std::string temporary = target + ".new";
  const File file = open_file(temporary, O_WRONLY | O_CREAT, 0600);
  if (!file.is_open()) return fail("cannot create multus cni temp file: " + describe("open", temporary, errno));
  if (const int error = write_lines(file.fd(), generated.text)) {
    return fail("cannot create multus cni config: " + describe("write", temporary, error));
  }
  if (::fsync(file.fd()) != 0) return fail("cannot create multus cni config: " + describe("sync", temporary, errno));
  if (std::rename(temporary.c_str(), target.c_str()) != 0) {
    const std::string cause = describe("rename", temporary + " " + target, errno);
    return fail(fmt::format("cannot replace \"{}\" with temp file \"{}\": {}", target, temporary, cause));
  }
  return {};
}

}  // namespace entryproof::subjects::predecessor
