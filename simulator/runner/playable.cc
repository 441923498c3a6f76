#include "simulator/runner/playable.h"

#include <algorithm>

namespace entryproof::runner {

Result<> check_playable(const faults::Plan& rules) {
  if (std::ranges::none_of(rules, [](const faults::Rule& rule) { return rule.power_cut.has_value(); })) return {};
  return fail(ErrorCode::kUsage, "a power cut cannot be played in the middle of a case; \"entryproof explore crash\" looks at all of them");
}

}  // namespace entryproof::runner
