// `entryproof report`: stored runs, merged and rendered.
#include <fmt/core.h>

#include "simulator/cli/commands.h"
#include "simulator/reports/jsonl.h"
#include "simulator/reports/merge.h"

namespace entryproof::cli {

int report_command(const ReportCommand& command, Streams& streams) {
  std::vector<reports::NamedRun> runs;
  bool ended = true;
  for (const auto& file : command.files) {
    auto run = reports::load_jsonl(file);
    if (!run) return complain(streams, run.error());
    ended = ended && run->footer.has_value();
    runs.push_back({file, std::move(*run)});
  }
  const auto whole = reports::merge(std::move(runs), command.shown.strict);
  if (!whole) return complain(streams, whole.error());

  auto report = open_reports(command.shown, command.profile, command.shown.reports.empty(), streams);
  if (!report) return complain(streams, report.error());
  (*report)->on_header(whole->header);
  for (const auto& record : whole->cases) (*report)->on_case(record);
  (*report)->on_footer(*whole->footer);
  if (const auto written = (*report)->finish(); !written) return complain(streams, written.error());
  if (!ended) return complain(streams, {ErrorCode::kInvalidInput, "no footer: the run did not end; no verdict", command.files.front()});
  return runner::exit_code(*whole->footer, command.profile);
}

}  // namespace entryproof::cli
