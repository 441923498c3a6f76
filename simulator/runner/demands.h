// Demands: an `expect` step, put to the oracles.
//
// Turns what a scenario says in its own words and paths into the oracles' questions about the node as it is, and about the programs that
// lived on it. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "simulator/node/tree.h"
#include "simulator/oracles/expectations.h"
#include "simulator/runner/access.h"
#include "simulator/runner/scenario.h"
#include "simulator/runner/site.h"
#include "simulator/runner/world.h"

namespace entryproof::runner {

struct Evidence {
  oracles::Situation situation;
  const Site& site;
  const std::map<std::string, node::Tree>& remembered;
  std::function<Life(const std::string& who)> life;
  std::function<std::vector<std::string>()> outputs;                              // of the build's programs
  Access* access = nullptr;                                                       // null: there is no cluster to be asked
  std::function<std::map<std::string, std::vector<std::uint64_t>>()> arrivals;    // of new content, by host path: places in the journal
  std::function<std::map<std::string, std::vector<std::uint64_t>>()> departures;  // of names, likewise
  std::function<Result<std::size_t>()> descriptors;                               // that the build's programs hold
  const std::map<std::string, std::size_t>& remembered_descriptors;
  const std::map<std::string, std::size_t>& remembered_lines;
  bool lossless = false;  // compare numbers as written, not by value
};

// nullopt: all that the step demands of this moment is met. Its times (`within`, `for`) and `quiet` are the player's business.
std::optional<oracles::Mismatch> judge(const ExpectStep& step, const Evidence& evidence);

// The lines of all that was said; what stands behind the last line end is no line yet.
std::size_t count_lines(const std::vector<std::string>& outputs);

// "exit 0", "killed by signal 9", "still running".
std::string describe(const Life& life);

}  // namespace entryproof::runner
