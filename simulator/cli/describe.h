// Describe: a step of a scenario as a sentence, for `explain`.
#pragma once

#include <string>

#include "simulator/runner/scenario.h"

namespace entryproof::cli {

// "start the build with --cleanup-config-on-exit", "expect EXIST-01/manual-fresh-node within 2 s: a valid kubeconfig".
std::string describe(const runner::Step& step);

}  // namespace entryproof::cli
