#include "simulator/explore/trial.h"

#include <algorithm>
#include <utility>

#include "simulator/explore/tale.h"

namespace entryproof::explore {

const runner::CheckRecord* Trial::find(std::string_view check) const {
  const auto found = std::ranges::find(findings, check, &runner::CheckRecord::check);
  return found == findings.end() ? nullptr : &*found;
}

Trial try_scenario(const Bench& bench, const runner::Scenario& scenario) {
  auto options = bench.options;
  options.profile = oracles::Profile::kProduction;
  const runner::CaseRequest request{bench.suite, scenario, bench.build, options, bench.world, 1, bench.cancelled};
  auto played = runner::play_case(request, [&](runner::WorldRequest wanted) {
    wanted.journal.read_only_entries = 0;  // nobody asks what was only looked at
    return bench.make_world(std::move(wanted));
  });
  Trial trial;
  trial.deadline_missed = played.deadline_missed;
  for (auto& check : played.record.checks) {
    const bool decides = check.status == oracles::Status::kFail || (bench.options.strict && check.status == oracles::Status::kWarn);
    if (check.status == oracles::Status::kError && trial.trouble.empty()) trial.trouble = check.check + ": " + check.actual;
    if (decides) trial.findings.push_back(std::move(check));
  }
  if (!trial.findings.empty()) trial.trouble.clear();  // what came after it is of no account
  return trial;
}

Trial try_history(const Bench& bench, const History& history) {
  return try_scenario(bench, tell(history, Known::of(bench.build, bench.options.features)));
}

}  // namespace entryproof::explore
