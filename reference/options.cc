#include "reference/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "reference/files.h"
#include "reference/json.h"

namespace reference {
namespace {

using namespace std::chrono_literals;

struct TextFlag {
  std::string_view name;
  std::string Options::* member;
  std::string_view help;
};

struct SwitchFlag {
  std::string_view name;
  bool Options::* member;
  std::string_view help;
};

constexpr std::array kTextFlags{
    TextFlag{"additional-bin-dir", &Options::additional_bin_dir, "binDir of the generated configuration"},
    TextFlag{"api-server", &Options::api_server, "API server, URL or host:port; goes before KUBERNETES_SERVICE_*"},
    TextFlag{"ca-file", &Options::ca_file, "certificates of the API server"},
    TextFlag{"cni-bin-dir", &Options::cni_bin_dir, "where the plugin is installed"},
    TextFlag{"cni-conf-dir", &Options::cni_conf_dir, "where kubeconfig and configuration are published"},
    TextFlag{"cni-version", &Options::cni_version, "cniVersion that the primary must have"},
    TextFlag{"global-namespaces", &Options::global_namespaces, "globalNamespaces of the generated configuration"},
    TextFlag{"health-file", &Options::health_file, "where the heartbeat is kept, outside of the CNI directory; status reads it"},
    TextFlag{"multus-autoconfig-dir", &Options::multus_autoconfig_dir, "where the primary configuration is looked for"},
    TextFlag{"multus-bin-file", &Options::multus_bin_file, "the plugin to install"},
    TextFlag{"multus-cni-conf-dir", &Options::multus_cni_conf_dir, "cniConf of the generated configuration"},
    TextFlag{"multus-conf-file", &Options::multus_conf_file, "auto, or a configuration to publish as it is"},
    TextFlag{"multus-kubeconfig-file-host", &Options::multus_kubeconfig_file_host, "the kubeconfig, as the host sees it"},
    TextFlag{"multus-log-file", &Options::multus_log_file, "logFile of the generated configuration"},
    TextFlag{"multus-log-level", &Options::multus_log_level, "debug, verbose, error or panic"},
    TextFlag{"multus-master-cni-file-name", &Options::multus_master_cni_file_name, "the primary configuration, by name"},
    TextFlag{"readiness-indicator-file", &Options::readiness_indicator_file,
             "readinessindicatorfile; the configuration is published when it is there"},
    TextFlag{"token-file", &Options::token_file, "token of the service account"},
};

constexpr std::array kSwitchFlags{
    SwitchFlag{"cleanup-config-on-exit", &Options::cleanup_config_on_exit, "remove the own configuration on TERM and INT"},
    SwitchFlag{"force-cni-version", &Options::force_cni_version, "write --cni-version whatever the primary says"},
    SwitchFlag{"help", &Options::help, "this text"},
    SwitchFlag{"multus-log-to-stderr", &Options::multus_log_to_stderr, "logToStderr of the generated configuration"},
    SwitchFlag{"namespace-isolation", &Options::namespace_isolation, "namespaceIsolation of the generated configuration"},
    SwitchFlag{"once", &Options::once, "install and exit"},
    SwitchFlag{"override-network-name", &Options::override_network_name, "take the network's name from the primary"},
    SwitchFlag{"ready", &Options::ready, "status: fail also while something is not in place"},
    SwitchFlag{"rename-conf-file", &Options::rename_conf_file, "rename the primary to NAME.old"},
    SwitchFlag{"skip-config-watch", &Options::skip_config_watch, "do not follow changes of the primary"},
    SwitchFlag{"skip-multus-binary-copy", &Options::skip_multus_binary_copy, "the plugin is installed by somebody else"},
    SwitchFlag{"skip-tls-verify", &Options::skip_tls_verify, "do not verify the API server"},
    SwitchFlag{"version", &Options::version, "the version of this program"},
};

std::unexpected<UsageError> wrong(std::string message) { return std::unexpected(UsageError{std::move(message)}); }

// The spellings that Go's flag libraries take.
std::optional<bool> to_bool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> to_number(std::string_view text, int base) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "500ms", "1s" or plain seconds.
std::optional<std::chrono::milliseconds> to_duration(std::string_view text) {
  std::uint32_t unit = 1000;
  if (text.ends_with("ms")) {
    text.remove_suffix(2);
    unit = 1;
  } else if (text.ends_with('s')) {
    text.remove_suffix(1);
  }
  const auto value = to_number(text, 10);
  if (!value || *value > 1'000'000) return std::nullopt;
  return std::chrono::milliseconds(std::uint64_t{*value} * unit);
}

// File modes as people write them: 644, 0600, 0o640.
std::optional<mode_t> to_mode(std::string_view text) {
  if (text.starts_with("0o")) text.remove_prefix(2);
  const auto mode = to_number(text, 8);
  if (!mode || *mode > 0777 || (*mode & 0400) == 0) return std::nullopt;
  return static_cast<mode_t>(*mode);
}

constexpr std::array<std::string_view, 3> kSpecialFlags{"poll-interval", "kubeconfig-policy", "log-format"};

std::expected<void, UsageError> set_special(Options& options, std::string_view name, const std::string& value) {
  if (name == "poll-interval") {
    const auto interval = to_duration(value);
    // A new token must be published within five seconds, whatever is asked for.
    if (!interval || *interval < 100ms || *interval > 5s) return wrong("--poll-interval must be from 100ms to 5s");
    options.poll_interval = *interval;
  } else if (name == "log-format") {
    if (value != "text" && value != "json") return wrong("--log-format must be text or json");
    options.log_format = value == "json" ? LogFormat::kJson : LogFormat::kText;
  } else if (value == "always") {
    options.kubeconfig_policy = KubeconfigPolicy::kAlways;
  } else if (value == "if-missing") {
    options.kubeconfig_policy = KubeconfigPolicy::kIfMissing;
  } else if (value == "never") {
    options.kubeconfig_policy = KubeconfigPolicy::kNever;
  } else {
    return wrong("--kubeconfig-policy must be always, if-missing or never");
  }
  return {};
}

// Untrusted words in our own messages: printable and short.
std::string shown(std::string_view text) {
  std::string safe;
  for (const char c : text.substr(0, 80)) safe += c >= 0x20 && c < 0x7f ? c : '?';
  return text.size() > 80 ? safe + "..." : safe;
}

class Parser {
 public:
  explicit Parser(std::span<const std::string> args) : args_(args) {}

