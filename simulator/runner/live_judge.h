// LiveJudge: the live oracles as the observer of a node, and what they found in one case.
//
// observe() runs on the thread that serves the file system, before the reply; the player reads the findings from its own.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "simulator/node/node.h"
#include "simulator/oracles/live.h"

namespace entryproof::runner {

class LiveJudge final : public node::Observer {
 public:
  LiveJudge(oracles::Layout layout, bool http_allowed) : oracle_(std::move(layout), http_allowed) {}

  void reset(const node::Tree& tree) {
    const std::lock_guard lock(mutex_);
    oracle_.reset(tree);
  }

  void observe(const node::Operation& operation, const node::Tree& now) override {
    const std::lock_guard lock(mutex_);
    for (auto& finding : oracle_.judge(operation, now)) findings_.push_back(std::move(finding));
  }

  std::string published() const {
    const std::lock_guard lock(mutex_);
    return oracle_.published();
  }

  std::vector<oracles::Finding> findings() const {
    const std::lock_guard lock(mutex_);
    return findings_;
  }

 private:
  mutable std::mutex mutex_;
  oracles::LiveOracle oracle_;
  std::vector<oracles::Finding> findings_;
};

}  // namespace entryproof::runner
