// Verdict: what is wrong with a crash state, and with what a build made of it. Pure.
//
// Each demand is measured: what stood there before the life began, what it had announced, what it left in the end, and what a life does
// that nobody disturbed. So a build answers here only for what a crash has done, not for what it does wrong anyway.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simulator/durability/survey.h"
#include "simulator/explore/condition.h"
#include "simulator/explore/rig.h"

namespace entryproof::explore {

// The life that was cut short, as it would have gone on.
struct Course {
  Condition before;
  std::vector<Condition> acknowledged;  // when it said that everything is in place
  Condition end;
};

// A crash state as it lies there; `acknowledged`: how many of the course's acknowledgements had been given.
std::vector<durability::Complaint> judge_state(const Condition& state, const Course& course, std::size_t acknowledged,
                                               mode_t kubeconfig_mode);

// A life that nobody disturbed: what it brings about, and what the live oracles have against it anyway.
struct Control {
  Condition condition;
  std::vector<oracles::Finding> findings;
  bool acknowledged = false;
};

// What is still wrong after a life on a crash state. `controls`: the same start on the node as it was before the first life, and on the
// one that this left; only what both bring about is demanded. `with`: the inputs, for people.
std::vector<durability::Complaint> judge_recovery(const Condition& recovered, const Condition& before, const std::vector<Control>& controls,
                                                  const std::string& with);
// How the life went, by itself.
std::vector<durability::Complaint> judge_life(const Lived& lived, const std::vector<Control>& controls, const std::string& with);

}  // namespace entryproof::explore
