#include "simulator/subjects/predecessors/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

namespace entryproof::subjects::predecessor {
namespace {

constexpr std::size_t kReadCap = std::size_t{16} << 20;
constexpr std::size_t kChunk = std::size_t{128} << 10;

void put_line(int fd, std::string_view line) {
  std::string text(line);
  text += '\n';
  write_all(fd, text);
}

}  // namespace

std::unexpected<Failure> fail(std::string message, int exit_code) { return std::unexpected(Failure{exit_code, std::move(message)}); }

std::unexpected<Failure> panic(std::string what) { return fail("panic: " + std::move(what), 2); }

std::string describe(std::string_view operation, std::string_view path, int error_number) {
  std::string cause = std::strerror(error_number);
  cause[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(cause[0])));
  return std::string(operation) + " " + std::string(path) + ": " + cause;
}

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

int File::release() { return std::exchange(fd_, -1); }

File open_file(const std::string& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return File(fd);
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

int write_lines(int fd, std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n') == text.npos ? text.npos : text.find('\n') + 1);
    if (const int error = write_all(fd, line)) return error;
    text.remove_prefix(line.size());
  }
  return 0;
}

int copy_contents(int from, int to) {
  while (true) {
    const ssize_t moved = ::copy_file_range(from, nullptr, to, nullptr, std::size_t{1} << 30, 0);
    if (moved == 0) break;  // the end, or a file that only read() can tell the end of
    if (moved > 0 || errno == EINTR) continue;
    if (errno != EXDEV && errno != ENOSYS && errno != EINVAL && errno != EOPNOTSUPP && errno != EPERM) return errno;
    break;
  }
  return copy_in_chunks(from, to);
}

int copy_in_chunks(int from, int to) {
  std::string chunk(kChunk, '\0');
  while (true) {
    const ssize_t got = ::read(from, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    if (const int error = write_all(to, std::string_view(chunk).substr(0, static_cast<std::size_t>(got)))) return error;
  }
}

Outcome<std::string> read_file(const std::string& path) {
  const File file = open_file(path, O_RDONLY);
  if (!file.is_open()) return fail(describe("open", path, errno));
  std::string text;
  std::string chunk(std::size_t{64} << 10, '\0');
  while (text.size() < kReadCap) {
    const ssize_t got = ::read(file.fd(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(describe("read", path, errno));
    if (got == 0) return text;
    text.append(chunk, 0, static_cast<std::size_t>(got));
  }
  return fail("read " + path + ": larger than 16 MiB, not read");
}

bool exists(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0;
}

bool is_directory(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Outcome<> make_directories(const std::string& path, mode_t mode) {
  if (is_directory(path)) return {};
  const std::size_t slash = path.find_last_of('/');
  if (slash != std::string::npos && slash > 0) {
    if (auto parent = make_directories(path.substr(0, slash), mode); !parent) return parent;
  }
  if (::mkdir(path.c_str(), mode) == 0 || (errno == EEXIST && is_directory(path))) return {};
  return fail(describe("mkdir", path, errno));
}

File create_random(const std::string& prefix, std::string* path) {
  std::random_device device;
  for (int attempt = 0; attempt < 100; ++attempt) {
    *path = prefix + std::to_string(device());
    File file = open_file(*path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file.is_open() || errno != EEXIST) return file;
  }
  return File();
}

std::vector<Entry> list_directory(const std::string& path) {
  std::vector<Entry> entries;
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return entries;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_dir = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN) {
      struct stat status = {};
      is_dir = ::fstatat(::dirfd(directory), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
    }
    entries.push_back({name, is_dir});
  }
  ::closedir(directory);
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

std::string base_name(std::string_view path) {
  const std::size_t slash = path.find_last_of('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

void say(std::string_view line) { put_line(STDOUT_FILENO, line); }
void complain(std::string_view line) { put_line(STDERR_FILENO, line); }

}  // namespace entryproof::subjects::predecessor
