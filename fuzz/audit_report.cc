#include "fuzz/audit_report.h"

#include <nlohmann/json.hpp>
#include <string>

#include "fuzz/targets.h"
#include "simulator/oracles/redact.h"
#include "simulator/reports/audit.h"

namespace entryproof::fuzz {

namespace {

template <class Visit>
void each_text(const audit::Report& report, const Visit& visit) {
  visit(report.subject);
  for (const auto& fact : report.facts) {
    visit(fact.name);
    visit(fact.text);
  }
  for (const auto& finding : report.findings) {
    for (const auto* text : {&finding.clause, &finding.file, &finding.what, &finding.consequence, &finding.remedy}) visit(*text);
  }
  for (const auto& unread : report.unread) {
    visit(unread.path);
    visit(unread.reason);
  }
}

}  // namespace

void demand_sound(const audit::Report& report, std::size_t lines) {
  each_text(report, [](const std::string& text) { demand(oracles::printable(text, text.size()) == text); });
  demand(!report.subject.empty());
  for (const auto& fact : report.facts) demand(is_line(fact.name) && is_line(fact.text));
  for (const auto& finding : report.findings) {
    demand(is_line(finding.clause) && is_line(finding.what) && is_line(finding.consequence) && is_line(finding.remedy));
    demand(lines == 0 || finding.line <= lines);
  }
  for (const auto& unread : report.unread) demand(is_line(unread.path) && is_line(unread.reason));
}

void demand_silent(const audit::Report& report, std::string_view secret) {
  each_text(report, [&](const std::string& text) { demand(text.find(secret) == std::string::npos); });
}

void demand_rendered(const std::vector<audit::Report>& reports) {
  using reports::AuditFormat;
  for (const auto format : {AuditFormat::kText, AuditFormat::kMarkdown, AuditFormat::kGithub})
    static_cast<void>(reports::render_audit(reports, {.format = format, .whole = true}));
  std::string_view lines;
  const auto json = reports::render_audit(reports, {.format = AuditFormat::kJson});
  for (lines = json; !lines.empty();) {
    const auto end = lines.find('\n');
    demand(end != std::string_view::npos && nlohmann::json::accept(lines.substr(0, end)));
    lines.remove_prefix(end + 1);
  }
}

}  // namespace entryproof::fuzz
