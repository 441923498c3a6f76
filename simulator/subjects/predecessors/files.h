// The system calls of the predecessors, thinly wrapped.
//
// Nothing here makes an operation safer than the release it models: no O_EXCL where there was none, no directory is synced, a failed copy
// leaves what it left. Failures are values; each carries the exit code that the release ended with, because the releases disagreed with
// each other.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::subjects::predecessor {

// Why a start, or a turn of the watch loop, ended.
struct Failure {
  int exit_code = 0;  // 0 is what 4.x says of most failures
  std::string message;
};

template <class T = void>
using Outcome = std::expected<T, Failure>;

std::unexpected<Failure> fail(std::string message, int exit_code = 0);

// The end of a process that the release left by a panic.
std::unexpected<Failure> panic(std::string what);

// "operation path: no such file or directory", as Go words errno.
std::string describe(std::string_view operation, std::string_view path, int error_number);

// The failure with its message after a prefix, for callers that say what they were doing.
template <class T>
Outcome<T> prefixed(Outcome<T> outcome, std::string_view prefix) {
  if (!outcome) outcome.error().message.insert(0, prefix);
  return outcome;
}

// A file descriptor, closed at the end of its scope.
class File {
 public:
  explicit File(int fd = -1) : fd_(fd) {}
  File(File&& other) noexcept : fd_(other.release()) {}
  File& operator=(File&& other) noexcept;
  ~File();

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int release();
  int fd_;
};

// Opens a file, O_CLOEXEC; trying again when interrupted. Not open, and errno, on failure.
File open_file(const std::string& path, int flags, mode_t mode = 0);

// Writes all of it at the file's position; 0 or an errno.
int write_all(int fd, std::string_view bytes);

// Writes line by line, one system call each: the "many small writes" that a reader of a temporary file can see.
int write_lines(int fd, std::string_view text);

// Moves the rest of one file into another: copy_file_range where the kernel can, else read and write. 0 or an errno.
int copy_contents(int from, int to);

// As copy_contents, but by read and write in pieces of 128 KiB, as coreutils do across mounts.
int copy_in_chunks(int from, int to);

// The whole file, at most 16 MiB of it.
Outcome<std::string> read_file(const std::string& path);

bool exists(const std::string& path);        // follows symbolic links
bool is_directory(const std::string& path);  // follows symbolic links

// Makes a directory and its parents, subject to the umask. A path that is there already is fine if it is a directory.
Outcome<> make_directories(const std::string& path, mode_t mode);

// A new, empty file PREFIX<random decimal>, 0600 and O_EXCL; its path goes into `path`. Not open, and errno, on failure.
File create_random(const std::string& prefix, std::string* path);

struct Entry {
  std::string name;
  bool is_directory = false;  // itself, not what a link leads to
};

// The entries of a directory in byte order, without "." and ".."; empty if it cannot be read.
std::vector<Entry> list_directory(const std::string& path);

std::string base_name(std::string_view path);

// One line on standard output or standard error, at once.
void say(std::string_view line);
void complain(std::string_view line);

}  // namespace entryproof::subjects::predecessor
