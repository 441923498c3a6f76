#include "simulator/reports/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

using audit::Finding;
using audit::Report;
using audit::Severity;
using nlohmann::ordered_json;

constexpr std::array kSeverities{Severity::kBroken, Severity::kWillBreak, Severity::kRisk};

std::string_view kind_of(const Report& report) { return report.kind == Report::Kind::kNode ? "node" : "manifest"; }

std::string place_of(const Finding& finding) { return finding.line == 0 ? finding.file : fmt::format("{}:{}", finding.file, finding.line); }

// The worst first; of equals the order in which they were found.
std::vector<Finding> sorted(const std::vector<Finding>& findings) {
  std::vector<Finding> ordered;
  for (const Severity severity : kSeverities)
    std::ranges::copy_if(findings, std::back_inserter(ordered), [severity](const Finding& each) { return each.severity == severity; });
  return ordered;
}

std::string totals(const std::vector<Report>& reports) {
  std::string text = counted(reports.size(), "subject");
  for (const Severity severity : kSeverities) {
    std::size_t found = 0;
    for (const Report& report : reports)
      found += static_cast<std::size_t>(std::ranges::count(report.findings, severity, &Finding::severity));
    text += fmt::format(", {} {}", found, to_string(severity));
  }
  std::size_t unread = 0;
  for (const Report& report : reports) unread += report.unread.size();
  if (unread > 0) text += fmt::format(", {} unread", unread);
  return text;
}

std::string colored(std::string_view text, Severity severity, bool color) {
  if (!color) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", severity == Severity::kRisk ? "33" : "31", text);
}

std::string text_of(const std::vector<Report>& reports, const AuditView& view) {
  std::string out;
  for (const Report& report : reports) {
    const bool clean = report.findings.empty() && report.unread.empty();
    if (clean && reports.size() > 1 && !view.whole) {
      out += fmt::format("{} {}: nothing found\n", kind_of(report), visible_line(report.subject));
      continue;
    }
    out += fmt::format("{} {}\n", kind_of(report), visible_line(report.subject));
    for (const auto& fact : report.facts) out += fmt::format("  {:<12} {}\n", fact.name, visible_line(fact.text));
    for (const auto& unread : report.unread) {
      out +=
          fmt::format("  {:<12} {}: {}; nothing is concluded from it\n", "unread", visible_line(unread.path), visible_line(unread.reason));
    }
    for (const Finding& finding : sorted(report.findings)) {
      out += fmt::format("\n  {} {} {}\n", colored(fmt::format("{:<10}", to_string(finding.severity)), finding.severity, view.color),
                         finding.clause, visible_line(place_of(finding)));
      out += fmt::format("    what         {}\n    consequence  {}\n    remedy       {}\n", visible_line(finding.what),
                         visible_line(finding.consequence), visible_line(finding.remedy));
    }
    if (clean) out += "  nothing found\n";
    out += '\n';
  }
  return out + totals(reports) + '\n';
}

std::string json_line(const ordered_json& object) { return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n'; }

std::string json_of(const std::vector<Report>& reports, bool strict) {
  std::string out = json_line({{"kind", "audit"}, {"format", 1}});
  std::size_t findings = 0;
  for (const Report& report : reports) {
    out += json_line({{"kind", "subject"}, {"type", kind_of(report)}, {"subject", report.subject}});
    for (const auto& fact : report.facts) {
      out += json_line({{"kind", "fact"}, {"subject", report.subject}, {"name", fact.name}, {"text", fact.text}});
    }
    for (const Finding& finding : sorted(report.findings)) {
      out += json_line({{"kind", "finding"},
                        {"subject", report.subject},
                        {"clause", finding.clause},
                        {"severity", to_string(finding.severity)},
                        {"file", finding.file},
                        {"line", finding.line},
                        {"what", finding.what},
                        {"consequence", finding.consequence},
                        {"remedy", finding.remedy}});
      ++findings;
    }
    for (const auto& unread : report.unread) {
      out += json_line({{"kind", "unread"}, {"subject", report.subject}, {"path", unread.path}, {"reason", unread.reason}});
    }
  }
  return out + json_line({{"kind", "footer"}, {"subjects", reports.size()}, {"findings", findings}, {"exit", exit_code(reports, strict)}});
}

// For a cell of a table.
std::string cell(std::string_view text) {
  return map_characters(visible_line(text), [](char32_t character, std::string_view encoded, std::string& out) {
    if (character == U'|' || character == U'\\' || character == U'`' || character == U'<' || character == U'*' || character == U'_')
      out += '\\';
    out += encoded;
  });
}

std::string markdown_of(const std::vector<Report>& reports) {
  std::string out;
  for (const Report& report : reports) {
    out += fmt::format("## {} {}\n\n", kind_of(report), cell(report.subject));
    for (const auto& fact : report.facts) out += fmt::format("- **{}**: {}\n", cell(fact.name), cell(fact.text));
    for (const auto& unread : report.unread) out += fmt::format("- **unread**: {}: {}\n", cell(unread.path), cell(unread.reason));
    if (!report.findings.empty())
      out += "\n| severity | clause | place | what | consequence | remedy |\n| --- | --- | --- | --- | --- | --- |\n";
    for (const Finding& finding : sorted(report.findings)) {
      out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", to_string(finding.severity), finding.clause, cell(place_of(finding)),
                         cell(finding.what), cell(finding.consequence), cell(finding.remedy));
    }
    out += '\n';
  }
  return out + totals(reports) + '\n';
}

// A value of a workflow command: nothing of it may end the line or the property.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : visible_line(text)) {
    if (c == '%' || (property && (c == ',' || c == ':'))) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string github_of(const std::vector<Report>& reports) {
  std::string out;
  for (const Report& report : reports) {
    for (const Finding& finding : sorted(report.findings)) {
      const auto line = finding.line == 0 ? std::string() : fmt::format(",line={}", finding.line);
      out += fmt::format("::{} file={}{},title={}::{}; {}; {}\n", finding.severity == Severity::kRisk ? "warning" : "error",
                         escaped(finding.file, true), line, escaped(finding.clause, true), escaped(finding.what, false),
                         escaped(finding.consequence, false), escaped(finding.remedy, false));
    }
    for (const auto& unread : report.unread) {
      out += fmt::format("::warning title=unread::{}: {}\n", escaped(unread.path, false), escaped(unread.reason, false));
    }
  }
  return out + totals(reports) + '\n';
}

}  // namespace

std::optional<AuditFormat> audit_format_from(std::string_view name) {
  if (name == "text") return AuditFormat::kText;
  if (name == "json") return AuditFormat::kJson;
  if (name == "markdown") return AuditFormat::kMarkdown;
  if (name == "github") return AuditFormat::kGithub;
  return std::nullopt;
}

std::string render_audit(const std::vector<Report>& reports, const AuditView& view) {
  switch (view.format) {
    case AuditFormat::kJson:
      return json_of(reports, view.strict);
    case AuditFormat::kMarkdown:
      return markdown_of(reports);
    case AuditFormat::kGithub:
      return github_of(reports);
    case AuditFormat::kText:
      break;
  }
  return text_of(reports, view);
}

}  // namespace entryproof::reports
