// Playable: which rules of the fault language a case can be played with.
#pragma once

#include "simulator/base/result.h"
#include "simulator/faults/plan.h"

namespace entryproof::runner {

// kUsage for a rule that cuts the power: what survives in the middle of a case is not decided yet, and without that it would be a kill and no
// more. `explore crash` looks at every cut.
Result<> check_playable(const faults::Plan& rules);

}  // namespace entryproof::runner
