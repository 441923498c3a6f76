// Host: everything of the machine that the entrypoint may use, and nothing more.
//
// The seam that lets the same program run on a node (PosixHost) and in a test or a simulation, in process, with another clock. The verbs
// are system calls with their man-2 meaning, because atomicity is the subject; each is exactly one call. Paths are absolute. No verb blocks
// for longer than a local file does: waiting is the main loop's business (Entrypoint::turn says until when).
//
// An error is the kernel's number. A Host never throws.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reference {

enum class Errno : int {};

template <class T = void>
using Outcome = std::expected<T, Errno>;

struct FileStatus {
  mode_t mode = 0;  // with the type bits (S_IFMT)
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
};

struct DirectoryEntry {
  std::string name;
};

class Host {
 public:
  using Descriptor = int;

  virtual ~Host() = default;

  // Files.
  virtual Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) = 0;  // O_CLOEXEC is implied
  virtual Outcome<> close(Descriptor) = 0;
  virtual Outcome<std::size_t> read(Descriptor, char* buffer, std::size_t size) = 0;
  virtual Outcome<std::size_t> write(Descriptor, std::string_view bytes) = 0;
  virtual Outcome<> fsync(Descriptor) = 0;  // of a directory's descriptor too
  virtual Outcome<> fchmod(Descriptor, mode_t mode) = 0;
  virtual Outcome<> fchown(Descriptor, uid_t uid, gid_t gid) = 0;
  virtual Outcome<FileStatus> fstat(Descriptor) = 0;
  virtual Outcome<FileStatus> stat(const std::string& path) = 0;
  virtual Outcome<FileStatus> lstat(const std::string& path) = 0;
  virtual Outcome<std::string> readlink(const std::string& path) = 0;
  virtual Outcome<std::vector<DirectoryEntry>> list(const std::string& path) = 0;  // without "." and "..", in any order
  virtual Outcome<> mkdir(const std::string& path, mode_t mode) = 0;
  virtual Outcome<> rename(const std::string& from, const std::string& to) = 0;
  virtual Outcome<> unlink(const std::string& path) = 0;
  virtual Outcome<> rmdir(const std::string& path) = 0;

  // Changes. Asks for the next turn to come early when something is made, written, renamed or removed in a directory; asking again finds
  // one anew that has been replaced. A hint, never the only reason to look: ENOTSUP from a machine that has no events.
  virtual Outcome<> watch(const std::string& /*directory*/) { return std::unexpected(Errno{ENOTSUP}); }
  virtual bool take_events() { return false; }  // was there any since the last call?

  // Instances. Each that lives on a volume holds a mark on its directory, numbered by the time of its start; the kernel takes it away with
  // the process, so it is no litter. A higher number is a newer instance.
  virtual Outcome<> mark(Descriptor, std::int64_t /*number*/) { return std::unexpected(Errno{ENOTSUP}); }
  virtual Outcome<bool> marked_above(Descriptor, std::int64_t /*number*/) { return std::unexpected(Errno{ENOTSUP}); }

  // Time. Monotonic for scheduling, wall only to be shown to people.
  virtual std::chrono::nanoseconds monotonic() const = 0;
  virtual std::int64_t wall_seconds() const = 0;

  // The process: arguments and environment come in once, as values; these are the streams and what tells two instances apart.
  virtual void write_out(std::string_view line) = 0;  // one line without its end
  virtual void write_error(std::string_view line) = 0;
  virtual uid_t effective_uid() const = 0;
  virtual std::uint64_t random() = 0;  // for names of temporary files
  // A signal asked for the end: what has not become visible yet is given up, and leaves nothing behind. Asked again and again in all that
  // takes long, and so a sign of life, too.
  virtual bool stop_requested() const { return false; }
};

}  // namespace reference
