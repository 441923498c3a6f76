// `entryproof audit`: nodes and manifests, read and judged; nothing is played, written or executed.
#include <fmt/core.h>

#include <chrono>
#include <filesystem>

#include "simulator/audit/life.h"
#include "simulator/audit/node_audit.h"
#include "simulator/base/clock.h"
#include "simulator/cli/commands.h"

namespace entryproof::cli {

int audit_command(const AuditCommand& command, Streams& streams) {
  const std::int64_t now = command.now.value_or(RealClock().wall_ns() / 1'000'000'000);
  std::vector<audit::Report> reports;
  for (const std::string& subject : command.subjects) {
    auto report = audit::audit_node({.root = subject, .now = now, .net_dir = command.net_dir, .bin_dir = command.bin_dir});
    if (!report) return complain(streams, report.error());
    reports.push_back(std::move(*report));
  }
  reports::AuditView view = command.view;
  view.color = view.format == reports::AuditFormat::kText && streams.colored(command.color);
  streams.out << reports::render_audit(reports, view);
  return exit_code(reports, view.strict);
}

}  // namespace entryproof::cli
