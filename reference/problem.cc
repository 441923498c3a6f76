#include "reference/problem.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace reference {
namespace {

// What somebody on call can do about it; nothing where we would only be guessing.
std::string_view hint(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return "; the container must run privileged or with a SELinux label that may write there";
    case EROFS:
      return "; the volume is mounted read-only";
    case ENOSPC:
    case EDQUOT:
      return "; free some space on the node";
    case EFBIG:
      return "; the container's limit for the size of a file is too low";
    case EIO:
      return "; look after the node's disk";
    case EBUSY:
      return "; something is mounted there, and what is mounted cannot be replaced";
    case EXDEV:
      return "; the two paths are on different mounts";
    case EMFILE:
    case ENFILE:
      return "; too many open files";
    default:
      return "";
  }
}

}  // namespace

std::string error_name(Errno error) {
  const char* name = strerrorname_np(static_cast<int>(error));
  return name != nullptr ? std::string(name) : std::to_string(static_cast<int>(error));
}

Problem system_problem(std::string_view operation, std::string_view path, Errno error, int exit_code) {
  const int number = static_cast<int>(error);
  const char* words = strerrordesc_np(number);
  const char* name = strerrorname_np(number);
  std::string text = "cannot ";
  text.append(operation).append(" ").append(path).append(": ");
  text.append(words != nullptr ? words : "unknown error");
  text.append(" (").append(name != nullptr ? std::string(name) : std::to_string(number)).append(")");
  text.append(hint(number));
  return {std::move(text), exit_code, error};
}

std::unexpected<Problem> refuse(int exit_code, std::string text) {
  return std::unexpected(Problem{.text = std::move(text), .exit_code = exit_code, .error = Errno{}});
}

}  // namespace reference
