// The flags of the predecessors: one table of names, and the two ways of reading a command line, Go's and the shell script's.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "simulator/subjects/predecessors/traits.h"

namespace entryproof::subjects::predecessor {

struct Options {
  std::string additional_bin_dir;
  std::string cni_bin_dir = "/host/opt/cni/bin";
  std::string cni_conf_dir = "/host/etc/cni/net.d";
  std::string cni_version;
  std::string global_namespaces;
  std::string multus_autoconfig_dir = "/host/etc/cni/net.d";
  std::string multus_bin_file = "/usr/src/multus-cni/bin/multus";
  std::string multus_cni_conf_dir = "/host/etc/cni/multus/net.d";
  std::string multus_conf_file = "auto";
  std::string multus_kubeconfig_file_host = "/etc/cni/net.d/multus.d/multus.kubeconfig";
  std::string multus_log_file;
  std::string multus_log_level;
  std::string multus_master_cni_file_name;
  std::string readiness_indicator_file;
  bool cleanup_config_on_exit = false;
  bool force_cni_version = false;
  bool multus_log_to_stderr = true;
  bool namespace_isolation = false;
  bool override_network_name = false;
  bool rename_conf_file = false;
  bool restart_crio = false;  // parsed, as 3.9.3 does; there is no CRI-O here to restart
  bool skip_config_watch = false;
  bool skip_multus_binary_copy = false;
  bool skip_tls_verify = false;

  bool automatic() const { return multus_conf_file == "auto"; }
};

// The options, or the exit code of a program that ends here (help, or a flag it does not know); everything there is to say has been said.
std::expected<Options, int> parse_flags(const Traits& traits, std::span<const char* const> arguments);

}  // namespace entryproof::subjects::predecessor
