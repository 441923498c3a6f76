// Problem: why something could not be done, as a value.
//
// One line for people: the path, the operation, the kernel's reason and what to do about it. It never holds a byte of a token, and nothing
// random, so that the same trouble gives the same line and can be told from a new one.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "reference/host.h"

namespace reference {

// How the process ends. The numbers are those of sysexits.h, so that they mean the same to everybody; docs/reference.md lists them.
enum ExitCode : int {
  kExitOk = 0,            // --once is done, or a signal asked for the end
  kExitUsage = 64,        // a flag is unknown or its value is not understood
  kExitBadInput = 65,     // a file that was given to us is no good: token, CA, CNI configuration
  kExitNoInput = 66,      // a file that was to be given to us is not there
  kExitUnavailable = 69,  // status: there is no heartbeat, or an old one
  kExitStuck = 70,        // the watchdog: a system call never returned
  kExitOutput = 74,       // a file of ours could not be written
  kExitTimeout =
      75,  // --once: nothing to delegate to appeared in time; status --ready: something is not in place; uninstall: one is running
  kExitConfiguration = 78,  // the API server's address or the kubeconfig's place makes no sense
};

struct Problem {
  std::string text;
  int exit_code = kExitOutput;
  Errno error{};  // what the kernel said, if it was the kernel
};

template <class T = void>
using Result = std::expected<T, Problem>;

// "cannot rename /a/b: No space left on device (ENOSPC); free some space on the node"
Problem system_problem(std::string_view operation, std::string_view path, Errno error, int exit_code);

// "ENOSPC", or the number if it has no name.
std::string error_name(Errno error);

// The same kind of value for what we found out ourselves.
std::unexpected<Problem> refuse(int exit_code, std::string text);

}  // namespace reference
