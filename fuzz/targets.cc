#include "fuzz/targets.h"

#include <array>

namespace entryproof::fuzz {

std::span<const Target> targets() {
  static constexpr std::array kTargets = {
      Target{"api_request", &api_request, Grammar::kLines},
      Target{"catalogue", &catalogue, Grammar::kDocument},
      Target{"chain", &chain, Grammar::kLines},
      Target{"cni_config", &cni_config, Grammar::kDocument},
      Target{"durability", &durability, Grammar::kRecords},
      Target{"fault_plan", &fault_plan, Grammar::kDocument},
      Target{"jwt", &jwt, Grammar::kDocument},
      Target{"kubeconfig", &kubeconfig, Grammar::kDocument},
      Target{"manifest", &manifest, Grammar::kDocument},
      Target{"node_root", &node_root, Grammar::kLines},
      Target{"node_sequence", &node_sequence, Grammar::kRecords},
      Target{"pem", &pem, Grammar::kLines},
      Target{"reference_credentials", &reference_credentials, Grammar::kLines},
      Target{"reference_manual", &reference_manual, Grammar::kDocument},
      Target{"reference_options", &reference_options, Grammar::kLines},
      Target{"reference_primary", &reference_primary, Grammar::kDocument},
      Target{"scenario", &scenario, Grammar::kDocument},
      Target{"token", &token, Grammar::kToken},
      Target{"yaml", &yaml, Grammar::kDocument},
  };
  return kTargets;
}

}  // namespace entryproof::fuzz
