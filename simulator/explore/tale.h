// Tale: a history, told as a scenario that anybody can play.
//
// While it tells, it keeps in mind what a node in order looks like at that point: which primary a build delegates to, what somebody has
// spoiled, whether the build can still be alive. So it knows what may be demanded: what cannot be decided without knowing the build (two
// primaries to choose from, a start without credentials) is not demanded. Each demand is made under the check that speaks of what happened
// last to the thing in question. Any part of a history is a history: a letter that makes no sense at its place tells nothing.
#pragma once

#include <string>

#include "simulator/explore/alphabet.h"
#include "simulator/runner/scenario.h"

namespace entryproof::explore {

// `known`: the build is the reference's code, whose file names in the CNI directory are known and can be tampered with.
runner::Scenario tell(const History& history, bool known);

}  // namespace entryproof::explore
