// Entrypoint: desired state -> actions, in order, and the loop that keeps it so.
//
// One object is one life of the process. The caller (main.cc, or a simulation) calls turn() until it says kExit, waiting in between until
// the time that the turn asked for, or until something changed, whichever is first. A turn never blocks and never sleeps: what it cannot do
// yet (no primary, no service account) it tries again in a later turn.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "reference/host.h"
#include "reference/options.h"

namespace reference {

struct Turn {
  std::optional<int> exit;                 // the process ends with this status
  std::chrono::nanoseconds wait_until{};   // Host::monotonic() time of the next turn; only without `exit`
  std::chrono::nanoseconds events_from{};  // an event may bring it forward to this
};

class Entrypoint {
 public:
  Entrypoint(Host& host, Options options);
  ~Entrypoint();

  // Looks, compares, repairs. The first turns install; later ones keep it so.
  Turn turn();
  // TERM or INT was received: the clean end. Gives the exit status.
  int stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace reference
