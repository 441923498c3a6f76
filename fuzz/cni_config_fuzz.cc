// Any bytes as a CNI configuration, single or list: never a crash; what is accepted has a type, and its delegates equal themselves, also
// after they were read and written once more.
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/json_value.h"

namespace entryproof::fuzz {

void cni_config(std::string_view bytes) {
  using namespace oracles;  // NOLINT: a target of one folder
  for (const bool list : {false, true}) {
    const auto config = parse_cni_config(bytes, list);
    demand(!config.accepted() || !config.types.empty());
    demand(config.error.find('\n') == std::string::npos);
    demand(!config.self_delegating || config.multus_depth > 1);
    for (const auto& delegate : config.delegates) {
      demand(json_difference(delegate, delegate, JsonEquality::kLossless).empty());
      std::string reason;
      const auto value = parse_json_value(delegate, reason);
      demand(value.has_value());
      demand(json_difference(delegate, to_json_text(*value), JsonEquality::kLossless).empty());
    }
  }
}

}  // namespace entryproof::fuzz
