// KillGate: kills a program at an exact operation, before that takes effect.
//
// The node is sealed first, so that nothing of what its threads still send is applied; then the callback ends the process.
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

  // `operation` counts the operations of one start, from 1; `session` says which.
  void arm(std::uint32_t session, std::uint64_t operation, std::function<void()> kill) {
    session_ = session;
    operation_ = operation;
    kill_ = std::move(kill);
  }

  node::Ruling before(const node::Operation& operation) override {
    if (operation_ == 0 || operation.session != session_ || operation.index != operation_) return {};
    operation_ = 0;
    node_.seal(operation.actor, session_);
    kill_();
    return {.error = node::Errno{EIO}, .short_write = {}};
  }

 private:
  node::Node& node_;
  std::uint32_t session_ = 0;
  std::uint64_t operation_ = 0;
  std::function<void()> kill_;
};

}  // namespace entryproof::runner
