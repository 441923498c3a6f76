#include "fuzz/targets.h"

#include <array>

namespace entryproof::fuzz {

std::span<const Target> targets() {
  static constexpr std::array kTargets = {
      Target{"api_request", &api_request, Grammar::kBytes},
      Target{"catalogue", &catalogue, Grammar::kDocument},
      Target{"chain", &chain, Grammar::kBytes},
      Target{"cni_config", &cni_config, Grammar::kDocument},
      Target{"fault_plan", &fault_plan, Grammar::kDocument},
      Target{"kubeconfig", &kubeconfig, Grammar::kDocument},
      Target{"node_sequence", &node_sequence, Grammar::kRecords},
      Target{"reference_credentials", &reference_credentials, Grammar::kBytes},
      Target{"reference_manual", &reference_manual, Grammar::kDocument},
      Target{"reference_options", &reference_options, Grammar::kDocument},
      Target{"reference_primary", &reference_primary, Grammar::kDocument},
      Target{"scenario", &scenario, Grammar::kDocument},
      Target{"token", &token, Grammar::kBytes},
      Target{"yaml", &yaml, Grammar::kDocument},
  };
  return kTargets;
}

}  // namespace entryproof::fuzz
