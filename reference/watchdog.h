// Watchdog: a process that no longer gets anywhere ends itself, so that somebody starts it anew.
//
// What can block a loop without end is a system call that never returns: a volume whose server is gone, a device in place of a file. A
// timer's signal comes all the same. It looks whether there was a sign of life since it came last, costs nothing in between, and takes a
// machine that was asleep for what it is.
#pragma once

#include <chrono>

namespace reference::watchdog {

// From now on: no beat() for longer than `limit` (and at most half as long again) ends the process with kExitStuck and a line on standard
// error.
void start(std::chrono::milliseconds limit);
void stop();
void beat();

}  // namespace reference::watchdog
