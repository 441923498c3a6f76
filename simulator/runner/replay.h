// Replay: one case again, up to the finding that is looked for.
//
// What a case does depends on the seed, the scenario and the build; in process worlds on the machine's scheduling, too. So a replay tries
// several times, and says how many. It ends where the finding became true and keeps the node as it was before and after.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "simulator/base/result.h"
#include "simulator/node/tree.h"
#include "simulator/oracles/check.h"
#include "simulator/oracles/redact.h"
#include "simulator/runner/case.h"
#include "simulator/runner/stage.h"

namespace entryproof::runner {

struct ReplayRequest {
  const Suite& suite;
  const Scenario& scenario;
  const Build& build;
  const RunOptions& options;
  std::string check;  // which finding; empty: the first one
  unsigned tries = 1;
  const std::atomic<bool>& interrupted;
};

struct Reproduced {
  oracles::Finding finding;
  std::string operation;  // that made it so, in words; empty where no single one did
  node::Tree before;      // … that operation; without one: as the case began
  node::Tree after;       // … that operation; without one: when it was judged
  oracles::Redactor redactor;
};

struct Replayed {
  unsigned tries = 0;                    // that were made
  std::optional<Reproduced> reproduced;  // at the last of them
};

// An error when no try came to a judgement about the check: it could not be played, or is not tested in this world.
Result<Replayed> replay(const ReplayRequest& request, Stage& stage);

}  // namespace entryproof::runner
