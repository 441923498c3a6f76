// Rig: starts a build on any node, as often as is asked, and gives what came of it.
//
// Each life has a world of its own that begins with the given tree: nothing of one reaches another. Every operation is judged live. A life
// is left alone until what is asked for has come about and everything is at rest, or until nothing more can be hoped for.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/result.h"
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

  // "at rest", "ended with status 1", for people.
  std::string end() const;
};

class Rig {
 public:
  struct Options {
    Duration patience{};  // longest that a life may take to become content
    Duration settled{};   // at rest for so long it will not do by itself what it has not done
    bool http_allowed = false;
    const std::atomic<bool>* cancelled = nullptr;
  };

  Rig(runner::Site site, oracles::Layout layout, runner::WorldMaker make_world, Options options);

  const runner::Site& site() const { return site_; }
  const oracles::Layout& layout() const { return layout_; }
  // What is asked for on a node; asked after each activity.
  using Content = std::function<bool(const node::Tree&)>;
  // Error: the world or the program could not be had.
  Result<Lived> live(node::Tree tree, const runner::Start& start, std::uint64_t seed, const Content& content) const;

 private:
  class Session;
  const runner::Site site_;
  const oracles::Layout layout_;
  const runner::WorldMaker make_world_;
  const Options options_;
};

}  // namespace entryproof::explore
