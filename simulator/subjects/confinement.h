// Confinement: what a sandboxed program may not do, whatever its uid: capabilities, system calls, resource limits.
//
// Modelled on what Docker gives a container by default, less the right to make device nodes. The filter is compiled once (libseccomp
// allocates); the functions that a new sandbox calls for itself only make system calls.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/subjects/sandbox.h"

namespace entryproof::subjects {

// The capabilities of a sandbox's root, as a mask by capability number.
inline constexpr std::uint64_t kSandboxCapabilities = 0xa804'25fbULL & ~(1ULL << 27);  // Docker's, without CAP_MKNOD

// Refuses with EPERM what reaches beyond a container: mounts, other namespaces, tracing, keys, clocks, modules, bpf; clone3 and io_uring
// with ENOSYS, because a filter cannot see what they are asked for, and every C library and runtime has a way without.
Result<std::vector<sock_filter>> compile_filter();

// Each gives 0 or an error number.
// `in_user_namespace`: also caps the tasks of the whole run, which are all that this user has in that namespace, for where no cgroup caps
// each sandbox's. (As the machine's root there is no such limit.)
int limit_resources(const SandboxLimits& limits, bool in_user_namespace);
// Becomes uid:gid without supplementary groups, with exactly kSandboxCapabilities (none unless uid 0) and no way to gain more.
// `groups_fixed`: in a user namespace made without privilege setgroups(2) is off, and there is nothing to drop.
int drop_privileges(uid_t uid, gid_t gid, bool groups_fixed);
int install_filter(const std::vector<sock_filter>& filter);
// What SandboxSpec::deny_inotify, deny_watches and deny_network ask for, as a filter of its own beside the other; empty if nothing is
// denied. It sees the machine's own calls; 32-bit programs are not denied anything by it.
std::vector<sock_filter> denial_filter(const SandboxSpec& spec);

// A filter that leaves every call of inotify to whoever holds the descriptor that this gives, beside the other filters (SandboxSpec::
// can_be_denied).
Result<Descriptor> leave_inotify_to_another();

// Answers one such call: refused as the denial says, or let through. For a descriptor that is ready to be read.
void answer_inotify(int listener, const Denial& denial);

}  // namespace entryproof::subjects
