#include "simulator/audit/author.h"

namespace entryproof::audit {
namespace {

using Who = Author::Who;

// The first line of every kubeconfig that these entrypoints write; nobody else has a reason to.
constexpr std::string_view kHeader = "# Kubeconfig file for Multus CNI plugin.\n";

// To 4.2.2 every host was put in brackets, later ones only where they belong. nullopt where the host is IPv6, which tells nothing.
std::optional<bool> old_brackets(const oracles::KubeconfigFacts* facts) {
  if (facts == nullptr || facts->url.host.empty() || facts->url.kind == oracles::HostKind::kIpv6) return std::nullopt;
  return facts->url.bracketed;
}

Author by_configuration(const Traces& traces) {
  const auto brackets = old_brackets(traces.facts);
  const bool private_directory = traces.directory_mode == mode_t{0700};
  if (traces.config.starts_with("{ \"cniVersion\"") && traces.config.find('\n') >= traces.config.size() - 1) {
    return {Who::k3, true, "3.9.3 or an earlier 3.x", "sure", "its configuration is one line"};
  }
  const bool layout = traces.config.starts_with("{\n        \"cniVersion\": ") || traces.config.starts_with("{\n    \"cniVersion\": ");
  if (!layout) return {};
  if (traces.config.find("\n        \"cniConf\": \"") != std::string_view::npos) {
    if (brackets.value_or(false))
      return {Who::k41, true, "4.1 to 4.2.2", "sure", "it names a cniConf, and the server's host is in brackets"};
    if (private_directory) {
      return {Who::kReference, true, "the reference with --multus-cni-conf-dir", "likely", "multus.d has mode 0700"};
    }
    if (brackets) return {Who::k41, true, "4.2.3 or later", "likely", "it names a cniConf, and the server's host has no brackets"};
    return {Who::k41, true, "4.1 or later", "likely", "it names a cniConf"};
  }
  if (traces.self_delegating) return {Who::k40, true, "4.0.x", "likely", "it delegates to itself and names no cniConf"};
  if (brackets.value_or(false)) return {Who::k40, true, "4.0.x", "likely", "it names no cniConf, and the server's host is in brackets"};
  if (private_directory) return {Who::kReference, true, "the reference", "likely", "it names no cniConf, and multus.d has mode 0700"};
  if (brackets) return {Who::kReference, true, "the reference", "a guess", "it names no cniConf, and the server's host has no brackets"};
  return {Who::kUnknown, true, "4.0.x or the reference", "a guess", "it names no cniConf"};
}

Author by_kubeconfig(const Traces& traces) {
  if (traces.kubeconfig.empty()) return {};
  if (!traces.kubeconfig.starts_with(kHeader)) {
    return {Who::kSomebodyElse, false, "somebody else", "likely", "the kubeconfig has not the form of any entrypoint"};
  }
  const auto brackets = old_brackets(traces.facts);
  if (brackets.value_or(false)) {
    return {Who::kUpstream, false, "3.9.3, or 4.1 to 4.2.2", "likely",
            "the server's host is in brackets; 4.0.x writes no kubeconfig in manual mode"};
  }
  if (traces.directory_mode == mode_t{0700}) return {Who::kReference, false, "the reference", "likely", "multus.d has mode 0700"};
  if (brackets) return {Who::kUpstream, false, "4.2.3 or later", "likely", "the server's host has no brackets"};
  return {Who::kUnknown, false, "an entrypoint, any version", "sure", "the kubeconfig has their form"};
}

}  // namespace

Author::Refresh Author::refresh() const {
  switch (who) {
    case Who::k3:
    case Who::k40:
    case Who::kUpstream:  // manual mode
      return Refresh::kNever;
    case Who::k41:
      return Refresh::kWithCleanup;
    case Who::kReference:
      return Refresh::kAlways;
    case Who::kUnknown:
    case Who::kSomebodyElse:
      break;
  }
  return Refresh::kUnknown;
}

Author author_of(const Traces& traces) {
  const bool own_name = traces.config_file == "00-multus.conf" || traces.config_file == "00-multus.conflist";
  if (own_name) {
    if (Author author = by_configuration(traces); !author.name.empty()) return author;
  }
  Author author = by_kubeconfig(traces);
  if (author.name.empty()) author.name = "unknown";
  return author;
}

}  // namespace entryproof::audit
