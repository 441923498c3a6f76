#include "simulator/reports/github.h"

#include <fmt/core.h>

#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

// In a message '%' and line ends are escaped, in a property ':' and ',' too; a command could be forged otherwise.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : visible(text)) {
    if (c == '%') {
      out += "%25";
    } else if (c == '\n') {
      out += "%0A";
    } else if (property && c == ':') {
      out += "%3A";
    } else if (property && c == ',') {
      out += "%2C";
    } else {
      out += c;
    }
  }
  return out;
}

std::string annotation(std::string_view command, const runner::CaseRecord& record, int line, std::string_view title,
                       const std::string& message) {
  return fmt::format("::{} file={},{}title={}::{}\n", command, escaped(file_of(record), true),
                     line > 0 ? fmt::format("line={},", line) : "", escaped(title, true), escaped(message, false));
}

// The checks of a case that failed or warned, as one annotation; empty if there are none.
std::string of_case(const runner::CaseRecord& record, const Asked& asked) {
  const runner::CheckRecord* first = nullptr;
  bool decides = false;
  std::string message;
  for (const auto& check : record.checks) {
    const Outcome how = outcome(check, asked);
    if (how == Outcome::kPassed || how == Outcome::kSkipped) continue;
    const bool deciding = how != Outcome::kNoted;
    if (first == nullptr || (deciding && !decides)) first = &check;
    decides = decides || deciding;
    message += fmt::format("{} ({}, {}): {}{}\n", check.check, oracles::to_string(check.level), oracles::to_string(check.profile),
                           oracles::to_string(check.status), deciding ? "" : fmt::format(", {}", why_noted(check, asked)));
    for (const auto& [name, value] : facts(check)) message += fmt::format("  {}: {}\n", name, value);
  }
  if (first == nullptr) return {};
  message.pop_back();
  return annotation(decides ? "error" : "warning", record, first->line,
                    fmt::format("{}: {} on {}", first->check, record.scenario, record.build), message);
}

}  // namespace

std::string github(const Run& run, const Asked& asked) {
  std::string out;
  for (const auto& record : run.cases) out += of_case(record, asked);
  if (run.footer) {
    for (const auto& entry : run.footer->stale)
      out += fmt::format("::error title=entryproof::stale in the baseline: {}\n", escaped(entry, false));
  }
  for (const auto& build : run.header.builds) {
    const runner::Verdict verdict = verdict_on(run, build.name, asked);
    const std::string_view command = verdict == runner::Verdict::kConformant ? "notice" : "error";
    out += fmt::format("::{} title={}::{} {} in the profile {}\n", command, escaped("entryproof", true), escaped(build.name, false),
                       runner::to_string(verdict), oracles::to_string(asked.profile));
  }
  return out;
}

}  // namespace entryproof::reports
