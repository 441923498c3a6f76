// Stalls: fuse worlds that are used again and again, for thousands of short runs of one build.
//
// A world of its own for each run (a mount, a container, a network) costs several times what a fast build does in it. A stall keeps its
// mount and its container, whose PID 1 is the warden; for each run the node gets a new tree, and what the last run left alive is killed.
// The build is the same unmodified program and every operation of it is seen, but it is not PID 1 and its world is not fresh. So nothing
// that is found in a stall is a finding before it was found again in an ordinary world.
//
// At rest means at rest for a short while here; whoever learns that it was too short says so (patience).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/runner/build.h"
#include "simulator/runner/case.h"
#include "simulator/runner/process_world.h"

namespace entryproof::explore {

class Stalls {
 public:
  // `warden` is the program beside this one; `with` as RunOptions has it. The machine must outlive the object.
  Stalls(runner::Machine& machine, runner::Build build, std::vector<std::pair<std::string, std::string>> with);
  ~Stalls();
  Stalls(const Stalls&) = delete;
  Stalls& operator=(const Stalls&) = delete;

  // Worlds of the usual site, without a cluster and with a single start of the build; anything else is kUnavailable. A world that ends
  // gives its stall back. Any thread.
  runner::WorldMaker maker();

  // A build was taken to be at rest and was not: wait longer from now on.
  void be_patient();

 private:
  class Stall;
  class StallWorld;
  std::unique_ptr<Stall> take();
  void give_back(std::unique_ptr<Stall> stall);

  runner::Machine& machine_;
  const runner::Build build_;
  const std::vector<std::pair<std::string, std::string>> with_;
  std::atomic<std::int64_t> rest_ns_{8'000'000};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Stall>> free_;
};

}  // namespace entryproof::explore
