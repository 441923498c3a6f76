// Registry: the reports by name, and what "FORMAT[:PATH]" on a command line means.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/reports/console.h"
#include "simulator/reports/report.h"

namespace entryproof::reports {

struct ReportSpec {
  std::string format;  // one of formats()
  std::string path;    // empty: standard output
};

// "console", "jsonl", "junit", "tap", "github", "markdown".
const std::vector<std::string_view>& formats();

// "junit:out.xml", "tap". A path may hold colons. kUsage for an unknown format (the message lists them) or an empty path.
Result<ReportSpec> parse_report(std::string_view text);

// Opens the report. `console` says how a console looks; one that goes to a file is plain, without colours and status line.
Result<std::unique_ptr<Report>> make_report(const ReportSpec& spec, const ConsoleOptions& console, std::ostream& standard_output);

}  // namespace entryproof::reports
