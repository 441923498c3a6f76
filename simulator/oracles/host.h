// Paths of the host: how a reader on the node walks them, and what he passes on the way.
//
// The oracles look as root, outside every container: a path of the host is a path of the tree. The Trail is what a watcher must watch: an
// operation that touches none of its inodes, or only a name in one of them that nobody asked for, cannot change where the path leads or
// what is there.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/tree.h"

namespace entryproof::oracles {

struct Trail {
  std::vector<node::InodeId> passed;  // and found
  std::vector<std::size_t> asked;     // the names, as hashes: a false friend costs a look, no more

  // Before these two may be asked.
  void sort();
  bool has_passed(node::InodeId inode) const;
  bool has_asked_for(std::string_view name) const;
};

// What is at an absolute path; symlinks are followed (40 at most). Appends every inode that was passed, the one found, and every name that
// was asked for, to `trail`.
std::optional<node::InodeId> resolve_on_host(const node::Tree& tree, std::string_view path, Trail* trail = nullptr);

// The bytes of a regular file; nullopt if it is not there, is something else, or is larger than `cap`.
std::optional<std::string> read_host_file(const node::Tree& tree, std::string_view path, std::size_t cap);

std::string join(std::string_view directory, std::string_view name);

}  // namespace entryproof::oracles
