// Coverage: what stands behind each check: the scenarios that expect it, the mutants that it turns red, the worlds in which it is decided.
#pragma once

#include <string>
#include <vector>

#include "simulator/oracles/catalogue.h"
#include "simulator/runner/scenario.h"
#include "simulator/runner/suite.h"

namespace entryproof::cli {

struct CheckCoverage {
  const oracles::Check* check = nullptr;
  std::vector<std::string> scenarios;  // ids of those that expect it; some checks are judged in every one all the same
  std::vector<std::string> mutants;
  std::vector<std::string> worlds;

  bool wanting() const;
};

struct ClauseCoverage {
  const oracles::Clause* clause = nullptr;
  std::vector<CheckCoverage> checks;
};

// In the order of the catalogue. The result points into the suite.
std::vector<ClauseCoverage> coverage_of(const runner::Suite& suite, const std::vector<const runner::Scenario*>& scenarios);

// A line for each check, then the checks that want a scenario or a mutant.
std::string coverage_text(const std::vector<ClauseCoverage>& coverage);
std::string coverage_json(const std::vector<ClauseCoverage>& coverage);
// The clauses with their stories as a page: docs/clauses.md.
std::string coverage_markdown(const std::vector<ClauseCoverage>& coverage);

}  // namespace entryproof::cli
