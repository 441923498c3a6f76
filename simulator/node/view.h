// View: a Tree as somebody sees it through mounts.
//
// The node's tree is the host's file system: a path of the host is a path of the tree. A container sees other paths: each volume is a mount
// of one directory of the tree. A View walks paths the way the kernel does: symlinks are resolved inside the view (ELOOP after 40), "..",
// trailing slashes, search permission on every directory, mounts crossed from their mount point. rename and link across mounts are
// the caller's to refuse (EXDEV): compare Place::mount.
//
// A mount point need not exist in the tree: what leads to it without being in any mount is *scaffold*, directories of which nothing but
// their being there is known, in which nothing can be made. So a container needs no root file system to have volumes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/node/tree.h"
#include "simulator/node/types.h"

namespace entryproof::node {

struct Mount {
  std::string at;  // absolute path in the view, normalised; "/" for the root
  InodeId directory = kRoot;
  bool read_only = false;
};

// Where a path leads: the last directory, the last name, and what is there (0 if nothing).
struct Place {
  std::size_t mount = 0;  // index in mounts(), or their number for scaffold; what a rename compares
  bool read_only = false;
  InodeId parent = 0;
  std::string name;  // "" when the path is a mount point or the root; "." or ".." when it ends so
  InodeId inode = 0;
  bool scaffold = false;            // a directory of no mount: inode is 0 all the same
  bool directory_required = false;  // the path ended in "/"

  // What a lookup of a name that is not there answers: ENOENT, or ENAMETOOLONG.
  Errno absence() const;
};

class View {
 public:
  // The host's view: the whole tree.
  View();
  explicit View(std::vector<Mount> mounts);
  const std::vector<Mount>& mounts() const { return map_->mounts; }

  // Where a name is, or would be made or removed. Follows every symlink but, with follow_last false, the last; one that is written with a
  // "/" behind it is never followed, since the kernel makes and removes nothing by such a path (it is what find() is for). ENOENT only for
  // a missing directory on the way; a missing last name (even one that is too long) gives a Place with inode 0.
  Outcome<Place> walk(const Tree&, const Credentials&, std::string_view path, bool follow_last = true) const;
  // The same for a path that must lead somewhere: ENOENT if nothing is there, ENOTDIR if it ends in "/" and leads to anything but a
  // directory. As in stat(2), a trailing slash follows the last symlink too.
  Outcome<Place> find(const Tree&, const Credentials&, std::string_view path, bool follow_last = true) const;
  // The inode at the path; ENOENT for nothing and for scaffold.
  Outcome<InodeId> resolve(const Tree&, const Credentials&, std::string_view path, bool follow_last = true) const;

 private:
  class Walk;
  enum class Last : std::uint8_t;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // The mounts' paths as a trie, the root first.
  struct Signpost {
    std::size_t mount = kNone;  // what is mounted here; of two the later
    std::vector<std::pair<std::string, std::size_t>> below;
  };

  struct Map {
    std::vector<Mount> mounts;
    std::vector<Signpost> signposts;
  };

  static std::size_t signpost_below(const Map& map, std::size_t signpost, std::string_view name);

  std::shared_ptr<const Map> map_;  // it never changes, so that copies are cheap
};

}  // namespace entryproof::node
