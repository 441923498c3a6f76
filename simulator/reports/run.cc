#include "simulator/reports/run.h"

#include <fmt/core.h>

#include <algorithm>

#include "simulator/reports/text.h"

namespace entryproof::reports {

using oracles::Level;
using oracles::Status;

Outcome outcome(const runner::CheckRecord& check, const Asked& asked) {
  const bool in_profile = check.profile <= asked.profile;
  switch (check.status) {
    case Status::kPass:
      return Outcome::kPassed;
    case Status::kFail:
      return in_profile && check.level == Level::kMust ? Outcome::kFailed : Outcome::kNoted;
    case Status::kWarn:
      return in_profile && asked.strict && check.level == Level::kShould ? Outcome::kFailed : Outcome::kNoted;
    case Status::kKnown:
      return Outcome::kNoted;
    case Status::kNotTested:
      return Outcome::kSkipped;
    case Status::kUnknown:
    case Status::kError:
      return in_profile ? Outcome::kBroken : Outcome::kNoted;
  }
  return Outcome::kBroken;
}

std::string why_noted(const runner::CheckRecord& check, const Asked& asked) {
  if (check.status == Status::kKnown) return "listed as known";
  if (check.profile > asked.profile) return fmt::format("above the profile {}", oracles::to_string(asked.profile));
  return fmt::format("a {}", oracles::to_string(check.level));
}

runner::Verdict verdict_on(const Run& run, const std::string& build, const Asked& asked) {
  if (!run.footer) return runner::Verdict::kIncomplete;
  const auto of_build = run.footer->verdicts.find(build);
  if (of_build == run.footer->verdicts.end()) return runner::Verdict::kIncomplete;
  const auto verdict = of_build->second.find(std::string(oracles::to_string(asked.profile)));
  return verdict == of_build->second.end() ? runner::Verdict::kIncomplete : verdict->second;
}

bool is_finding(const runner::CheckRecord& check) { return check.status != Status::kPass && check.status != Status::kNotTested; }

const runner::CheckRecord* finding(const Run& run, std::size_t number) {
  if (number == 0) return nullptr;
  for (const auto& record : run.cases) {
    for (const auto& check : record.checks) {
      if (is_finding(check) && --number == 0) return &check;
    }
  }
  return nullptr;
}

std::size_t count_findings(const Run& run) {
  std::size_t count = 0;
  for (const auto& record : run.cases) count += static_cast<std::size_t>(std::ranges::count_if(record.checks, is_finding));
  return count;
}

std::string_view clause_of(std::string_view check) { return check.substr(0, check.find('/')); }

std::string file_of(const runner::CaseRecord& record) {
  return record.file.empty() ? "scenarios/" + record.scenario.substr(0, record.scenario.find('#')) + ".json" : record.file;
}

std::vector<std::pair<std::string_view, std::string>> facts(const runner::CheckRecord& check) {
  std::vector<std::pair<std::string_view, std::string>> all = {{"expected", check.expected}, {"actual", check.actual}};
  if (check.at) all.emplace_back("at", place_text(*check.at));
  all.emplace_back("replay", check.replay);
  std::erase_if(all, [](const auto& fact) { return fact.second.empty(); });
  return all;
}

std::string place_text(const oracles::Place& place) {
  std::string text = place.op == 0 ? "no operation" : fmt::format("operation {}", place.op);
  if (!place.path.empty()) text += " on " + one_line(place.path, 512);
  return text + fmt::format(" ({}, journal {})", one_line(place.world, 32), place.seq);
}

}  // namespace entryproof::reports
