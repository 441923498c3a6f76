// Result and Error: how everything in the simulator that can fail says so.
//
// Operating errors (a file that is not there, a scenario with a typo, a kernel without FUSE) are values, never exceptions; exceptions of
// libraries end at the edge where the library is called. An Error is one line for a person: what was attempted, on what, why it failed and,
// where there is something to be done, what to do.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace entryproof {

enum class ErrorCode {
  kUsage,         // the command line or the selection makes no sense
  kInvalidInput,  // a scenario, clause, kubeconfig or other untrusted document is refused
  kUnavailable,   // this machine cannot do it: no FUSE device, no namespaces, a missing interpreter
  kLimit,         // a cap on untrusted input was reached
  kIo,            // the machine's own files or processes failed us
  kInternal,      // a bug of ours
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // one line: operation, cause, what to do
  std::string where;    // "path", "path:line" or "path:line (/json/pointer)"; may be empty

  // "where: message", or the message alone.
  std::string line() const { return where.empty() ? message : where + ": " + message; }
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string where = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(where)});
}

// The kernel's word for an error number: "No such file or directory (ENOENT)".
std::string errno_text(int error_number);

// A kIo error for a failed call: "open /x: No such file or directory (ENOENT)".
std::unexpected<Error> fail_errno(std::string_view operation, std::string_view path, int error_number);

}  // namespace entryproof
