// Errnos: which errors each operation can give, by the manual pages of section 2, and their names.
//
// The table is what a systematic sweep goes through. It holds what a file system can answer to a correct call: nothing that only a wrong
// call gets (EBADF, EFAULT, EINVAL), and neither EAGAIN nor EINTR, which runtimes retry in silence. ENOSYS is never injected: a FUSE kernel
// would not ask again.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "simulator/node/journal.h"

namespace entryproof::faults {

std::span<const int> errnos_for(node::Verb verb);
// The same for a call that was made: no EEXIST without O_EXCL, no EMFILE for truncate(2).
std::vector<int> errnos_for(const node::Operation& operation);

// "ENOSPC"; empty for a number without a name.
std::string_view errno_name(int error);
std::optional<int> errno_from(std::string_view name);

}  // namespace entryproof::faults
