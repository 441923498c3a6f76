// Change: one elementary step by which a directory on the node becomes another, as data.
//
// Whatever the cluster does to a node (kubelet filling a volume, an operator copying a file) is a list of Changes. In a memory world
// apply() performs them on the Node; in a process world another process performs them through the mount, one system call or few each, so
// that the build under test sees the very steps, in order, that it would see on a real node.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simulator/node/node.h"
#include "simulator/node/tree.h"
#include "simulator/node/types.h"

namespace entryproof::cluster {

struct Change {
  enum class Kind : std::uint8_t {
    kMkdir,    // mkdir(2) and chmod(2): exactly `mode`; an existing directory is no error and gets the mode
    kWrite,    // open(2) with O_CREAT|O_TRUNC, write(2), fchmod(2): exactly `bytes` and `mode`; readers can see it half done
    kSymlink,  // symlink(2): `path` points to `other`
    kFifo,     // mkfifo(2) and chmod(2)
    kRename,   // rename(2): `path` becomes `other`, replacing what is there
    kRemove,   // unlink(2), or a directory with all that is in it; nothing there is fine
  };

  Kind kind = Kind::kMkdir;
  std::string path;               // relative to the directory that is changed; its parents exist; symlinks lead nowhere outside of it
  std::string other;              // kSymlink: the target; kRename: the new path, relative as `path`
  std::string bytes;              // kWrite
  mode_t mode = 0;                // kMkdir, kWrite, kFifo
  std::optional<uid_t> uid = {};  // the owner, for the same; unset = left as it is, root for a new one
  std::optional<gid_t> gid = {};

  static Change mkdir(std::string path, mode_t mode) { return {Kind::kMkdir, std::move(path), {}, {}, mode}; }
  static Change write(std::string path, std::string bytes, mode_t mode) {
    return {Kind::kWrite, std::move(path), {}, std::move(bytes), mode};
  }
  static Change symlink(std::string path, std::string target) { return {Kind::kSymlink, std::move(path), std::move(target), {}, 0}; }
  static Change fifo(std::string path, mode_t mode) { return {Kind::kFifo, std::move(path), {}, {}, mode}; }
  static Change rename(std::string from, std::string to) { return {Kind::kRename, std::move(from), std::move(to), {}, 0}; }
  static Change remove(std::string path) { return {Kind::kRemove, std::move(path), {}, {}, 0}; }

  friend bool operator==(const Change&, const Change&) = default;
};

// Performs the changes, in order, in the directory `base`; the first error ends it and is all that is said. On a Node as
// journalled operations of `caller`; on a Tree (an image that is being made, before anybody runs) as root at wall time `now`, in
// nanoseconds.
node::Outcome<> apply(node::Node& node, const node::Caller& caller, node::InodeId base, const std::vector<Change>& changes);
node::Outcome<> apply(node::Tree& tree, node::InodeId base, const std::vector<Change>& changes, std::int64_t now);

}  // namespace entryproof::cluster
