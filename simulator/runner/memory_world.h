// The memory world: the reference's own code (and its mutants) in process, on the node's tree, in virtual time.
//
// No kernel is asked and nobody sleeps: when every program waits, the clock jumps to the next moment at which one of them, or the scenario,
// wants to do something.
#pragma once

#include <memory>

#include "simulator/runner/world.h"

namespace entryproof::runner {

Result<std::unique_ptr<World>> make_memory_world(WorldRequest request);

}  // namespace entryproof::runner
