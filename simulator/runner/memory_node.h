// MemoryNode: a node inside this process, on which builds live in virtual time.
//
// What a memory world is made of, without anything of a case: no steps, no cluster, no catalogue. Whoever holds it lays a tree on it,
// starts builds, changes the node, lets time pass, and is shown every operation through an Observer. reset() makes it another node at once,
// so that explorers can live through thousands of short lives per second; see JudgedNode for one whose operations are judged.
//
//   MemoryNode node(Site::usual(), 1, &observer);
//   node.reset(tree);
//   node.start("build", {.build = …, .arguments = …, .environment = …});
//   node.pass(node.clock().now() + 10s, never, 30ms);       // until rest: Woke::kRest
//
// Only the reference's own code can live here, as it is or with the defect of a mutant. Thread contract: one thread at a time; any number
// of nodes may live beside each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/cluster/change.h"
#include "simulator/faults/engine.h"
#include "simulator/node/node.h"
#include "simulator/runner/site.h"
#include "simulator/runner/world.h"
#include "simulator/subjects/in_process/reference_in_process.h"

namespace entryproof::runner {

class MemoryNode {
 public:
  // `seed` makes the programs' random numbers. `observer`: null for none; it must outlive the node.
  MemoryNode(Site site, std::uint64_t seed, node::Observer* observer, node::Journal::Limits journal = {});
  MemoryNode(const MemoryNode&) = delete;
  MemoryNode& operator=(const MemoryNode&) = delete;

  // Another node from here on, at the beginning of time: nothing lives on it, its journal is empty, nothing of the one before is left; no
  // fault is set.
  void reset(node::Tree tree);

  const Site& site() const { return site_; }
  const VirtualClock& clock() const { return clock_; }
  VirtualClock& clock() { return clock_; }
  const node::Node& node() const { return node_; }
  node::Node& node() { return node_; }  // its gate is taken: see faults()
  faults::Engine& faults() { return engine_; }

  // Starts a build under a name ("build", "old"). kUnavailable for one that is not the reference's code, kInvalidInput for a name whose
  // program still runs, kUsage for an unknown mutant. What the reference does not like about its arguments is a life, too.
  Result<> start(const std::string& who, const Start& start);
  // Null if nothing was ever started under that name.
  const subjects::ReferenceInProcess* find(const std::string& who) const;
  bool running() const;  // anything at all
  Life life(const std::string& who) const;
  Result<> signal(const std::string& who, int number);
  Result<> kill(const std::string& who);  // every later operation of it is refused
  // Kills the next program to be started at its N-th counted operation, before that takes effect.
  void arm_kill(std::uint64_t operation);
  // Signals a program in the middle of what it does, when the operation comes that `moment` means.
  void arm_signal(const faults::Rule& moment, int number);
  // The world's own changes, relative to the root.
  Result<> change(const std::vector<cluster::Change>& changes);

  // As World::activity and World::pass. Virtual time jumps from turn to turn.
  std::uint64_t activity() const;
  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest, const std::atomic<bool>* cancelled = nullptr);

 private:
  struct Program {
    std::unique_ptr<subjects::ReferenceInProcess> life;
    node::Actor actor = node::Actor::kBuild;
    std::uint32_t session = 0;
  };

  Program* next_program();

  const Site site_;
  const std::uint64_t seed_;
  VirtualClock clock_;
  node::Node node_;
  faults::Engine engine_;
  const std::shared_ptr<subjects::Marks> marks_ = std::make_shared<subjects::Marks>();
  std::optional<node::View> view_;           // of the last start; most have the same
  std::map<std::string, Program> programs_;  // they use the node
  std::uint32_t session_ = 0;
};

}  // namespace entryproof::runner
