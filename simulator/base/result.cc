#include "simulator/base/result.h"

#include <cstring>

namespace entryproof {

std::string errno_text(int error_number) {
  std::string text = strerrordesc_np(error_number) != nullptr ? strerrordesc_np(error_number) : "unknown error";
  const char* name = strerrorname_np(error_number);
  return text + " (" + (name != nullptr ? std::string(name) : std::to_string(error_number)) + ")";
}

std::unexpected<Error> fail_errno(std::string_view operation, std::string_view path, int error_number) {
  return fail(ErrorCode::kIo, std::string(operation) + " " + std::string(path) + ": " + errno_text(error_number));
}

}  // namespace entryproof
