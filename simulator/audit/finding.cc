#include "simulator/audit/finding.h"

#include <algorithm>

#include "simulator/oracles/redact.h"

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

Report printable(Report report) {
  const auto mend = [](std::string& text) { text = oracles::printable(text); };
  mend(report.subject);
  for (Fact& fact : report.facts) {
    mend(fact.name);
    mend(fact.text);
  }
  for (Finding& finding : report.findings) {
    for (auto* text : {&finding.clause, &finding.file, &finding.what, &finding.consequence, &finding.remedy}) mend(*text);
  }
  for (Unread& unread : report.unread) {
    mend(unread.path);
    mend(unread.reason);
  }
  return report;
}

int exit_code(const std::vector<Report>& reports, bool strict) {
  const auto decides = [strict](const Finding& finding) { return strict || finding.severity != Severity::kRisk; };
  if (std::ranges::any_of(reports, [&](const Report& report) { return std::ranges::any_of(report.findings, decides); })) return 1;
  const bool unread = std::ranges::any_of(reports, [](const Report& report) { return !report.unread.empty(); });
  return reports.empty() || unread ? 2 : 0;
}

}  // namespace entryproof::audit
