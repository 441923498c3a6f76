// Matrix: builds by clauses, with what each build made of each clause.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "simulator/reports/run.h"

namespace entryproof::reports {

struct Cell {
  oracles::Status worst = oracles::Status::kPass;
  std::size_t passed = 0;
  std::size_t total = 0;
  // The first check with the worst status, where that is not a pass. They point into the run.
  const runner::CaseRecord* first_case = nullptr;
  const runner::CheckRecord* first = nullptr;
};

struct Matrix {
  std::vector<std::string> builds;                            // in the order of the header
  std::vector<std::string> clauses;                           // by number, as the catalogue has them; upgrades ("UPGRADE-M1") last
  std::map<std::pair<std::string, std::string>, Cell> cells;  // (clause, build); none where nothing was checked

  const Cell* find(const std::string& clause, const std::string& build) const;
};

// Where a clause stands among others: by number, whatever its group; upgrades ("UPGRADE-M1") last.
std::tuple<bool, unsigned, std::string> clause_order(const std::string& clause);

// The run must outlive the matrix.
Matrix matrix_of(const Run& run);

}  // namespace entryproof::reports
