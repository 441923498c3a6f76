#include "simulator/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace entryproof {
namespace {

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t most_bytes) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) return fail_errno("open", path, errno);
  struct stat status{};
  if (fstat(file.number, &status) != 0) return fail_errno("stat", path, errno);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kInvalidInput, "not a regular file", path);

  // One byte more than allowed tells that there is more, whatever the size said and however the file grows meanwhile.
  std::string bytes;
  constexpr std::size_t kChunk = 64 * 1024;
  while (bytes.size() <= most_bytes) {
    const std::size_t had = bytes.size();
    bytes.resize(had + std::min(kChunk, most_bytes + 1 - had));
    const ssize_t got = read(file.number, bytes.data() + had, bytes.size() - had);
    if (got < 0 && errno != EINTR) return fail_errno("read", path, errno);
    bytes.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return bytes;
  }
  return fail(ErrorCode::kLimit, fmt::format("more than {} bytes", most_bytes), path);
}

}  // namespace entryproof
