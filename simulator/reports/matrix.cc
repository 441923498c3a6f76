#include "simulator/reports/matrix.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

namespace entryproof::reports {
// Clauses are numbered through, whatever their group; those of the upgrade matrix have an M and come last.
std::tuple<bool, unsigned, std::string> clause_order(const std::string& clause) {
  const std::size_t dash = clause.find('-');
  std::string_view number = dash == std::string::npos ? std::string_view() : std::string_view(clause).substr(dash + 1);
  const bool upgrade = number.starts_with('M');
  if (upgrade) number.remove_prefix(1);
  unsigned value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return {upgrade, value, clause};
}

const Cell* Matrix::find(const std::string& clause, const std::string& build) const {
  const auto found = cells.find({clause, build});
  return found == cells.end() ? nullptr : &found->second;
}

Matrix matrix_of(const Run& run) {
  Matrix matrix;
  for (const auto& build : run.header.builds) matrix.builds.push_back(build.name);
  std::set<std::string> clauses;
  for (const auto& record : run.cases) {
    for (const auto& check : record.checks) {
      const std::string clause(clause_of(check.check));
      clauses.insert(clause);
      Cell& cell = matrix.cells[{clause, record.build}];
      ++cell.total;
      if (check.status == oracles::Status::kPass) ++cell.passed;
      if (oracles::severity(check.status) > oracles::severity(cell.worst)) {
        cell.worst = check.status;
        cell.first_case = &record;
        cell.first = &check;
      }
    }
  }
  matrix.clauses.assign(clauses.begin(), clauses.end());
  std::ranges::sort(matrix.clauses, {}, clause_order);
  return matrix;
}

}  // namespace entryproof::reports
