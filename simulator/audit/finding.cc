#include "simulator/audit/finding.h"

#include <algorithm>

namespace entryproof::audit {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kBroken:
      return "broken";
    case Severity::kWillBreak:
      return "will-break";
    case Severity::kRisk:
      return "risk";
  }
  return "?";
}

int exit_code(const std::vector<Report>& reports, bool strict) {
  const auto decides = [strict](const Finding& finding) { return strict || finding.severity != Severity::kRisk; };
  if (std::ranges::any_of(reports, [&](const Report& report) { return std::ranges::any_of(report.findings, decides); })) return 1;
  const bool unread = std::ranges::any_of(reports, [](const Report& report) { return !report.unread.empty(); });
  return reports.empty() || unread ? 2 : 0;
}

}  // namespace entryproof::audit
