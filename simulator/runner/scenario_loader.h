// Scenario loader: a scenario file becomes its cases, or one refusal with file, line and JSON pointer.
//
// Files are untrusted: capped, strict JSON, no key that the format does not know. What can only be seen with the catalogue and the fixtures
// at hand (does this check exist?) is lint.h's business. scenarios/scenario.schema.json says the same for editors, and a test holds them
// together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/json.h"
#include "simulator/base/result.h"
#include "simulator/runner/scenario.h"

namespace entryproof::runner {

inline constexpr JsonLimits kScenarioLimits{.bytes = std::size_t{256} * 1024, .depth = 32, .values = 20'000};

// One case, or one per row of `vary` in the order of their keys. `id` is the file's path below scenarios/ without ".json"; a row's key is
// appended as "#key".
Result<std::vector<Scenario>> parse_scenario(std::string_view text, const std::string& file, const std::string& id);
Result<std::vector<Scenario>> load_scenario(const std::string& file, const std::string& id);

}  // namespace entryproof::runner
