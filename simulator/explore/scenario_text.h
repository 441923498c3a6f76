// Scenario text: a scenario that a program made, written down as people write them, so that the loader reads the same one again.
#pragma once

#include <string>

#include "simulator/base/result.h"
#include "simulator/runner/scenario.h"

namespace entryproof::explore {

// JSON, ready to be a file. kUnavailable, naming it, for what histories do not hold: clusters, other directories, volumes of ConfigMaps.
Result<std::string> scenario_text(const runner::Scenario& scenario);

}  // namespace entryproof::explore
