// Loopback: makes the lo of the current network namespace ready, and opens sockets there. Only for processes with one thread.
#pragma once

#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/subjects/launcher.h"

namespace entryproof::subjects {

// Brings lo up: 127.0.0.1 and ::1 come with it. 0 or an error number; makes system calls only.
int raise_loopback();

// Adds the addresses to lo and opens the sockets, in the current namespace.
Result<std::vector<Descriptor>> prepare_network(const NetworkSpec& spec);

// New TCP sockets of the current namespace, non-blocking and not connected.
Result<std::vector<Descriptor>> open_sockets(int family, unsigned count);

}  // namespace entryproof::subjects
