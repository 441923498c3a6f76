// LauncherProcess: the process behind Launcher. One thread, PID 1 of the namespace in which all sandboxes live.
#pragma once

#include <sys/types.h>

#include <string>

#include "simulator/base/result.h"
#include "simulator/subjects/cgroup.h"
#include "simulator/subjects/channel.h"

namespace entryproof::subjects {

struct LauncherSetup {
  std::string root_directory;  // an empty directory on the private tmpfs; every sandbox mounts its root there, in its own namespace
  Cgroups cgroups;
  bool groups_fixed = false;
  bool own_pid_max = false;  // a pid namespace has a pid_max of its own (Linux 6.14)
};

// Forks it, with `channel` as its end; gives its pid. It serves until the other end is gone, then ends every sandbox, removes their cgroups
// and exits.
Result<pid_t> fork_launcher(Channel channel, const LauncherSetup& setup);

}  // namespace entryproof::subjects
