// Words: the small values of the command line that are more than a string: durations, shards, quoting for a shell.
#pragma once

#include <string>
#include <string_view>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"

namespace entryproof::cli {

// "500ms", "30s", "2m", "1h": a whole number, one unit, more than nothing and at most 24 hours. kUsage otherwise.
Result<Duration> parse_duration(std::string_view text);

// Part `index` of `count`, zero-based.
struct Shard {
  unsigned index = 0;
  unsigned count = 1;

  std::string text() const;  // "0/4"
  // By a stable hash of the id alone: a new scenario never moves another one to a different machine.
  bool holds(std::string_view scenario) const;
};

// "I/N" with I below N and N at most 1000. kUsage otherwise.
Result<Shard> parse_shard(std::string_view text);

// The word as a POSIX shell has to be given it; words that need no quotes stay as they are.
std::string shell_quoted(std::string_view word);

}  // namespace entryproof::cli
