// TAP 14 that a reader of TAP 13 understands: no subtests, one test point per build, scenario and check, a YAML block under what is not ok.
//
// What does not decide is a TODO, what was not tested a SKIP. A verdict other than conformant that no test point shows gets one of its own.
#pragma once

#include <string>

#include "simulator/reports/run.h"

namespace entryproof::reports {

std::string tap(const Run& run, const Asked& asked);

}  // namespace entryproof::reports
