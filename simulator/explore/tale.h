// Tale: a history, told as a scenario that anybody can play.
//
// While it tells, it keeps in mind what a node in order looks like at that point: which primary a build delegates to, what somebody has
// spoiled, whether the build can still be alive. So it knows what may be demanded: what cannot be decided without knowing the build (two
// primaries to choose from, a start without credentials) is not demanded. Each demand is made under the check that speaks of what happened
// last to the thing in question. Any part of a history is a history: a letter that makes no sense at its place tells nothing.
#pragma once

#include <map>
#include <set>
#include <string>

#include "simulator/explore/alphabet.h"
#include "simulator/runner/build.h"
#include "simulator/runner/scenario.h"

namespace entryproof::explore {

// What is known of the build that a tale is for.
struct Known {
  bool names = false;              // it is the reference's code, whose file names in the CNI directory can be tampered with
  std::set<std::string> features;  // what it can be told by a flag of its own

  // `spelled`: features that somebody told how to spell, as RunOptions::features.
  static Known of(const runner::Build& build, const std::map<std::string, std::string>& spelled);
};

runner::Scenario tell(const History& history, const Known& known);

}  // namespace entryproof::explore
