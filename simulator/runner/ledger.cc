#include "simulator/runner/ledger.h"

#include <algorithm>
#include <utility>

namespace entryproof::runner {

using oracles::Status;

bool Ledger::wanted(std::string_view check) const {
  const auto* found = catalogue_.find_check(check);
  return found != nullptr && found->profile <= profile_;
}

void Ledger::pass(std::string_view check) { book(check, Status::kPass, {}, {}, {}); }

void Ledger::violate(const oracles::Finding& finding) {
  const auto* check = catalogue_.find_check(finding.check);
  const bool must = check == nullptr || check->level == oracles::Level::kMust;
  book(finding.check, must ? Status::kFail : Status::kWarn, finding.expected, finding.actual, finding.at);
}

void Ledger::not_tested(std::string_view check, std::string because) { book(check, Status::kNotTested, {}, std::move(because), {}); }

void Ledger::error(std::string_view check, std::string because) { book(check, Status::kError, {}, std::move(because), {}); }

bool Ledger::has(std::string_view check) const {
  return std::ranges::any_of(records_, [&](const auto& record) { return record.check == check; });
}

bool Ledger::troubled() const {
  return std::ranges::any_of(records_,
                             [](const auto& record) { return record.status != Status::kPass && record.status != Status::kNotTested; });
}

void Ledger::book(std::string_view check, Status status, std::string expected, std::string actual, std::optional<oracles::Place> at) {
  if (!wanted(check)) return;
  auto found = std::ranges::find_if(records_, [&](const auto& record) { return record.check == check; });
  if (found == records_.end()) {
    const auto* known = catalogue_.find_check(check);
    records_.push_back({.check = std::string(check),
                        .level = known->level,
                        .profile = known->profile,
                        .status = Status::kPass,
                        .expected = {},
                        .actual = {},
                        .at = {},
                        .replay = {}});
    found = std::prev(records_.end());
  } else if (severity(status) <= severity(found->status)) {
    return;
  }
  found->status = status;
  found->expected = std::move(expected);
  found->actual = std::move(actual);
  found->at = std::move(at);
}

}  // namespace entryproof::runner
