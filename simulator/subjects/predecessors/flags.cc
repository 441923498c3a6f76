#include "simulator/subjects/predecessors/flags.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "simulator/subjects/predecessors/files.h"

namespace entryproof::subjects::predecessor {
namespace {

enum class Since { kAlways, kShellOnly, kThin, kConfDir };  // kConfDir: arrived together with --multus-cni-conf-dir, in 4.1.0

struct Flag {
  std::string_view name;
  std::string Options::* text = nullptr;
  bool Options::* toggle = nullptr;
  Since since = Since::kAlways;
  bool hidden = false;
};

constexpr auto text(std::string_view name, std::string Options::* member, Since since = Since::kAlways) {
  return Flag{.name = name, .text = member, .since = since};
}

constexpr auto toggle(std::string_view name, bool Options::* member, Since since = Since::kAlways, bool hidden = false) {
  return Flag{.name = name, .toggle = member, .since = since, .hidden = hidden};
}

constexpr std::array kFlags = {
    text("additional-bin-dir", &Options::additional_bin_dir),
    toggle("cleanup-config-on-exit", &Options::cleanup_config_on_exit),
    text("cni-bin-dir", &Options::cni_bin_dir),
    text("cni-conf-dir", &Options::cni_conf_dir),
    text("cni-version", &Options::cni_version),
    toggle("force-cni-version", &Options::force_cni_version, Since::kThin, true),
    text("global-namespaces", &Options::global_namespaces),
    text("multus-autoconfig-dir", &Options::multus_autoconfig_dir),
    text("multus-bin-file", &Options::multus_bin_file, Since::kThin),
    text("multus-cni-conf-dir", &Options::multus_cni_conf_dir, Since::kConfDir),
    text("multus-conf-file", &Options::multus_conf_file),
    text("multus-kubeconfig-file-host", &Options::multus_kubeconfig_file_host),
    text("multus-log-file", &Options::multus_log_file),
    text("multus-log-level", &Options::multus_log_level),
    toggle("multus-log-to-stderr", &Options::multus_log_to_stderr),
    text("multus-master-cni-file-name", &Options::multus_master_cni_file_name),
    toggle("namespace-isolation", &Options::namespace_isolation),
    toggle("override-network-name", &Options::override_network_name),
    text("readiness-indicator-file", &Options::readiness_indicator_file),
    toggle("rename-conf-file", &Options::rename_conf_file),
    toggle("restart-crio", &Options::restart_crio, Since::kShellOnly),
    toggle("skip-config-watch", &Options::skip_config_watch, Since::kConfDir),
    toggle("skip-multus-binary-copy", &Options::skip_multus_binary_copy),
    toggle("skip-tls-verify", &Options::skip_tls_verify, Since::kThin, true),
};

bool knows(const Traits& traits, const Flag& flag) {
  switch (flag.since) {
    case Since::kAlways:
      return true;
    case Since::kShellOnly:
      return traits.shell;
    case Since::kThin:
      return !traits.shell;
    case Since::kConfDir:
      return traits.knows_cni_conf_dir;
  }
  return false;
}

const Flag* find_flag(const Traits& traits, std::string_view name) {
  const auto flag = std::ranges::find(kFlags, name, &Flag::name);
  return flag != kFlags.end() && knows(traits, *flag) ? &*flag : nullptr;
}

std::string usage(const Traits& traits) {
  std::string lines = "Usage of predecessor " + std::string(traits.version) + ":";
  for (const Flag& flag : kFlags) {
    if (flag.hidden || !knows(traits, flag)) continue;
    lines += "\n      --" + std::string(flag.name) + (flag.text != nullptr ? " string" : "");
  }
  return lines;
}

std::optional<bool> go_bool(std::string_view value) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kTrue, value) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, value) != kFalse.end()) return false;
  return std::nullopt;
}

std::unexpected<int> usage_error(const Traits& traits, const std::string& message) {
  if (traits.usage_error_last) {
    complain(usage(traits));
    complain(message);
  } else {
    complain(message);
    complain(usage(traits));
    say(message);
  }
  return std::unexpected(2);
}

std::expected<Options, int> parse_go(const Traits& traits, std::span<const char* const> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word == "--") break;
    if (word == "-h" || word == "--help") {
      complain(usage(traits));
      return std::unexpected(1);
    }
    if (word.size() < 2 || word[0] != '-') continue;  // stray words are ignored
    if (word[1] != '-')
      return usage_error(traits, "unknown shorthand flag: '" + std::string(word.substr(1, 1)) + "' in " + std::string(word));

    const std::size_t equals = word.find('=');
    const std::string name(word.substr(2, equals == word.npos ? word.npos : equals - 2));
    const Flag* flag = find_flag(traits, name);
    if (flag == nullptr) return usage_error(traits, "unknown flag: --" + name);
    std::string value = equals == word.npos ? "" : std::string(word.substr(equals + 1));
    if (flag->text != nullptr) {
      if (equals == word.npos) {
        if (++i == arguments.size()) return usage_error(traits, "flag needs an argument: --" + name);
        value = arguments[i];
      }
      options.*flag->text = value;
    } else if (equals == word.npos) {
      options.*flag->toggle = true;
    } else if (const auto parsed = go_bool(value)) {
      options.*flag->toggle = *parsed;
    } else {
      return usage_error(traits, "invalid argument \"" + value + "\" for \"--" + name + "\" flag: not a boolean");
    }
  }
  return options;
}

// The script knows nothing but `--flag=value`, cuts the value at a second `=` and takes a flag it does not know for a remark.
std::expected<Options, int> parse_shell(const Traits& traits, std::span<const char* const> arguments) {
  Options options;
  options.multus_conf_file = "/usr/src/multus-cni/images/70-multus.conf";
  for (const std::string_view word : arguments) {
    if (word.empty()) break;
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    std::string_view value = equals == word.npos ? std::string_view() : word.substr(equals + 1);
    value = value.substr(0, value.find('='));
    if (name == "-h" || name == "--help") {
      say(usage(traits));
      return std::unexpected(0);
    }
    const Flag* flag = name.starts_with("--") ? find_flag(traits, name.substr(2)) : nullptr;
    if (flag == nullptr) {
      say("WARN: {unknown parameter \"" + std::string(name) + "\"}");
    } else if (flag->text != nullptr) {
      options.*flag->text = value;
    } else if (flag->name == "skip-multus-binary-copy" || flag->name == "multus-log-to-stderr") {
      options.*flag->toggle = value != "false";
    } else {
      options.*flag->toggle = value == "true";
    }
  }
  return options;
}

}  // namespace

std::expected<Options, int> parse_flags(const Traits& traits, std::span<const char* const> arguments) {
  return traits.shell ? parse_shell(traits, arguments) : parse_go(traits, arguments);
}

}  // namespace entryproof::subjects::predecessor
