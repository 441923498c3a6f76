// Root: the file system of a sandbox. /usr of this machine, read-only and without its src; a small /etc, /dev and /proc; the volumes it is
// given; and nothing else that could be written to.
#pragma once

#include <string>

#include "simulator/base/result.h"
#include "simulator/subjects/sandbox.h"

namespace entryproof::subjects {

// Keeps a fork bomb small where no cgroup does: kernels from 6.14 on have a pid_max of each pid namespace, 301 at least. On older ones that
// file is the whole machine's, and this must not be asked for (0).
using PidMax = unsigned;

// Mounts a volume over what is mounted at its place, in the mount namespace of a running sandbox (a pidfd of its init). For a process of
// its own: it ends up in that namespace.
Result<> mount_over(const Bind& bind, int pidfd);

// Makes it at `at`, an existing directory, and goes into it for good: the old root is gone afterwards. In a fresh mount and pid namespace.
Result<> build_root(const SandboxSpec& spec, const std::string& at, PidMax pid_max);

}  // namespace entryproof::subjects
