// Marks: the record locks that the processes of one node hold on its files (fcntl(2), F_OFD_SETLK), as far as a Host can ask for them.
//
// A read lock on one byte, which any number of others may hold, too; asking whether anybody holds one from some byte on. They belong to
// open descriptors and go with them. Nothing of it is an operation of the node: locks are no content.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "simulator/node/types.h"

namespace entryproof::subjects {

class Marks {
 public:
  using Holder = std::pair<const void*, int>;  // a process and its descriptor

  void set(Holder holder, node::InodeId inode, std::int64_t byte) { held_.emplace(holder, Mark{inode, byte}); }
  void release(Holder holder) { held_.erase(holder); }
  // What a process holds, when it ends.
  void release(const void* process) {
    std::erase_if(held_, [&](const auto& entry) { return entry.first.first == process; });
  }
  // Whether a descriptor other than this one is in the way from `byte` on.
  bool any_from(Holder asking, node::InodeId inode, std::int64_t byte) const {
    return std::ranges::any_of(
        held_, [&](const auto& entry) { return entry.first != asking && entry.second.inode == inode && entry.second.byte >= byte; });
  }

 private:
  struct Mark {
    node::InodeId inode = 0;
    std::int64_t byte = 0;
  };
  std::multimap<Holder, Mark> held_;
};

}  // namespace entryproof::subjects
