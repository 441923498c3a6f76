// View: a Tree as somebody sees it through mounts.
//
// The node's tree is the host's file system: a path of the host is a path of the tree. A container sees other paths: each volume is a mount
// of one directory of the tree. A View walks paths the way the kernel does: symlinks are resolved inside the view (ELOOP after 40), "..",
// trailing slashes, search permission on every directory, mounts crossed from their mount point. rename and link across mounts are
// the caller's to refuse (EXDEV): compare Place::mount.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/tree.h"
#include "simulator/node/types.h"

namespace entryproof::node {

struct Mount {
  std::string at;      // absolute path in the view, normalised; "/" for the root
  InodeId directory = kRoot;
  bool read_only = false;
};

// Where a path leads: the last directory, the last name, and what is there (0 if nothing).
struct Place {
  std::size_t mount = 0;  // index in mounts(); what a rename compares
  bool read_only = false;
  InodeId parent = 0;
  std::string name;       // "" when the path is a mount point or the root
  InodeId inode = 0;
  bool directory_required = false;  // the path ended in "/"
};

class View {
 public:
  // The host's view: the whole tree.
  View() : View({Mount{"/", kRoot, false}}) {}
  explicit View(std::vector<Mount> mounts);
  const std::vector<Mount>& mounts() const { return mounts_; }

  // Follows every symlink but, with follow_last false, the last. ENOENT only for a missing directory on the way; a missing last name gives a
  // Place with inode 0.
  Outcome<Place> walk(const Tree&, const Credentials&, std::string_view path, bool follow_last = true) const;
  // What is at the path, or ENOENT.
  Outcome<InodeId> resolve(const Tree&, const Credentials&, std::string_view path, bool follow_last = true) const;

 private:
  std::vector<Mount> mounts_;
};

}  // namespace entryproof::node
