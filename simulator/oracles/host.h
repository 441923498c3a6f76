// Paths of the host: how a reader on the node walks them, and what he passes on the way.
//
// The oracles look as root, outside every container: a path of the host is a path of the tree. The Trail is what a watcher must watch: an
// operation that touches none of its inodes cannot change where the path leads or what is there.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/tree.h"

namespace entryproof::oracles {

using Trail = std::vector<node::InodeId>;

// What is at an absolute path; symlinks are followed (40 at most). Appends every inode that was passed, and the one found, to `trail`.
std::optional<node::InodeId> resolve_on_host(const node::Tree& tree, std::string_view path, Trail* trail = nullptr);

// The bytes of a regular file; nullopt if it is not there, is something else, or is larger than `cap`.
std::optional<std::string> read_host_file(const node::Tree& tree, std::string_view path, std::size_t cap);

std::string join(std::string_view directory, std::string_view name);

}  // namespace entryproof::oracles
