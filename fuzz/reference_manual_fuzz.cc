// Any bytes as a configuration of the user's own: what the reference would publish as it is, a runtime accepts, and the kubeconfig that it
// names is the one that is written.
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "reference/host_paths.h"
#include "reference/manual_config.h"
#include "reference/options.h"
#include "simulator/oracles/cni_config.h"

namespace entryproof::fuzz {

void reference_manual(std::string_view bytes) {
  const reference::Options options;
  const reference::HostPaths paths({options.cni_conf_dir, options.cni_bin_dir}, options.multus_kubeconfig_file_host, "");
  const auto written = paths.in_container(options.multus_kubeconfig_file_host).value_or("");
  for (const bool list : {false, true}) {
    const std::string path = list ? "/tmp/multus-conf/70-multus.conflist" : "/tmp/multus-conf/70-multus.conf";
    const auto judged = reference::judge_manual_config(path, std::string(bytes), paths, written);
    if (!judged) {
      demand(!judged.error().text.empty() && judged.error().text.find('\n') == std::string::npos);
      continue;
    }
    const auto config = oracles::parse_cni_config(bytes, list);
    demand(config.accepted());
    demand(config.kubeconfig.empty() || paths.in_container(config.kubeconfig) == written);
  }
}

}  // namespace entryproof::fuzz
