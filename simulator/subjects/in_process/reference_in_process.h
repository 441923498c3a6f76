// ReferenceInProcess: one life of the reference, or of a mutant of it, inside this process.
//
// The reference's own code runs over a MemoryProcess of a node, with the world's clock, the world's randomness and its streams captured; no
// kernel is asked. Whoever holds the object plays the scheduler: turn() when next_wake() has come, or earlier when something has changed.
// Signals do what they do to a PID 1 that handles TERM and INT.
//
// Dead is dead: once the node has sealed the actor (a kill at operation N, in the middle of a turn) every system call of that turn has been
// refused, what it said afterwards is forgotten, and the object is at its end, by SIGKILL.
//
// Thread contract: as of the Node under it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/node/node.h"
#include "simulator/node/view.h"
#include "simulator/subjects/in_process/marks.h"

namespace entryproof::subjects {

class ReferenceInProcess {
 public:
  static constexpr std::size_t kOutputCap = std::size_t{4} << 20;  // bytes of both streams together, as in a sandbox

  struct Start {
    std::vector<std::string> arguments;  // without the program's name
    std::map<std::string, std::string> environment;
    std::string mutant;            // empty: the reference itself
    node::View view;               // the container's mounts
    node::Caller caller;           // actor, session, credentials and umask
    std::uint64_t seed = 1;        // the world's; with the session it makes the process' random numbers
    std::shared_ptr<Marks> marks;  // the node's, for all programs on it; null for a machine that has no such locks
  };

  // Begins a life; the first turn is due at once. `node` and `clock` must outlive the object. kUsage for an unknown mutant. What the
  // reference itself does not like about its arguments is a life, too: a short one, with an exit code.
  static Result<std::unique_ptr<ReferenceInProcess>> start(node::Node& node, const Clock& clock, Start start);
  ~ReferenceInProcess();
  ReferenceInProcess(const ReferenceInProcess&) = delete;
  ReferenceInProcess& operator=(const ReferenceInProcess&) = delete;

  bool running() const;
  // When the next turn is due; only while it runs. It may lie in the past.
  Moment next_wake() const;
  // One turn of the main loop. Does nothing at the end of life.
  void turn();
  // SIGTERM and SIGINT end it cleanly: now, or in the middle of a turn as soon as that has heard of it. SIGKILL, between turns only, ends
  // it and releases what it held; any other is ignored.
  void signal(int number);

  // How it ended: one of the two, once it runs no more.
  std::optional<int> exit_code() const;
  std::optional<int> ended_by() const;
  // How many files it holds open.
  std::size_t open_descriptors() const;
  // Both streams, in order, line by line, up to the cap.
  const std::string& output() const;
  bool output_exceeded() const;

 private:
  class Life;
  explicit ReferenceInProcess(std::unique_ptr<Life> life);
  std::unique_ptr<Life> life_;
};

}  // namespace entryproof::subjects
