// Vary: one scenario file as several cases, by a table.
//
//   "vary": { "rows": { "ipv4": { "host": "10.96.0.1" }, "ipv6": { "host": "fd00::1" } } }
//
// "${host}" in any string of the scenario stands for the row's value. A string that is nothing else becomes the value, whatever its type;
// within a longer string or a key the value must be a string. Names that no row has, and values that nothing uses, are refused.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "simulator/base/json.h"

namespace entryproof::runner {

struct VaryRow {
  std::string key;                           // empty for a scenario without a table
  std::shared_ptr<nlohmann::json> scenario;  // the file's object, filled in, without "vary"
};

// In the order of the keys. Pointers into the file keep their meaning but within values that a row put in.
Result<std::vector<VaryRow>> expand_vary(const JsonDocument& document);

}  // namespace entryproof::runner