  std::expected<void, UsageError> parse(Options& options) {
    if (!args_.empty() && args_[0] == "uninstall") options.command = Command::kUninstall;
    if (!args_.empty() && args_[0] == "status") options.command = Command::kStatus;
    if (options.command != Command::kRun) ++at_;
    while (at_ < args_.size()) {
      const std::string& word = args_[at_++];
      if (word == "--") break;
      if (word == "-h") {
        options.help = true;
      } else if (!word.starts_with('-') || word == "-") {  // as the flag libraries of 3.x and 4.x have it
        options.warnings.push_back("the word \"" + shown(word) + "\" is no flag and is ignored");
      } else if (auto done = flag(options, word); !done) {
        return done;
      }
    }
    return {};
  }

 private:
  std::expected<void, UsageError> flag(Options& options, const std::string& word) {
    const std::size_t equals = word.find('=');
    std::string_view name(word.data(), std::min(equals, word.size()));
    if (!name.starts_with("--")) return wrong("unknown flag " + shown(name) + "; see --help");
    name.remove_prefix(2);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);

    if (const auto* found = std::ranges::find(kSwitchFlags, name, &SwitchFlag::name); found != kSwitchFlags.end()) {
      const auto state = to_bool(value.value_or("true"));
      if (!state) return wrong("--" + std::string(name) + " must be true or false, not \"" + shown(*value) + "\"");
      options.*found->member = *state;
      return {};
    }
    if (name == "restart-crio") {
      options.warnings.emplace_back("--restart-crio has been retired and does nothing: the runtime notices a new configuration by itself");
      return {};
    }
    const auto* found = std::ranges::find(kTextFlags, name, &TextFlag::name);
    const bool special = std::ranges::find(kSpecialFlags, name) != kSpecialFlags.end();
    if (found == kTextFlags.end() && !special) return wrong("unknown flag --" + shown(name) + "; see --help");
    if (!value) {
      if (at_ == args_.size()) return wrong("--" + std::string(name) + " needs a value");
      value = args_[at_++];
    }
    if (!json::valid_utf8(*value) || value->find('\0') != std::string::npos) return wrong("--" + std::string(name) + " is not valid UTF-8");
    if (special) return set_special(options, name, *value);
    options.*found->member = std::move(*value);
    return {};
  }

