// A rule inside somebody else's JSON document, e.g. a step of a scenario.
#pragma once

#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "simulator/faults/plan.h"

namespace entryproof::faults {

struct JsonTrouble {
  std::string pointer;  // within the rule; empty for the whole
  std::string message;
};

// A line of text, or an object with the words of the line as keys: {"operation": "write", "path": "**/x", "nth": 2, "errno": "ENOSPC",
// "sticky": true}; "then": "ENOSPC" is the line's "then errno=ENOSPC", "omit" may be a list of numbers.
std::expected<Rule, JsonTrouble> rule_from_json(const nlohmann::json& json);

}  // namespace entryproof::faults
