// AgentProcess: the process behind Agent. It applies changes below a mount, one system call or few each.
#pragma once

#include <sys/types.h>

#include <string>

#include "simulator/base/result.h"
#include "simulator/subjects/agent.h"
#include "simulator/subjects/channel.h"

namespace entryproof::subjects {

// Applies one change below the directory `root` (O_PATH), in the calling process. For the agent, and for tests on a plain directory.
Result<> apply_change(int root, const Change& change);

// Forks it, with `channel` as its end; gives its pid. It dies with the harness.
Result<pid_t> fork_agent(Channel channel);

}  // namespace entryproof::subjects
