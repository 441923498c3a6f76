// Process: the life of one Entrypoint in a process of its own: turn, wait, and end when it is asked to.
#pragma once

#include <map>
#include <string>

#include "reference/entrypoint.h"
#include "reference/posix_host.h"

namespace reference {

// The process' environment, as values.
std::map<std::string, std::string> environment();

// Until the entrypoint ends, or TERM or INT asks for it. `machine` is what it lives on, whatever stands between the two. Gives the exit
// status. signals::block() has been called.
int live(PosixHost& machine, Entrypoint& entrypoint);

}  // namespace reference
