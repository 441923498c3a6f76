// TmpfsDoor: a node as a real tmpfs, for machines without the FUSE device.
//
// populate() writes a node::Tree out, snapshot() reads one back. What happens in between nobody sees: checks that need every operation are
// not tested in this world (DESIGN.md, decision 3). The tree read back is hostile: symlinks are never followed, FIFOs never opened, and the
// caps of Limits hold even while a build goes on writing.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "simulator/base/result.h"
#include "simulator/node/tree.h"

namespace entryproof::doors {

// Writes the tree into an existing, empty directory of this machine: names, types, bytes, hard links, modes, owners, times.
Result<> write_tree(const node::Tree& tree, const std::string& directory);

class TmpfsDoor {
 public:
  struct Limits {
    std::uint64_t bytes = 256ULL << 20;  // size of the file system, and most that a snapshot reads
    std::uint64_t inodes = 65536;
    unsigned depth = 128;  // of directories
  };

  // Mounts at an existing, empty directory of the private namespace.
  static Result<std::unique_ptr<TmpfsDoor>> mount(const std::string& mount_point, Limits limits);
  static Result<std::unique_ptr<TmpfsDoor>> mount(const std::string& mount_point) { return mount(mount_point, Limits{}); }
  ~TmpfsDoor();  // unmounts (lazily: a sandbox's binds keep it until they go) and removes the mount point
  TmpfsDoor(const TmpfsDoor&) = delete;
  TmpfsDoor& operator=(const TmpfsDoor&) = delete;

  const std::string& mount_point() const { return mount_point_; }

  // Empties the mount and writes the tree: names, types, bytes, hard links, modes, owners, modification times.
  Result<> populate(const node::Tree& tree);
  // The node now. Not atomic: a build that goes on writing may be seen between two of its steps, file by file. Inode numbers differ from
  // those of the tree it was populated with, but an object keeps its own from one snapshot to the next and nothing else ever gets it; a
  // hard link stays one. kLimit past a cap.
  Result<node::Tree> snapshot();

 private:
  TmpfsDoor(std::string mount_point, Limits limits) : mount_point_(std::move(mount_point)), limits_(limits) {}
  std::string mount_point_;
  Limits limits_;
  std::map<ino_t, node::InodeId> numbers_;  // of what the last snapshot held: the kernel's number -> ours, which are dense
  node::InodeId next_number_ = node::kRoot + 1;
};

}  // namespace entryproof::doors
