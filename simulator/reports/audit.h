// Audit reports: what `entryproof audit` found, for people (text), for tools (JSON lines), for a page (markdown) and for CI (github).
//
// Pure functions over the reports of simulator/audit. The names of the JSON form stand in docs/audit.md and are frozen.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/audit/finding.h"

namespace entryproof::reports {

enum class AuditFormat { kText, kJson, kMarkdown, kGithub };
std::optional<AuditFormat> audit_format_from(std::string_view name);  // "text", "json", "markdown", "github"

struct AuditView {
  AuditFormat format = AuditFormat::kText;
  bool strict = false;
  bool color = false;
  // Text only: everything of every subject. Otherwise of several subjects those without a finding get one line.
  bool whole = false;
};

// The whole document, with a newline at its end.
std::string render_audit(const std::vector<audit::Report>& reports, const AuditView& view);

}  // namespace entryproof::reports
