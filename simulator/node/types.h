// The vocabulary of the node's file system: error numbers, inodes, attributes, callers.
//
// Everything below simulator/node is pure: no FUSE, no threads, no machine clock, no Kubernetes. Error numbers are the kernel's own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace entryproof::node {

// A POSIX error number (ENOENT …), never 0.
enum class Errno : int {};

// What a file-system verb gives: a value, or the error number the kernel would give.
template <class T = void>
using Outcome = std::expected<T, Errno>;

inline std::unexpected<Errno> refuse(int error_number) { return std::unexpected(Errno{error_number}); }

using InodeId = std::uint64_t;
inline constexpr InodeId kRoot = 1;  // FUSE's number for it, too

enum class FileType : std::uint8_t { kFile, kDirectory, kSymlink, kFifo, kSocket };

struct Attributes {
  InodeId inode = 0;
  FileType type = FileType::kFile;
  mode_t mode = 0;  // permission, set-id and sticky bits only (07777)
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint32_t links = 0;
  std::uint64_t size = 0;
  std::int64_t atime_ns = 0;  // wall time, nanoseconds since the epoch
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;  // strictly grows with every mutation of the tree, even while the clock stands
};

// A name in a directory.
struct Entry {
  std::string name;
  InodeId inode = 0;
  FileType type = FileType::kFile;
};

// Which attributes set_attributes() changes; unset ones stay.
struct AttributeChange {
  std::optional<mode_t> mode;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::uint64_t> size;  // truncate(2)
  std::optional<std::int64_t> atime_ns;
  std::optional<std::int64_t> mtime_ns;
  bool times_are_now = false;  // utimensat(2) with UTIME_NOW for each time that is set: write permission is enough, the values are ignored
  bool by_descriptor = false;  // ftruncate(2): the descriptor was opened for writing, so no permission is asked for `size`
};

// As whom a call is made. `privileged` stands for CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER and CAP_FSETID: permission bits and owners do not
// matter. There are no supplementary groups.
struct Credentials {
  uid_t uid = 0;
  gid_t gid = 0;
  bool privileged = true;
};

// Who makes a call, for the journal and for charging (clauses.md, "Charging").
enum class Actor : std::uint8_t {
  kWorld,  // the harness as kubelet, operator, another CNI, a boot: never charged to a build
  kStage,  // an earlier build that leaves the node as it was before the upgrade: never charged
  kBuild,  // the build under test
};

struct Caller {
  Actor actor = Actor::kWorld;
  Credentials credentials;
  mode_t umask = 0;
  std::uint32_t session = 0;  // which process of the actor: counts starts in a world, for the journal only
};

}  // namespace entryproof::node
