// Judgement: what a case has to say about each check: what the scenario expects, and the invariants that hold in every scenario.
//
// Puts the oracles' answers into the ledger. An expectation waits for its moment; an invariant is concluded at the end, from what was seen
// of every operation. Each fact is charged to one clause.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simulator/oracles/check.h"
#include "simulator/oracles/expectations.h"
#include "simulator/runner/play.h"
#include "simulator/runner/scenario.h"

namespace entryproof::runner {

// Whether the check is judged in every case, whatever the scenario expects.
bool judged_everywhere(const oracles::Check& check);

class Judgement {
 public:
  explicit Judgement(Play& play) : play_(play) {}

  void look_for(const ExpectStep& step);
  // The invariants; after the last step.
  void conclude_live();

 private:
  // Waits until all demands are met, or at most `within`; an unmet one stays in `mismatch`.
  Woke become_true(const ExpectStep& step, std::optional<oracles::Mismatch>& mismatch);
  std::optional<oracles::Mismatch> stay_true(const ExpectStep& step);
  std::optional<oracles::Mismatch> judge_now(const ExpectStep& step);
  void violate(const oracles::Finding& finding);
  std::string charged_to(const ExpectStep& step);
  void conclude_live(const oracles::Check& check, const std::vector<oracles::Finding>& findings, const std::vector<std::string>& excess);
  void conclude_url_at_rest();

  oracles::Mode mode() const { return play_.manual ? oracles::Mode::kManual : oracles::Mode::kAutomatic; }
  const oracles::ClusterFacts& facts();

  Play& play_;
  oracles::ClusterFacts facts_;
};

}  // namespace entryproof::runner
