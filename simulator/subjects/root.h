// Root: the file system of a sandbox. /usr of this machine, read-only and without its src; a small /etc, /dev and /proc; the volumes it is
// given; and nothing else that could be written to.
#pragma once

#include <string>

#include "simulator/base/result.h"
#include "simulator/subjects/sandbox.h"

namespace entryproof::subjects {

// Makes it at `at`, an existing directory, and goes into it for good: the old root is gone afterwards. In a fresh mount and pid namespace.
Result<> build_root(const SandboxSpec& spec, const std::string& at);

}  // namespace entryproof::subjects
