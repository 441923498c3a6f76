// KillGate: kills a program at an exact operation, before that takes effect.
//
// Also the place where the world slips a change in between two operations of a program (arm_change).
//
// To kill, the node is sealed first, so that nothing of what its threads still send is applied; then the callback ends the process.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
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

  // Nothing is to happen any more.
  void disarm() {
    operation_ = 0;
    change_ = nullptr;
  }

  // After the next successful read of a file below `directory`, once.
  void arm_change(std::string directory, std::function<void()> change) {
    directory_ = std::move(directory);
    change_ = std::move(change);
  }

  node::Ruling after(const node::Operation& operation) override {
    if (!change_ || operation.verb != node::Verb::kRead || operation.actor == node::Actor::kWorld || !operation.succeeded()) return {};
    if (!operation.path.starts_with(directory_ + "/")) return {};
    std::exchange(change_, nullptr)();
    return {};
  }

  node::Ruling before(const node::Operation& operation) override {
    if (operation_ == 0 || operation.session != session_ || operation.index != operation_) return {};
    operation_ = 0;
    node_.seal(operation.actor, session_);
    kill_();
    return {.error = node::Errno{EIO}, .short_write = {}, .delay = {}};
  }

 private:
  node::Node& node_;
  std::uint32_t session_ = 0;
  std::uint64_t operation_ = 0;
  std::function<void()> kill_;
  std::string directory_;
  std::function<void()> change_;
};

}  // namespace entryproof::runner
