// Tree: the node's file system as a value.
//
// An in-memory POSIX tree of inodes: files with sparse pages, directories, symlinks, FIFOs and sockets, hard links, modes, owners and
// times. Copying a Tree is a snapshot: inodes and pages are shared and copied on write, so a fresh world costs microseconds and a change
// after the copy is seen by one side only. The verbs are the kernel's (man 2 of each is the source) at the level of inodes, which is what
// FUSE asks for; paths and mounts are View's business, journals and faults Node's.
//
// A Tree knows no time: each mutating verb is given `now` (wall time, ns). It never gives an inode number twice. An inode without a name
// stays (an unlinked-but-open file) until reap(). Reading does not change atime (a noatime mount).
//
// Thread contract: thread-compatible; snapshots may live on different threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/node/shared.h"
#include "simulator/node/types.h"

namespace entryproof::node {

// renameat2(2). RENAME_WHITEOUT has no place here: who is asked for it answers EINVAL.
enum class RenameFlag : std::uint8_t { kNone, kNoReplace, kExchange };

struct Inode;

class Tree {
 public:
  struct Limits {
    std::uint64_t bytes = 256ULL << 20;    // quota over all file pages; ENOSPC beyond
    std::uint64_t inodes = 65536;          // ENOSPC beyond
    std::uint64_t file_size = 1ULL << 40;  // EFBIG beyond
  };

  static constexpr std::size_t kReadCap = 64ULL
                                          << 20;    // bytes that one read() gives; the page of a sparse file costs nothing, the answer does
  static constexpr std::size_t kNameCap = 255;      // ENAMETOOLONG
  static constexpr std::size_t kSymlinkCap = 4095;  // ENAMETOOLONG
  static constexpr std::uint32_t kLinkCap = 65000;  // EMLINK, as ext4

  // A tree that holds its root directory only, mode 0755 root:root.
  Tree();
  explicit Tree(Limits limits);
  ~Tree();
  Tree(const Tree&);
  Tree(Tree&&) noexcept;
  Tree& operator=(const Tree&);
  Tree& operator=(Tree&&) noexcept;

  // --- looking; all const, all O(log n) or better ---
  Outcome<InodeId> lookup(const Credentials&, InodeId directory,
                          std::string_view name) const;                              // "." and ".." too; ENOTDIR, EACCES, ENAMETOOLONG
  Outcome<Attributes> attributes(InodeId) const;                                     // ESTALE for a reaped inode
  Outcome<std::string> readlink(InodeId) const;                                      // EINVAL unless a symlink
  Outcome<std::string> read(InodeId, std::uint64_t offset, std::size_t size) const;  // short at the end, at most kReadCap; EISDIR
  Outcome<std::size_t> read(InodeId, std::uint64_t offset,
                            std::span<char> into) const;  // the same without a copy: how many bytes there were
  // Whether it is a regular file with exactly these bytes.
  bool holds(InodeId, std::string_view bytes) const;
  Outcome<std::string> read_all(InodeId, std::size_t cap = kReadCap) const;  // EFBIG past the cap
  Outcome<std::vector<Entry>> list(InodeId directory) const;                 // byte order of names, without "." and ".."
  // Whether these credentials may read (4), write (2), execute or search (1) the inode: access(2)'s mask.
  Outcome<> access(const Credentials&, InodeId, int mask) const;
  // What has this name, without asking for permission; 0 if nothing. "." and ".." are no names here.
  InodeId child(InodeId directory, std::string_view name) const;
  // The absolute path of the inode (of several hard links: the one last made). "?" if no name is left; the end after "…" if it is past 4096
  // bytes.
  // `below`: a name in it, that need not be there.
  std::string path_of(InodeId, std::string_view below = {}) const;
  // Every name that leads to the inode, the one last made last. None for a root, an orphan, or an inode that is not there.
  std::vector<std::pair<InodeId, std::string>> names_of(InodeId) const;  // directory, name
  // A number that is different after any change to the inode's bytes, attributes or entries; equal numbers mean equal content, across
  // snapshots of one origin too. 0 for an inode that is not there. This is what oracles memoise on.
  std::uint64_t version(InodeId) const;
  // Grows with each successful mutation.
  std::uint64_t generation() const;
  std::uint64_t bytes_used() const;
  std::uint64_t inodes_used() const;
  const Limits& limits() const;
  // Another quota from now on; what is there already stays, even if it is more.
  void limit_bytes(std::uint64_t bytes);

