// Options: the command line and the environment, understood once and never changed.
//
// Every flag of the 3.9.x script and of the 4.x programs is accepted, so that no manifest breaks at an upgrade; what has been retired is
// accepted with a warning. Nothing that is found out later (a version, a path) is ever written back here.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

namespace reference {

// What the program is asked to do: the first word of the command line, or nothing.
enum class Command {
  kRun,        // publish, and keep it right
  kUninstall,  // remove what we published
  kStatus,     // say how the running instance fares, from its health file
};

enum class LogFormat { kText, kJson };

enum class KubeconfigPolicy {
  kAlways,     // rewritten whenever token or CA change, and repaired
  kIfMissing,  // written when there is none; one that is there belongs to somebody else
  kNever,      // somebody else provides it; we only wait for it
};

struct Options {
  Command command = Command::kRun;

  // Where things are, as this container sees them.
  std::string cni_conf_dir = "/host/etc/cni/net.d";
  std::string cni_bin_dir = "/host/opt/cni/bin";
  std::string multus_conf_file = "auto";  // or the path of a configuration to publish as it is
  std::string multus_bin_file = "/usr/src/multus-cni/bin/multus";
  std::string multus_autoconfig_dir = "/host/etc/cni/net.d";
  std::string multus_master_cni_file_name;  // empty: the first that qualifies

  // Credentials and the API server.
  std::string token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
  std::string ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
  std::string api_server;  // URL or host[:port]; empty: the three variables below
  std::string service_host;
  std::string service_port;
  std::string service_protocol = "https";
  bool skip_tls_verify = false;
  KubeconfigPolicy kubeconfig_policy = KubeconfigPolicy::kAlways;
  mode_t kubeconfig_mode = 0600;

  // What goes into the generated configuration. Paths as the host sees them.
  std::string multus_kubeconfig_file_host = "/etc/cni/net.d/multus.d/multus.kubeconfig";
  std::string cni_version;
  std::string global_namespaces;
  std::string additional_bin_dir;
  std::string readiness_indicator_file;  // goes into the configuration, which also waits for it to appear
  std::string multus_cni_conf_dir;       // empty: left out, the plugin's own default
  std::string multus_log_file;
  std::string multus_log_level;  // lower case
  bool multus_log_to_stderr = true;
  bool namespace_isolation = false;
  bool override_network_name = false;
  bool force_cni_version = false;

  // Behaviour.
  bool cleanup_config_on_exit = false;
  bool rename_conf_file = false;
  bool skip_config_watch = false;
  bool skip_multus_binary_copy = false;
  bool once = false;
  std::chrono::milliseconds poll_interval{1000};
  std::string health_file;  // empty: none is kept
  bool ready = false;       // status: also ask whether everything is in place
  LogFormat log_format = LogFormat::kText;

  bool help = false;
  bool version = false;
  std::vector<std::string> warnings;  // to be shown once; nothing in them is fatal

  bool automatic() const { return multus_conf_file == "auto"; }
};

struct UsageError {
  std::string message;  // one line
};

// `args` without the program's name.
std::expected<Options, UsageError> parse_options(std::span<const std::string> args, const std::map<std::string, std::string>& environment);

// What --help shows.
std::string usage();

}  // namespace reference
