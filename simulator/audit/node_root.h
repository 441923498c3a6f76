// NodeRoot: a node's file system as it lies in a directory of this machine (a live "/", a mounted image, a copied tree), read into a Tree.
//
// Only the paths asked for are read, and what leads to them; the Tree then answers the oracles as the node would. The directory is hostile:
// every step goes one name further from an open directory and follows no link (links are walked here, as text, and "/" and ".." end at the
// root), nothing but regular files is opened, none for writing and none larger than its cap, and directories have a cap on their entries.
// What is there and could not be read has an obstacle(): nobody may take it for absent or empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/node/tree.h"

namespace entryproof::audit {

class NodeRoot {
 public:
  static constexpr std::size_t kEntriesMax = 4096;     // of a directory
  static constexpr std::size_t kBytesMax = 64U << 20;  // over all files

  // kIo or kInvalidInput if there is no such directory.
  static Result<NodeRoot> open(const std::string& directory);

  // Brings the path into the tree: what leads there, its attributes, and the bytes of a regular file of at most `cap` bytes; of a larger
  // one the first `cap` and the true size if `head` is set, else only the size. A path that is not there is no error.
  void take(std::string_view path, std::size_t cap, bool head = false);
  // The same for a directory and all its entries; of files whose name `wanted` likes, up to `cap` bytes each.
  void take_directory(std::string_view path, std::size_t cap, bool (*wanted)(std::string_view name));

  const node::Tree& tree() const { return tree_; }
  // Why the path, or something that leads to it, could not be read; empty if it could, or if it is not there.
  std::string_view obstacle(std::string_view path) const;

 private:
  // A directory or file of the node, and its likeness in the tree.
  struct Step;

  NodeRoot() = default;
  // Where the path leads, and the directory and name it has there; directories and links on the way are taken. False if nothing is there,
  // or it cannot be told (then it is an obstacle).
  bool walk(std::string_view path, Step& parent, Step& step, std::string& name);
  // One name further. False as above.
  bool enter(const Step& directory, const std::string& name, std::string_view asked, Step& step);
  void fill(const Step& parent, const std::string& name, const Step& file, std::size_t cap, bool head, std::string_view asked);
  void note(std::string_view asked, std::string reason);

  Descriptor root_;
  node::Tree tree_;
  std::size_t bytes_ = 0;
  std::set<node::InodeId> filled_;                             // files whose bytes are in the tree
  std::map<std::string, std::string, std::less<>> obstacles_;  // reasons, by path as asked
};

}  // namespace entryproof::audit
