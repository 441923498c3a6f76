// Random sequences of POSIX calls, and what a file system answers to them.
//
// For differential tests: the same sequence is played on the memory door, through FUSE and on a real directory, and every answer and the
// final tree must be the same text. A sequence is made from plain numbers, one for each call, so that any generator (RapidCheck, a fuzzer,
// a seed) can make it and shrink it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/types.h"

namespace entryproof::node {

// A file system under test, as a process sees it. Paths begin with "/", which is the root of a directory of its own. Numbers of descriptors
// are the target's.
class PosixTarget {
 public:
  virtual ~PosixTarget() = default;
  virtual Outcome<int> open(const std::string& path, int flags, mode_t mode) = 0;
  virtual Outcome<> close(int descriptor) = 0;
  virtual Outcome<std::size_t> write(int descriptor, std::string_view bytes) = 0;
  virtual Outcome<std::size_t> pwrite(int descriptor, std::string_view bytes, std::uint64_t offset) = 0;
  virtual Outcome<std::string> read(int descriptor, std::size_t size) = 0;
  virtual Outcome<std::string> pread(int descriptor, std::size_t size, std::uint64_t offset) = 0;
  virtual Outcome<> fsync(int descriptor) = 0;
  virtual Outcome<> fchmod(int descriptor, mode_t mode) = 0;
  virtual Outcome<> ftruncate(int descriptor, std::uint64_t size) = 0;
  virtual Outcome<Attributes> fstat(int descriptor) = 0;
  virtual Outcome<Attributes> stat(const std::string& path) = 0;
  virtual Outcome<Attributes> lstat(const std::string& path) = 0;
  virtual Outcome<> access(const std::string& path, int mask) = 0;
  virtual Outcome<std::string> readlink(const std::string& path) = 0;
  virtual Outcome<std::vector<std::string>> list(const std::string& path) = 0;  // in byte order, without "." and ".."
  virtual Outcome<> mkdir(const std::string& path, mode_t mode) = 0;
  virtual Outcome<> rmdir(const std::string& path) = 0;
  virtual Outcome<> unlink(const std::string& path) = 0;
  virtual Outcome<> symlink(const std::string& target, const std::string& path) = 0;
  virtual Outcome<> link(const std::string& path, const std::string& new_path) = 0;
  virtual Outcome<> rename(const std::string& path, const std::string& new_path, unsigned flags) = 0;  // renameat2(2)'s flags
  virtual Outcome<> chmod(const std::string& path, mode_t mode) = 0;
  virtual Outcome<> truncate(const std::string& path, std::uint64_t size) = 0;
};

struct PosixCall {
  enum class Kind : std::uint8_t {
    kOpen,
    kClose,
    kWrite,
    kPwrite,
    kRead,
    kPread,
    kFsync,
    kFchmod,
    kFtruncate,
    kFstat,
    kStat,
    kLstat,
    kAccess,
    kReadlink,
    kList,
    kMkdir,
    kRmdir,
    kUnlink,
    kSymlink,
    kLink,
    kRename,
    kChmod,
    kTruncate,
  };

  Kind kind = Kind::kOpen;
  std::size_t slot = 0;  // which of the player's descriptors
  std::string path;
  std::string path2;  // rename and link: the new path; symlink: the target
  int flags = 0;
  mode_t mode = 0;
  std::uint64_t offset = 0;  // truncate: the size
  std::size_t size = 0;

  // The call that a number stands for. Every number stands for one; near ones are unrelated.
  static PosixCall from(std::uint64_t number);
  std::string describe() const;
};

// Plays the calls in order, then closes every descriptor: one line for each call, "rename /a -> /d/b: ok".
std::vector<std::string> play(PosixTarget& target, std::span<const PosixCall> calls);

// The tree below "/", a line for each name: type, mode, owner, links (not of directories: file systems differ), size, content, and which
// names are the same file.
std::vector<std::string> inventory(PosixTarget& target);

}  // namespace entryproof::node
