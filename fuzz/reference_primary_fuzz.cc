// Any bytes as the primary CNI configuration, from the reference's judgement to the document that it would publish. The first byte chooses
// options; the rest is the file. Judged by the oracles, which share no code with the reference: what is published is accepted by a runtime,
// delegates to the primary without loss, to Multus nowhere; the same input gives the same output, and the output is no primary again.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/targets.h"
#include "reference/host_paths.h"
#include "reference/multus_config.h"
#include "reference/options.h"
#include "reference/primary.h"
#include "simulator/oracles/cni_config.h"

namespace entryproof::fuzz {

namespace {

reference::Options options_of(std::uint8_t choice) {
  reference::Options options;
  options.override_network_name = (choice & 1U) != 0;
  options.namespace_isolation = (choice & 2U) != 0;
  options.force_cni_version = (choice & 4U) != 0;
  if ((choice & 8U) != 0) options.cni_version = "0.3.1";
  if ((choice & 16U) != 0) options.global_namespaces = "default,foo/bar \"\\";
  if ((choice & 32U) != 0) options.readiness_indicator_file = "/host/run/ready";
  if ((choice & 64U) != 0) options.multus_log_level = "debug";
  return options;
}

void judge(std::string_view text, bool list, const reference::Options& options) {
  const auto shape = list ? reference::Shape::kList : reference::Shape::kSingle;
  const auto primary = reference::judge_primary("/host/etc/cni/net.d/10-x", {}, std::string(text), shape);
  if (!primary) {
    demand(!primary.error().text.empty() && primary.error().text.find('\n') == std::string::npos);
    return;
  }
  const auto read = oracles::parse_cni_config(text, list);
  // What no runtime would load is not delegated to, but for want of a name: the configuration around it has one. Nor is Multus itself, at
  // any depth.
  demand(read.accepted() || read.error == "name is missing");
  demand(read.multus_depth == 0);
  const reference::HostPaths paths({options.cni_conf_dir, options.cni_bin_dir}, options.multus_kubeconfig_file_host, "");
  const auto rendered = reference::render_multus_config(options, paths, *primary);
  if (!rendered) return;
  const bool made_list = rendered->file_name.ends_with(".conflist");
  const auto published = oracles::parse_cni_config(rendered->text, made_list);
  demand(published.own() && !published.self_delegating && published.multus_depth == 1);
  demand(published.kubeconfig == options.multus_kubeconfig_file_host);
  demand(published.delegates.size() == 1);
  demand(oracles::json_difference(text, published.delegates.front(), oracles::JsonEquality::kLossless).empty());
  demand(reference::render_multus_config(options, paths, *primary)->text == rendered->text);
  const auto again = made_list ? reference::Shape::kList : reference::Shape::kSingle;
  demand(!reference::judge_primary("/host/etc/cni/net.d/00-multus", {}, rendered->text, again));
  demand(reference::is_generated(rendered->text));
}

}  // namespace

void reference_primary(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto options = options_of(static_cast<std::uint8_t>(bytes.front()));
  for (const bool list : {false, true}) {
    judge(bytes.substr(1), list, options);
    judge(bytes, list, reference::Options());  // a plain file is an input, too
  }
}

}  // namespace entryproof::fuzz
