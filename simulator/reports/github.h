// GitHub workflow commands: annotations for what decided or warned, one per case, because the platform shows about ten of a kind.
#pragma once

#include <string>

#include "simulator/reports/run.h"

namespace entryproof::reports {

std::string github(const Run& run, const Asked& asked);

}  // namespace entryproof::reports
