// A run for the tests of reports: two builds, every status, multi-line findings, and strings as hostile as builds can make them.
#pragma once

#include "simulator/reports/run.h"

namespace entryproof::reports {

Run sample_run();

// What every report would be told of the run, in order.
template <class Listener>
void tell(Listener& listener, const Run& run) {
  listener.on_header(run.header);
  std::size_t done = 0;
  for (const auto& record : run.cases) {
    listener.on_progress(done, 1, run.cases.size());
    listener.on_case(record);
    ++done;
  }
  listener.on_progress(done, 0, run.cases.size());
  if (run.footer) listener.on_footer(*run.footer);
}

}  // namespace entryproof::reports
