// Markdown: verdicts, the matrix of clauses by builds, and the first finding of every cell that is not green. For step summaries and
// issues.
#pragma once

#include <string>

#include "simulator/reports/run.h"

namespace entryproof::reports {

std::string markdown(const Run& run, const Asked& asked);

}  // namespace entryproof::reports
