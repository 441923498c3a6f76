// What an `expect` step of a scenario file says, read: one form per kind of demand.
#pragma once

#include <cstddef>

#include "simulator/runner/scenario.h"
#include "simulator/runner/scenario_reader.h"

namespace entryproof::runner {

inline constexpr std::size_t kMostPathsOfAScenario = 500;  // in one list or object

ExpectStep read_expect(ScenarioReader& reader, JsonFields& step, const JsonValue& value);

}  // namespace entryproof::runner
