// Census: what the tasks of a process tree are doing, read from /proc.
//
// Everything in a sandbox descends from its init, so walking the children from there finds it all; one that is forked meanwhile may be
// missed, which is why callers ask twice or often.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace entryproof::subjects {

struct Census {
  unsigned tasks = 0;
  std::uint64_t memory_bytes = 0;  // anonymous and shared memory of all, where asked for
  std::uint64_t descriptors = 0;   // open ones of all processes, where asked for
  bool refused = false;            // some process did not let its descriptors be counted
  bool idle = true;                // every task waits interruptibly, is stopped or dead
};

// Looks until it knows enough: a fork bomb grows while it is being counted.
struct CensusRequest {
  bool memory = false;            // add up memory, too
  bool descriptors = false;       // and what they hold open
  bool until_busy = false;        // stop at the first busy task
  unsigned until_tasks = 10'000;  // stop when there are more
};

Census take_census(pid_t init, const CensusRequest& request);

}  // namespace entryproof::subjects