  // --- changing; each is atomic, and all or nothing ---
  Outcome<InodeId> create(const Credentials&, InodeId directory, std::string_view name, mode_t mode, std::int64_t now);  // EEXIST if there
  Outcome<InodeId> mkdir(const Credentials&, InodeId directory, std::string_view name, mode_t mode, std::int64_t now);
  Outcome<InodeId> symlink(const Credentials&, InodeId directory, std::string_view name, std::string_view target, std::int64_t now);
  Outcome<InodeId> mknod(const Credentials&, InodeId directory, std::string_view name, FileType type, mode_t mode, std::int64_t now);
  Outcome<> link(const Credentials&, InodeId inode, InodeId directory, std::string_view name, std::int64_t now);
  Outcome<InodeId> unlink(const Credentials&, InodeId directory, std::string_view name,
                          std::int64_t now);  // gives the inode that lost a name
  Outcome<InodeId> rmdir(const Credentials&, InodeId directory, std::string_view name, std::int64_t now);
  // Gives the inode that lost its name to a replacing rename, if any.
  Outcome<std::optional<InodeId>> rename(const Credentials&, InodeId from, std::string_view name, InodeId to, std::string_view new_name,
                                         RenameFlag flag, std::int64_t now);
  // Where the quota ends a shorter prefix is written; ENOSPC if nothing fits. An unprivileged writer's write clears set-id bits.
  Outcome<std::size_t> write(const Credentials&, InodeId, std::uint64_t offset, std::string_view bytes, std::int64_t now);
  Outcome<std::size_t> write(InodeId inode, std::uint64_t offset, std::string_view bytes, std::int64_t now) {
    return write(Credentials{}, inode, offset, bytes, now);
  }
  Outcome<> allocate(InodeId, std::uint64_t offset, std::uint64_t length, bool keep_size, std::int64_t now);  // fallocate(2)
  Outcome<> set_attributes(const Credentials&, InodeId, const AttributeChange&, std::int64_t now);
  // Forgets an inode that has no name left; the caller knows that nobody holds it open.
  void reap(InodeId);
  // The inodes that have no name left.
  std::vector<InodeId> orphans() const;
  // What a crash does to a name: from now on it leads to `inode`, or to nothing if that is 0, whatever it led to before. Asks nobody's
  // leave; link counts follow. An orphan that is not reaped yet can get a name back, a directory goes with all that is in it. The inodes
  // must be there, and a directory must not get a second name.
  void lead(InodeId directory, std::string_view name, InodeId inode);
  // Makes inode numbers and change times of this tree go on from where `before` stopped: for a tree that takes another's place at a reboot.
  void follow(const Tree& before);
  // The number that the next inode gets: for a tree that is read from elsewhere, where objects have an identity of their own. The caller
  // promises that it is not in use, and ends with one above all.
  void number_next(InodeId);

 private:
  struct State;
  // How many bytes a read of that range would give; why not, for what is no file.
  Outcome<std::size_t> readable(InodeId, std::uint64_t offset, std::size_t size) const;
  State& editable();  // the state, copied first if a snapshot shares it
  Outcome<InodeId> make(const Credentials&, InodeId directory, std::string_view name, FileType type, mode_t mode, std::int64_t now,
                        std::string_view target = {});
  // Whether a directory is `directory` or lies below it.
  bool is_within(InodeId inode, InodeId directory) const;
  Outcome<> permit_rename(const Credentials&, const Inode& from, const Inode& moved, const Inode& to, const Inode* target,
                          RenameFlag flag) const;

  std::shared_ptr<State> state_;
  mutable std::atomic<Stamp> edit_{0};  // the stamp of what may be changed in place; 0 once a snapshot was taken
};

}  // namespace entryproof::node
