// ProcessWorld: a world whose programs are real processes in sandboxes, on a fuse or a tmpfs ground, in real time.
#pragma once

#include <memory>
#include <semaphore>

#include "simulator/runner/ground.h"
#include "simulator/runner/world.h"
#include "simulator/subjects/harness.h"

namespace entryproof::runner {

// What all process worlds of a run share. At most as many programs start up at once as there are cores: deadlines run from exec, and a
// crowd at the door would make honest builds late.
struct Machine {
  explicit Machine(subjects::Harness& used, unsigned cores) : harness(used), startup_slots(static_cast<std::ptrdiff_t>(cores)) {}
  subjects::Harness& harness;
  std::counting_semaphore<> startup_slots;
};

enum class GroundKind : std::uint8_t { kFuse, kTmpfs };

Result<std::unique_ptr<World>> make_process_world(Machine& machine, GroundKind kind, WorldRequest request);

}  // namespace entryproof::runner
