// Run: explorations as a run is: header, one record per scenario and build, footer; every report and every exit code is a run's.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/explore/crash.h"
#include "simulator/explore/faults.h"
#include "simulator/runner/engine.h"

namespace entryproof::explore {

// What is explored, and how far. `jobs` and `max_time` of it are the run's business.
using Exploration = std::variant<CrashBounds, FaultBounds>;

// Narration: whole lines, and how far the exploration at hand is.
struct Narrator {
  std::function<void(const std::string&)> line;
  CrashProgress progress;
};

// As runner::play, with explorations instead of cases. Scenarios one after another; their lives side by side as RunOptions::jobs says.
Result<runner::Footer> play_explorations(const runner::Suite& suite, const std::vector<const runner::Scenario*>& scenarios,
                                         const std::vector<runner::Build>& builds, const runner::RunOptions& options,
                                         runner::Listener& listener, const std::atomic<bool>& interrupted, const Exploration& exploration,
                                         const Narrator& narrator);

// What a run of the durable profile adds to the cases of scenarios tagged "crash" or "sweep": RunOptions::take_apart. `narrate` is told
// what each was and what it cost. Failing calls are swept in memory only: elsewhere that takes minutes.
std::function<std::vector<runner::CheckRecord>(const runner::CaseRequest&, const runner::WorldMaker&)> taker_apart(
    std::function<void(const std::string&)> narrate);

}  // namespace entryproof::explore
