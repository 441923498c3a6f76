// The inside of a Tree: inodes in a chunked table. Only tree*.cc include this.
//
// Looking goes through find(); whoever changes an inode takes it from change(), which copies what a snapshot shares and gives the inode its
// new version and change time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/entries.h"
#include "simulator/node/pages.h"
#include "simulator/node/shared.h"
#include "simulator/node/tree.h"

namespace entryproof::node {

struct Inode {
  struct Name {
    InodeId directory = 0;
    std::string name;
  };

  Stamp edit = 0;
  Stamp version = 0;
  Attributes attributes;
  InodeId parent = 0;       // directories: where ".." leads, even after rmdir
  std::vector<Name> names;  // each name that leads here, the latest last
  Entries entries;          // directories
  Pages pages;              // files
  std::string target;       // symlinks

  bool is(FileType type) const { return attributes.type == type; }
};

struct Tree::State {
  static constexpr std::size_t kChunkSize = 64;
  struct Chunk {
    Stamp edit = 0;
    std::size_t live = 0;
    std::array<std::shared_ptr<Inode>, kChunkSize> inodes;
  };

  Stamp edit = 0;
  Limits limits;
  std::vector<std::shared_ptr<Chunk>> chunks;  // null where every inode is gone
  InodeId next = kRoot;
  std::uint64_t pages = 0;
  std::uint64_t inodes = 0;
  std::uint64_t orphans = 0;
  std::uint64_t generation = 0;
  std::int64_t last_tick = 0;

  // Null if the inode is not there.
  const Inode* find(InodeId) const;
  // The directory, or ESTALE or ENOTDIR.
  Outcome<const Inode*> directory(InodeId) const;
  // Starts a mutation: gives its change time, later than every earlier one.
  std::int64_t tick(std::int64_t now);
  // An inode that is there, for change.
  Inode& change(InodeId, std::int64_t tick);
  Inode& add(FileType type, std::int64_t tick);
  void remove(InodeId);
  std::uint64_t free_pages() const;

  // Names, on both sides.
  void attach(Inode& directory, std::string_view name, Inode& inode);
  void detach(Inode& directory, std::string_view name, Inode& inode);
};

// EACCES unless the credentials may do all that `mask` (4 read, 2 write, 1 execute or search) says.
Outcome<> permit(const Credentials&, const Attributes&, int mask);
bool owns(const Credentials&, const Attributes&);
// The mode after a write or a change of owner: without set-user-ID, and without set-group-ID where it means that.
mode_t without_set_id(mode_t);

}  // namespace entryproof::node
