// How 3.9.3 generates its configuration: text in, text out, with Python asked for single values.
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ranges>

#include "simulator/subjects/predecessors/json_text.h"
#include "simulator/subjects/predecessors/shell.h"
#include "simulator/subjects/predecessors/signals.h"

namespace entryproof::subjects::predecessor {
namespace {

using nlohmann::ordered_json;

// A Python script of the entrypoint that ended by an exception.
std::unexpected<Failure> traceback(const std::string& what) { return command_failed("python: " + what); }

// Is version `a` before 0.4.0? Nothing where Python cannot compare the two, which is where a part is not a number.
std::optional<bool> before_0_4_0(std::string_view version) {
  constexpr std::array<int, 3> kLine = {0, 4, 0};
  std::size_t place = 0;
  for (const auto part : version | std::views::split('.')) {
    if (place == kLine.size()) return false;
    int number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
    if (number != kLine.at(place)) return number < kLine.at(place);
    ++place;
  }
  return place < kLine.size();
}

// The only version rule: a flag at 0.4.0 or later does not go with a master before it.
Outcome<> check_versions(const Options& options, const ordered_json& master) {
  if (options.cni_version.empty()) return traceback("IndexError: list index out of range");
  if (!master.is_object() || !master.contains("cniVersion")) return traceback("KeyError: 'cniVersion'");
  const auto flag_is_old = before_0_4_0(options.cni_version);
  if (!flag_is_old) return traceback("TypeError: versions cannot be compared");
  if (*flag_is_old) return {};
  const ordered_json& version = master["cniVersion"];
  if (!version.is_string()) return traceback("AttributeError: the version is not a string");
  const auto master_is_old = before_0_4_0(version.get_ref<const std::string&>());
  if (!master_is_old) return traceback("TypeError: versions cannot be compared");
  if (!*master_is_old) return {};
  return script_error(
      fmt::format("Multus cni version is {} while master plugin cni version is {}", options.cni_version, version.get<std::string>()));
}

bool truthy(const ordered_json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  if (value.is_number()) return value.get<double>() != 0;
  return !value.empty();  // null is empty
}

// The capabilities that are on, of all plugins together, in Python's spelling; empty if there are none.
Outcome<std::string> nested_capabilities(const ordered_json& master) {
  ordered_json on = ordered_json::object();
  if (master.contains("plugins")) {
    const ordered_json& plugins = master["plugins"];
    if (!plugins.is_structured()) return traceback("TypeError: plugins cannot be iterated");
    if (plugins.is_object()) return std::string();  // its keys are looked through, and words hold no capabilities
    for (const ordered_json& plugin : plugins) {
      if (plugin.is_string() || plugin.is_array()) continue;
      if (!plugin.is_object()) return traceback("TypeError: a plugin cannot be looked through");
      if (!plugin.contains("capabilities")) continue;
      if (!plugin["capabilities"].is_object()) return traceback("AttributeError: capabilities have no items");
      for (const auto& [name, enabled] : plugin["capabilities"].items()) {
        if (truthy(enabled)) on[name] = enabled;
      }
    }
  } else if (master.contains("capabilities") && !(master["capabilities"].is_object() && master["capabilities"].empty())) {
    return traceback("ValueError: capabilities cannot be unpacked");
  }
  return on.empty() ? std::string() : dump_as_python(on);
}

bool is_master_name(const std::string& name) {
  return !name.starts_with('.') && (name.ends_with(".conf") || name.ends_with(".conflist")) && !name.starts_with("00-multus.conf");
}

}  // namespace

Outcome<std::string> Shell::wait_for_master() const {
  for (int attempt = 0;; ++attempt) {
    if (attempt % 5 == 0) log_line(fmt::format("Attempting to find master plugin configuration, attempt {}", attempt));
    if (!options_.multus_master_cni_file_name.empty()) return options_.multus_master_cni_file_name;
    for (const Entry& entry : list_directory(options_.multus_autoconfig_dir)) {
      if (is_master_name(entry.name)) return entry.name;
    }
    sleep_seconds(1);
    if (auto trapped = run_trap(); !trapped) return std::unexpected(trapped.error());
  }
}

Outcome<> Shell::generate_config() {
  log_line("Generating Multus configuration file using files in " + options_.multus_autoconfig_dir + "...");
  const auto name = wait_for_master();
  if (!name) return std::unexpected(name.error());
  log_line("Using MASTER_PLUGIN: " + *name);
  if (name->find_first_of(" \t") != std::string::npos) return command_failed("cat: the name of the master falls apart: " + *name);
  const std::string path = options_.multus_autoconfig_dir + "/" + *name;
  const auto master = read_file(path);
  if (!master) return traceback(master.error().message);
  const auto text = config_text(*master);
  if (!text) return std::unexpected(text.error());

  log_line("Using " + path + " as a source to generate the Multus configuration");
  const std::string target = options_.cni_conf_dir + "/00-multus.conf";
  const auto staged = temporary_file(*text + "\n");
  if (!staged) return std::unexpected(staged.error());
  if (auto moved = move_file(*staged, target); !moved) return moved;
  log_line("Config file created @ " + target);
  say(*text);
  master_path_ = path;
  if (options_.rename_conf_file) {
    if (auto moved = move_file(path, path + ".old"); !moved) return moved;
    log_line("Original master file moved to " + path + ".old");
  }
  return {};
}

Outcome<std::string> Shell::config_text(const std::string& master_text) const {
  auto parsed = parse_as_python(master_text);
  if (!parsed) return traceback("ValueError: " + parsed.error());
  const ordered_json& master = *parsed;
  if (auto checked = check_versions(options_, master); !checked) return std::unexpected(checked.error());

  std::string name = "multus-cni-network";
  if (options_.override_network_name) {
    if (!master.contains("name")) return traceback("KeyError: 'name'");
    name = master["name"].is_string() ? master["name"].get<std::string>() : dump_as_python(master["name"]);
  }
  const auto capabilities = nested_capabilities(master);
  if (!capabilities) return capabilities;

  std::string lines;
  const auto add = [&lines](std::string_view key, const std::string& value) { lines += fmt::format("\"{}\": {},\n", key, value); };
  const auto add_text = [&add](std::string_view key, const std::string& value) {
    if (!value.empty()) add(key, "\"" + value + "\"");
  };
  if (!capabilities->empty()) {
    log_line("Nested capabilities string: " + *capabilities);
    add("capabilities", *capabilities);
  }
  if (options_.namespace_isolation) add("namespaceIsolation", "true");
  add_text("globalNamespaces", options_.global_namespaces);
  if (!options_.multus_log_to_stderr) add("logToStderr", "false");
  constexpr std::array<std::string_view, 5> kLevels = {"", "debug", "error", "panic", "verbose"};
  if (std::ranges::find(kLevels, options_.multus_log_level) == kLevels.end()) {
    return script_error("Log levels should be one of: debug/verbose/error/panic, did not understand: " + options_.multus_log_level);
  }
  add_text("logLevel", options_.multus_log_level);
  add_text("logFile", options_.multus_log_file);
  add_text("binDir", options_.additional_bin_dir);
  add_text("readinessindicatorfile", options_.readiness_indicator_file);
  return echo_unquoted(
      fmt::format("{{ \"cniVersion\": \"{}\", \"name\": \"{}\", \"type\": \"multus\", {} \"kubeconfig\": \"{}\", "
                  "\"delegates\": [ {} ] }}",
                  options_.cni_version, name, lines, options_.multus_kubeconfig_file_host, command_substitution(master_text)));
}

void log_line(const std::string& line) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  say(fmt::format("{:%Y-%m-%dT%H:%M:%S}+00:00 {}", fmt::gmtime(now), line));
}

std::string command_substitution(std::string text) {
  std::erase(text, '\0');
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string echo_unquoted(const std::string& text) {
  constexpr std::string_view kBlanks = " \t\n";
  std::string line;
  const auto add = [&line](const std::string& word) { line += (line.empty() ? "" : " ") + word; };
  for (std::size_t begin = text.find_first_not_of(kBlanks); begin != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    bool matched = false;
    if (word.find_first_of("*?[") != word.npos && word.find('/') == word.npos) {
      for (const Entry& entry : list_directory(".")) {
        if (::fnmatch(word.c_str(), entry.name.c_str(), FNM_PERIOD) != 0) continue;
        add(entry.name);
        matched = true;
      }
    }
    if (!matched) add(word);
    begin = text.find_first_not_of(kBlanks, end);
  }
  return line;
}

}  // namespace entryproof::subjects::predecessor