  std::span<const std::string> args_;
  std::size_t at_ = 0;
};

std::string variable(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

std::expected<void, UsageError> read_environment(Options& options, const std::map<std::string, std::string>& environment) {
  options.service_host = variable(environment, "KUBERNETES_SERVICE_HOST");
  options.service_port = variable(environment, "KUBERNETES_SERVICE_PORT");
  if (const auto protocol = variable(environment, "KUBERNETES_SERVICE_PROTOCOL"); !protocol.empty()) options.service_protocol = protocol;
  if (const auto file = variable(environment, "KUBE_CA_FILE"); !file.empty()) options.ca_file = file;
  if (variable(environment, "SKIP_TLS_VERIFY") == "true") options.skip_tls_verify = true;
  if (const auto text = variable(environment, "KUBECONFIG_MODE"); !text.empty()) {
    const auto mode = to_mode(text);
    if (!mode) return wrong("KUBECONFIG_MODE must be an octal file mode that lets the owner read, like 600");
    options.kubeconfig_mode = *mode;
  }
  return {};
}

std::expected<void, UsageError> check(Options& options) {
  const std::pair<const char*, std::string Options::*> paths[] = {
      {"--cni-conf-dir", &Options::cni_conf_dir},
      {"--cni-bin-dir", &Options::cni_bin_dir},
      {"--multus-autoconfig-dir", &Options::multus_autoconfig_dir},
      {"--multus-bin-file", &Options::multus_bin_file},
      {"--multus-conf-file", &Options::multus_conf_file},
      {"--multus-kubeconfig-file-host", &Options::multus_kubeconfig_file_host},
      {"--token-file", &Options::token_file},
      {"--ca-file", &Options::ca_file},
      {"--health-file", &Options::health_file},
  };
  for (const auto& [name, member] : paths) {
    std::string& path = options.*member;
    if (member == &Options::multus_conf_file && options.automatic()) continue;
    if (member == &Options::health_file && path.empty()) continue;
    if (!path.starts_with('/')) return wrong(std::string(name) + " must be an absolute path");
    path = clean_path(path);
  }
  std::ranges::transform(options.multus_log_level, options.multus_log_level.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::string_view, 5> kLevels{"", "debug", "verbose", "error", "panic"};
  if (std::ranges::find(kLevels, options.multus_log_level) == kLevels.end()) {
    return wrong("--multus-log-level must be debug, verbose, error or panic, not \"" + shown(options.multus_log_level) + "\"");
  }
  if (options.command == Command::kStatus && options.health_file.empty()) return wrong("status needs --health-file");
  // Whatever is written there wakes the runtimes; a heartbeat would wake them for ever.
  if (is_below(options.health_file, options.cni_conf_dir) || is_below(options.health_file, options.cni_bin_dir))
    return wrong("--health-file must not be below --cni-conf-dir or --cni-bin-dir");
  if (options.force_cni_version && options.cni_version.empty()) return wrong("--force-cni-version needs --cni-version");
  return {};
}

std::string padded(std::string_view name, std::string_view value) {
  std::string line = "  --" + std::string(name) + std::string(value);
  line.resize(std::max<std::size_t>(line.size() + 1, 38), ' ');
  return line;
}

}  // namespace

std::expected<Options, UsageError> parse_options(std::span<const std::string> args, const std::map<std::string, std::string>& environment) {
  Options options;
  if (auto done = read_environment(options, environment); !done) return std::unexpected(done.error());
  if (auto done = Parser(args).parse(options); !done) return std::unexpected(done.error());
  if (options.help || options.version) return options;
  if (auto done = check(options); !done) return std::unexpected(done.error());
  return options;
}

std::string usage() {
  const Options defaults;
  std::string text =
      "thin_entrypoint [FLAG]...            publishes a kubeconfig, the Multus plugin and a CNI configuration, and keeps them right\n"
      "thin_entrypoint uninstall [FLAG]...  removes what was published with the same flags\n"
      "thin_entrypoint status [FLAG]...     says how the running instance fares, by its --health-file\n\n";
  for (const TextFlag& flag : kTextFlags) {
    text += padded(flag.name, "=TEXT") + std::string(flag.help);
    if (const std::string& value = defaults.*flag.member; !value.empty()) text += " [" + value + "]";
    text += '\n';
  }
  for (const SwitchFlag& flag : kSwitchFlags) {
    text += padded(flag.name, "") + std::string(flag.help) + (defaults.*flag.member ? " [true]\n" : "\n");
  }
  text += padded("kubeconfig-policy", "=WHEN") + "always, if-missing or never [always]\n";
  text += padded("log-format", "=FORM") + "text or json, one line per event [text]\n";
  text += padded("poll-interval", "=TIME") + "how often everything is looked at, 100ms to 5s [1s]\n";
  text += padded("restart-crio", "") + "retired, does nothing\n";
  text +=
      "\nEnvironment: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, KUBERNETES_SERVICE_PROTOCOL, KUBE_CA_FILE,\n"
      "SKIP_TLS_VERIFY, KUBECONFIG_MODE. Flags go before the environment.\n"
      "Exit codes: 0 done or stopped, 64 usage, 65 bad input, 66 missing input, 69 no heartbeat, 70 stuck, 74 output, 75 timeout,\n"
      "78 configuration.";
  return text;
}

}  // namespace reference
