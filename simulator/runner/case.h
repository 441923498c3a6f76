// Case: one scenario played against one build in one fresh world.
//
// The player walks through the steps (steps.h), and what is expected is judged (judgement.h). A failed expectation fails its check and
// nothing else; when a step itself cannot be done, what comes after it is not-tested, because of it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "simulator/base/result.h"
#include "simulator/runner/engine.h"
#include "simulator/runner/onlooker.h"
#include "simulator/runner/record.h"
#include "simulator/runner/scenario.h"
#include "simulator/runner/suite.h"
#include "simulator/runner/world.h"

namespace entryproof::runner {

using WorldMaker = std::function<Result<std::unique_ptr<World>>(WorldRequest)>;

struct CaseRequest {
  const Suite& suite;
  const Scenario& scenario;
  const Build& build;
  const RunOptions& options;
  WorldKind world = WorldKind::kFuse;
  std::uint64_t seed = 1;
  const std::atomic<bool>* cancelled = nullptr;  // becomes true when the run is interrupted
  Onlooker* onlooker = nullptr;
};

// Says where the scenario and its expectations stand.
void locate(CaseRecord& record, const Scenario& scenario);

// Every case has a seed of its own that depends on nothing but the run's seed and what is played.
std::uint64_t case_seed(std::uint64_t run_seed, const std::string& scenario);

struct Played {
  CaseRecord record;
  bool deadline_missed = false;  // a wait ran out of time while the build was not at rest: counts only if it repeats on a quiet machine
};

Played play_case(const CaseRequest& request, const WorldMaker& make_world);

}  // namespace entryproof::runner
