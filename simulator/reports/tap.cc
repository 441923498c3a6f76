#include "simulator/reports/tap.h"

#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>

#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

// One line in which no '#' begins a directive.
std::string description(std::string_view text) {
  std::string out;
  for (const char c : one_line(text, 1024)) {
    if (c == '#' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// A JSON string is a YAML string, and needs no thought about indentation.
std::string yaml_string(std::string_view text) {
  return nlohmann::json(visible(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string diagnostic(const runner::CheckRecord& check) {
  std::string out = "  ---\n";
  out += fmt::format("  severity: {}\n  level: {}\n  profile: {}\n", oracles::to_string(check.status), oracles::to_string(check.level),
                     oracles::to_string(check.profile));
  for (const auto& [name, value] : facts(check)) out += fmt::format("  {}: {}\n", name, yaml_string(value));
  return out + "  ...\n";
}

std::string point(std::size_t number, const runner::CaseRecord& record, const runner::CheckRecord& check, const Asked& asked) {
  const std::string text =
      fmt::format("{} - {} {} {}", number, description(record.build), description(record.scenario), description(check.check));
  switch (outcome(check, asked)) {
    case Outcome::kPassed:
      return fmt::format("ok {}\n", text);
    case Outcome::kSkipped:
      return fmt::format("ok {} # SKIP {}\n", text, description(check.actual.empty() ? "not tested" : check.actual));
    case Outcome::kNoted:
      return fmt::format("not ok {} # TODO {}\n{}", text, why_noted(check, asked), diagnostic(check));
    case Outcome::kFailed:
    case Outcome::kBroken:
      return fmt::format("not ok {}\n{}", text, diagnostic(check));
  }
  return {};
}

}  // namespace

std::string tap(const Run& run, const Asked& asked) {
  std::string points;
  std::size_t number = 0;
  std::map<std::string, bool> red;
  for (const auto& record : run.cases) {
    for (const auto& check : record.checks) {
      points += point(++number, record, check, asked);
      const Outcome how = outcome(check, asked);
      red[record.build] |= how == Outcome::kFailed || how == Outcome::kBroken;
    }
  }
  for (const auto& build : run.header.builds) {
    const runner::Verdict verdict = verdict_on(run, build.name, asked);
    if (verdict == runner::Verdict::kConformant || red[build.name]) continue;
    points += fmt::format("not ok {} - {} verdict {}: {}\n", ++number, description(build.name), oracles::to_string(asked.profile),
                          runner::to_string(verdict));
  }
  if (run.footer) {
    for (const auto& entry : run.footer->stale) points += fmt::format("not ok {} - baseline stale: {}\n", ++number, description(entry));
  }
  return fmt::format("TAP version 14\n1..{}\n{}", number, points);
}

}  // namespace entryproof::reports
