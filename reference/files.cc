#include "reference/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace reference {

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, std::max<std::size_t>(slash, 1)));
}

std::string name_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (path.empty() || path.back() != '/') path += '/';
  return path.append(name);
}

std::string clean_path(std::string_view path) {
  std::string clean;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (!part.empty() && part != ".") {
      if (!clean.empty() || path.front() == '/') clean += '/';
      clean.append(part);
    }
    at = end + 1;
  }
  return clean.empty() ? (path.starts_with('/') ? "/" : ".") : clean;
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.size() > 1 && path.front() == '/';
  return path.size() > directory.size() + 1 && path.starts_with(directory) && path[directory.size()] == '/';
}

Outcome<> Handle::close() {
  if (descriptor_ < 0) return {};
  return host_->close(std::exchange(descriptor_, -1));
}

Outcome<Handle> open_file(Host& host, const std::string& path, int flags, mode_t mode) {
  const auto descriptor = host.open(path, flags, mode);
  if (!descriptor) return std::unexpected(descriptor.error());
  return Handle(host, *descriptor);
}

Result<FileContent> read_file(Host& host, const std::string& path, std::size_t cap, int flags) {
  const auto failed = [&](Errno error) {
    const int missing = static_cast<int>(error) == ENOENT ? kExitNoInput : kExitBadInput;
    return std::unexpected(system_problem("read", path, error, missing));
  };
  auto file = open_file(host, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);
  if (!file) return failed(file.error());
  const auto status = host.fstat(file->get());
  if (!status) return failed(status.error());
  if (S_ISDIR(status->mode)) return failed(Errno{EISDIR});
  if (!S_ISREG(status->mode)) return refuse(kExitBadInput, "cannot read " + path + ": it is not a regular file");

  // One byte more than the cap tells a file that fits from one that doesn't, whatever its size was said to be. What it was said to be, and
  // one byte for the end, is room enough for most.
  FileContent content{.bytes = {}, .status = *status};
  constexpr std::size_t kChunk = 64 * 1024;
  auto room = static_cast<std::size_t>(std::min<std::uint64_t>({status->size + 1, kChunk, cap + 1}));
  std::size_t size = 0;
  while (size <= cap) {
    if (size == room) room = std::min(room + kChunk, cap + 1);
    content.bytes.resize(room);
    const auto got = host.read(file->get(), content.bytes.data() + size, std::min(kChunk, room - size));
    if (!got) return failed(got.error());
    size += *got;
    if (*got > 0) continue;
    content.bytes.resize(size);
    return content;
  }
  return refuse(kExitBadInput, "cannot use " + path + ": it is larger than " + std::to_string(cap) + " bytes");
}

bool unchanged(const FileStatus& before, const FileStatus& after) {
  return before.device == after.device && before.inode == after.inode && before.size == after.size && before.mtime_ns == after.mtime_ns &&
         before.ctime_ns == after.ctime_ns && before.mode == after.mode;
}

}  // namespace reference
