// Trial: a history played against one build, and what came of it.
//
// Whatever the suite says of a case it says of a history: the live oracles judge every operation, the tale's demands are judged at their
// moments. A history is no verdict on anything that could not be played; such trouble is told and counted, never taken for a finding.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "simulator/explore/alphabet.h"
#include "simulator/runner/case.h"
#include "simulator/runner/record.h"
#include "simulator/runner/suite.h"

namespace entryproof::explore {

struct Trial {
  std::vector<runner::CheckRecord> findings;  // violated MUSTs; with `strict`, SHOULDs, too
  std::string trouble;                        // why a part of it is no verdict; empty: all of it is
  bool deadline_missed = false;               // as runner::Played

  const runner::CheckRecord* find(std::string_view check) const;
};

struct Bench {
  const runner::Suite& suite;
  const runner::Build& build;
  runner::WorldKind world = runner::WorldKind::kMemory;
  runner::WorldMaker make_world;
  runner::RunOptions options;  // of it: strict, with, extra_args, extra_environment, features
  const std::atomic<bool>* cancelled = nullptr;
};

// Histories are played with one seed for the node's own chances (tokens, temporary names), so that only the commands make a difference.
Trial try_scenario(const Bench& bench, const runner::Scenario& scenario);
Trial try_history(const Bench& bench, const History& history);

}  // namespace entryproof::explore
