// Words: the small values of the command line that are more than a string: durations, shards, quoting for a shell.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"

namespace entryproof::cli {

// "500ms", "30s", "2m", "1h": a whole number, one unit, more than nothing and at most 24 hours. kUsage otherwise.
Result<Duration> parse_duration(std::string_view text);

// Part `index` of `count`, zero-based.
struct Shard {
  unsigned index = 0;
  unsigned count = 1;
  bool assigned = true;  // false: the index is still to come from the batch system

  std::string text() const;  // "0/4"
  // By a stable hash of the id alone: a new scenario never moves another one to a different machine.
  bool holds(std::string_view scenario) const;
};

// "I/N" with I below N and N at most 1000; "/N", whose index is not assigned yet. kUsage otherwise.
Result<Shard> parse_shard(std::string_view text);

// The same shard with the index that a batch system gave this process: JOB_COMPLETION_INDEX (Kubernetes), else SLURM_ARRAY_TASK_ID, counted
// from SLURM_ARRAY_TASK_MIN. An assigned one stays as it is. `variable` gives a variable's value, empty for none. kUsage without an index
// below N.
Result<Shard> assign_index(Shard shard, const std::function<std::string(const char*)>& variable);

// The word as a POSIX shell has to be given it; words that need no quotes stay as they are.
std::string shell_quoted(std::string_view word);

// The words of a command line that was quoted like that: blanks between words, single quotes, and a backslash before a single quote.
// kInvalidInput for anything else that a shell would act upon.
Result<std::vector<std::string>> shell_words(std::string_view line);

}  // namespace entryproof::cli
