// Faults: every operation of a build fails, one at a time, and what comes of it.
//
// The build starts on the node of a case's start once for each operation that it makes when nothing fails, each error that is documented
// for the operation (faults/errnos.h), and both ways: once, and from then on. While it fails, nothing that was published may get worse, and
// nobody may say success; each journal is taken apart like any other, for a failed sync loses more than it says; when it fails no more,
// everything must come right, and no leftovers stay.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/explore/crash.h"
#include "simulator/faults/plan.h"

namespace entryproof::explore {

namespace fault_checks = runner::fault_checks;  // what it decides

struct FaultBounds {
  std::vector<durability::Model> models{durability::kModels.begin(), durability::kModels.end()};  // of each journal
  unsigned jobs = 1;
  std::optional<Duration> max_time;
  std::optional<std::string> only;  // an address: this one fault and nothing else
};

// "0 write ** nth=3 errno=ENOSPC": which start of the case, and a rule (faults/plan.h).
struct FaultAddress {
  std::size_t life = 0;
  faults::Rule rule;
};
std::string to_string(const FaultAddress& address);
Result<FaultAddress> parse_fault(std::string_view text);

// Plays the case once and sweeps each of its starts. In the report a failure's address is a FaultAddress, and `lives` counts the faulted
// ones.
CrashReport explore_faults(const runner::CaseRequest& request, const runner::WorldMaker& make_world, const FaultBounds& bounds,
                           const CrashProgress& progress = {});

}  // namespace entryproof::explore
