// Lint: what is wrong with scenario files beyond their form.
//
// The loader refuses what no reader of the format could understand; lint, with the catalogue and the fixtures at hand, what could never be
// played or judged: a check that does not exist, a fixture that is not there, a signal to nobody. Suite::load runs the same code, so
// nothing that lint refuses is ever played.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/runner/scenario.h"
#include "simulator/runner/suite.h"

namespace entryproof::runner {

// Every problem of one case, in the order of its steps; empty = clean. `suite` needs its catalogue and fixtures only.
std::vector<Error> lint_scenario(const Scenario& scenario, const Suite& suite);

struct LintReport {
  std::size_t files = 0;
  std::size_t cases = 0;        // rows of `vary` counted one by one
  std::vector<Error> problems;  // in the order of the files
};

// The scenarios of `paths`: files, or directories with all they hold; none = the whole suite. The catalogue and the fixtures are those of
// `suite_directory`; an error means that they cannot be had, or that a path leads nowhere.
Result<LintReport> lint(const std::string& suite_directory, const std::vector<std::string>& paths);

}  // namespace entryproof::runner
