// Entries: the names of a directory, in byte order, shared between snapshots.
//
// A sorted list cut into leaves of a few dozen names; a change copies one leaf, so a directory with thousands of names costs no more to
// change after a snapshot than one with fifty.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "simulator/node/shared.h"
#include "simulator/node/types.h"

namespace entryproof::node {

class Entries {
 public:
  bool empty() const { return leaves_.empty(); }
  std::size_t size() const;
  // Null if there is no such name.
  const Entry* find(std::string_view name) const;
  std::vector<Entry> list() const;
  // Adds the entry, or lets the name lead to it from now on.
  void put(Stamp edit, Entry entry);
  // The name must be there.
  void erase(Stamp edit, std::string_view name);

 private:
  static constexpr std::size_t kLeafSize = 48;
  struct Leaf {
    Stamp edit = 0;
    std::vector<Entry> entries;  // never empty
  };

  // The leaf that holds the name, or would.
  std::size_t leaf_of(std::string_view name) const;

  std::vector<std::shared_ptr<Leaf>> leaves_;
};

}  // namespace entryproof::node
