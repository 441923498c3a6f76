// LiveJudge: the live oracles as the observer of a node, and what they found in one case.
//
// observe() runs on the thread that serves the file system, before the reply; the player reads the findings from its own.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "simulator/node/node.h"
#include "simulator/oracles/live.h"
#include "simulator/runner/access.h"
#include "simulator/runner/onlooker.h"

namespace entryproof::runner {

class LiveJudge final : public node::Observer {
 public:
  LiveJudge(oracles::Layout layout, bool http_allowed) : oracle_(std::move(layout), http_allowed) {}

  void reset(const node::Tree& tree) {
    const std::lock_guard lock(mutex_);
    oracle_.reset(tree);
  }

  // Who is told about each operation, too; before the first one.
  void tell(Onlooker* onlooker) { onlooker_ = onlooker; }

  // From now on publications are kept for take_publications().
  void listen() { listening_ = true; }

  void observe(const node::Operation& operation, const node::Tree& now) override {
    const std::lock_guard lock(mutex_);
    auto found = oracle_.judge(operation, now);
    if (onlooker_ != nullptr) onlooker_->on_operation(operation, now, found);
    std::ranges::move(found, std::back_inserter(findings_));
    if (!listening_) return;
    auto facts = oracle_.kubeconfig();
    if (facts == nullptr || facts == last_) return;
    last_ = facts;
    const oracles::Place place{"", operation.index, operation.path2.empty() ? operation.path : operation.path2, operation.seq};
    publications_.push_back({operation.actor, place, operation.describe(), std::move(facts), operation.at});
  }

  // Those since the last time, in order.
  std::vector<Publication> take_publications() {
    const std::lock_guard lock(mutex_);
    return std::exchange(publications_, {});
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
  bool listening_ = false;
  std::shared_ptr<const oracles::KubeconfigFacts> last_;
  std::vector<Publication> publications_;
  Onlooker* onlooker_ = nullptr;
};

}  // namespace entryproof::runner
