// KillGate: kills the build at an exact operation, before that takes effect.
//
// The node is sealed first, so that nothing of what the build's threads still send is applied; then the callback ends the process.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <utility>

#include "simulator/node/node.h"

namespace entryproof::runner {

class KillGate final : public node::Gate {
 public:
  explicit KillGate(node::Node& node) : node_(node) {}

  // `operation` counts the build's operations of one start, from 1.
  void arm(std::uint64_t operation, std::function<void()> kill) {
    operation_ = operation;
    kill_ = std::move(kill);
  }

  node::Ruling before(const node::Operation& operation) override {
    if (operation_ == 0 || operation.actor != node::Actor::kBuild || operation.index != operation_) return {};
    operation_ = 0;
    node_.seal(node::Actor::kBuild);
    kill_();
    return {.error = node::Errno{EIO}, .short_write = {}};
  }

 private:
  node::Node& node_;
  std::uint64_t operation_ = 0;
  std::function<void()> kill_;
};

}  // namespace entryproof::runner
