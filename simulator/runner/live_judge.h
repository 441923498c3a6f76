// LiveJudge: the live oracles as the observer of a node, and what they found in one case.
//
// observe() runs on the thread that serves the file system, before the reply; the player reads the findings from its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "simulator/node/node.h"
#include "simulator/oracles/live.h"
#include "simulator/oracles/net_dir_watch.h"
#include "simulator/runner/access.h"
#include "simulator/runner/onlooker.h"

namespace entryproof::runner {

// Where the build gave a name new content, or took the name away, by host path: the places in the journal.
using Arrivals = std::map<std::string, std::vector<std::uint64_t>>;

class LiveJudge final : public node::Observer {
 public:
  LiveJudge(const oracles::Layout& layout, bool http_allowed) : oracle_(layout, http_allowed), watch_(layout) {}

  void reset(const node::Tree& tree) {
    const std::lock_guard lock(mutex_);
    oracle_.reset(tree);
    watch_.reset(tree);
  }

  // Another node: nothing of the one before is left. Who listens still does.
  void restart(const node::Tree& tree) {
    const std::lock_guard lock(mutex_);
    oracle_.restart(tree);
    watch_.restart(tree);
    arrivals_.clear();
    departures_.clear();
    findings_.clear();
    last_.reset();
    publications_.clear();
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
    watch_.observe(operation, now);
    if (operation.actor == node::Actor::kBuild) count(operation);
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

  // With the programs at rest, for `tree` is what they left.
  std::vector<oracles::Finding> findings(const node::Tree& tree) const {
    const std::lock_guard lock(mutex_);
    auto all = findings_;
    for (auto& finding : watch_.conclude(tree)) all.push_back(std::move(finding));
    return all;
  }

  Arrivals arrivals() const {
    const std::lock_guard lock(mutex_);
    return arrivals_;
  }

  Arrivals departures() const {
    const std::lock_guard lock(mutex_);
    return departures_;
  }

 private:
  void count(const node::Operation& operation) {
    using node::Verb;
    const Verb verb = operation.verb;
    if (verb == Verb::kRename) arrivals_[operation.path2].push_back(operation.seq);
    if (verb == Verb::kCreate || verb == Verb::kTruncate) arrivals_[operation.path].push_back(operation.seq);
    if (verb == Verb::kRename || verb == Verb::kUnlink || verb == Verb::kRmdir) departures_[operation.path].push_back(operation.seq);
  }

  mutable std::mutex mutex_;
  oracles::LiveOracle oracle_;
  oracles::NetDirWatch watch_;
  Arrivals arrivals_;
  Arrivals departures_;
  std::vector<oracles::Finding> findings_;
  bool listening_ = false;
  std::shared_ptr<const oracles::KubeconfigFacts> last_;
  std::vector<Publication> publications_;
  Onlooker* onlooker_ = nullptr;
};

}  // namespace entryproof::runner
