// Kills: mutants by checks, with what each check made of each mutant.
//
// The suite's proof of itself: a mutant that nothing turns red survives, and a check that turns no mutant red is not shown to be able to
// fail. Mutants are told by what was given as --build: "mutant:NAME".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "simulator/reports/run.h"

namespace entryproof::reports {

bool is_mutant(const runner::BuildRecord& build);

struct Kills {
  std::vector<std::string> mutants;                            // names without "mutant:", in the order of the header
  std::vector<std::string> checks;                             // that the run has, in the order of the catalogue
  std::map<std::pair<std::string, std::string>, bool> judged;  // (check, mutant): whether red; none where it was not judged

  std::vector<std::string> survivors() const;     // mutants that no check turned red
  std::vector<std::string> never_killed() const;  // checks that were judged on mutants and turned none red
  std::vector<std::string> not_judged() const;    // checks that were judged on no mutant
};

Kills kills_of(const Run& run);

// The matrix as plain lines for a fixed-width font: a row for each check, a column for each mutant, then the mutants by number, then what
// is wanting.
std::string kill_text(const Kills& kills);

}  // namespace entryproof::reports
