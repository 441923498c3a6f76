// Rig: starts a build on any node, as often as is asked, and gives what came of it.
//
// Each life has a world of its own that begins with the given tree: nothing of one reaches another. Every operation is judged live. A life
// is left alone until what is asked for has come about and everything is at rest, or until nothing more can be hoped for.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/faults/plan.h"
#include "simulator/node/journal.h"
#include "simulator/node/tree.h"
#include "simulator/oracles/check.h"
#include "simulator/oracles/facts.h"
#include "simulator/runner/case.h"
#include "simulator/runner/site.h"
#include "simulator/runner/world.h"

namespace entryproof::explore {

// How one life went.
struct Lived {
  node::Tree after;
  std::vector<node::Operation> operations;  // of the life, from its start
  bool acknowledged = false;                // in the end it said that all is in place, by resting or by ending with status 0
  std::vector<oracles::Finding> findings;   // of the live oracles
  bool content = false;                     // what was asked for came about
  bool rested = false;                      // it still lives and waits
  std::optional<int> exit_code;             // or it ended, by one of these
  std::optional<int> signal;
  std::vector<std::string> excess;  // caps that it ran into
  std::string output;               // what it has said, capped

  // "at rest", "ended with status 1", for people.
  std::string end() const;
};

// One in which calls fail, and what came of it when they failed no more.
struct Troubled {
  Lived during;
  Lived healed;  // of the same life if it went on, else of the next one
  Lived first;   // all of the life in which calls failed, from its start: what a crash takes away is of this one
};

class Rig {
 public:
  struct Options {
    Duration patience{};  // longest that a life may take to become content
    Duration settled{};   // at rest for so long it will not do by itself what it has not done
    bool http_allowed = false;
    const std::atomic<bool>* cancelled = nullptr;
    bool asks_at_close = false;  // runner::WorldRequest
    // No life in real time goes on for longer; whoever sets it has to forget what came of one that was cut short.
    std::optional<std::chrono::steady_clock::time_point> until = {};
  };

  Rig(runner::Site site, oracles::Layout layout, runner::WorldMaker make_world, Options options);

  const runner::Site& site() const { return site_; }
  const oracles::Layout& layout() const { return layout_; }
  // What is asked for on a node; asked after each activity.
  using Content = std::function<bool(const node::Tree&)>;
  // Error: the world or the program could not be had.
  Result<Lived> live(node::Tree tree, const runner::Start& start, std::uint64_t seed, const Content& content) const;

  // How one is treated whose calls fail no more.
  struct Healing {
    Duration patience{};  // so long it may take to become content by itself
    bool again = false;   // it is started again even if it lives and is not content
    // Whether it has more to do than can be seen on the node: whoever lives is given so much time for that, too. Empty: no.
    std::function<bool(const Lived&)> unfinished = {};
  };
  // The same with calls that fail as the plan says, from the start until the life is at rest or over. Then they fail no more; who has
  // ended, well or not, is started again, as every Pod of a DaemonSet is.
  Result<Troubled> live_with(const faults::Plan& plan, node::Tree tree, const runner::Start& start, std::uint64_t seed,
                             const Content& content, const Healing& healing) const;

 private:
  class Session;
  const runner::Site site_;
  const oracles::Layout layout_;
  const runner::WorldMaker make_world_;
  const Options options_;
};

}  // namespace entryproof::explore
