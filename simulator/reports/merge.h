// Merge: several stored runs as one, for shards of one run and for runs of different builds that are to be compared.
#pragma once

#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/reports/run.h"

namespace entryproof::reports {

struct NamedRun {
  std::string name;  // of the file, for messages
  Run run;
};

// One run that holds all cases, by scenario and build, with a footer of its own. Demands one suite, one world and one seed; of each set of
// builds either one whole run or every shard 0..N-1 exactly once; no build in two sets; footers everywhere. A single run is given as it is:
// without a footer its verdicts are incomplete. `strict` as in runner::conclude. kInvalidInput says which file does not fit.
Result<Run> merge(std::vector<NamedRun> runs, bool strict);

}  // namespace entryproof::reports
