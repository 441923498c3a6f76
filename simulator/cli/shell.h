// Shell: a look around on a node as a replay left it, from inside the build's container.
//
// The shell lives in a world of its own that begins with that very tree: the same volumes at the same places, the same sandbox, and nothing
// that it does reaches this machine or lasts.
#pragma once

#include <atomic>
#include <string>

#include "simulator/base/result.h"
#include "simulator/cli/process.h"
#include "simulator/node/tree.h"
#include "simulator/runner/stage.h"

namespace entryproof::cli {

// Runs one command there and prints what it printed. Ends it after a minute.
Result<> run_in_node(runner::Stage& stage, const node::Tree& tree, const std::string& command, Streams& streams,
                     const std::atomic<bool>& interrupted);

// A shell that takes its lines from standard input, until that ends or the shell does. It has no terminal of its own: no job control, no
// full-screen programs.
Result<> talk_in_node(runner::Stage& stage, const node::Tree& tree, Streams& streams, const std::atomic<bool>& interrupted);

}  // namespace entryproof::cli
