// Earlier: a stored run of which the failed cases are to be played again.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/runner/record.h"

namespace entryproof::cli {

struct Earlier {
  std::set<std::pair<std::string, std::string>> failed;  // (scenario, build)
  std::vector<runner::BuildRecord> builds;               // those that have one, in the order of the header
  std::uint64_t seed = 1;
  std::string world;

  std::vector<std::string> scenarios() const;  // of the failed cases, once each
};

// A case has failed when anything in it was not as it should be: all but what passed and what could not be tested there. kUsage when there
// is none: nothing to do is no verdict.
Result<Earlier> load_earlier(const std::string& path);

}  // namespace entryproof::cli
