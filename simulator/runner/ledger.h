// Ledger: what a case has to say about each check, while it is played.
//
// A check may be judged several times in one case; its record is the worst of what was said, and the first of equals. Levels make the
// status: a violated MUST is `fail`, a violated SHOULD or MAY is `warn`. Checks above the profile that was asked for are not booked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/oracles/catalogue.h"
#include "simulator/oracles/check.h"
#include "simulator/runner/record.h"

namespace entryproof::runner {

class Ledger {
 public:
  Ledger(const oracles::Catalogue& catalogue, oracles::Profile profile) : catalogue_(catalogue), profile_(profile) {}

  // Whether the check belongs to the profile asked for (an unknown one does not).
  bool wanted(std::string_view check) const;

  void pass(std::string_view check);
  void violate(const oracles::Finding& finding);
  void not_tested(std::string_view check, std::string because);
  void error(std::string_view check, std::string because);

  bool has(std::string_view check) const;
  // Whether anything was violated or went wrong.
  bool troubled() const;
  const std::vector<CheckRecord>& records() const { return records_; }

 private:
  void book(std::string_view check, oracles::Status status, std::string expected, std::string actual, std::optional<oracles::Place> at);

  const oracles::Catalogue& catalogue_;
  oracles::Profile profile_;
  std::vector<CheckRecord> records_;
};

}  // namespace entryproof::runner
