// MemoryProcess: a process of the node, inside this one.
//
// It has what a process has (descriptors, a umask, credentials, a view through mounts) and makes the system calls of man 2 on a node, by
// path and by descriptor. What Linux answers without asking the file system (EXDEV, EROFS, EEXIST of mkdir, ENOENT of unlink …) is answered
// here, so that Node, and with it the journal and the count of operations, sees what it would see of the same call through FUSE. Relative
// paths start at "/". The reference runs on it in memory worlds, and so does the world itself.
//
// Thread contract: one thread at a time, and whatever guards the Node.
#pragma once

#include <fcntl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "simulator/node/node.h"
#include "simulator/node/types.h"
#include "simulator/node/view.h"

namespace entryproof::doors {

class MemoryProcess {
 public:
  template <class T = void>
  using Outcome = node::Outcome<T>;
  static constexpr std::size_t kDescriptorCap = 1024;  // EMFILE beyond

  MemoryProcess(node::Node& node, node::View view, node::Caller caller);
  ~MemoryProcess();
  MemoryProcess(const MemoryProcess&) = delete;
  MemoryProcess& operator=(const MemoryProcess&) = delete;

  const node::Caller& caller() const { return caller_; }
  const node::View& view() const { return view_; }
  // Sets the umask and gives the one before.
  mode_t umask(mode_t mask);
  std::size_t open_descriptors() const;
  // Closes every descriptor, as the end of a process does.
  void exit();

  // --- by path ---
  // open(2). The lowest free number from 3. O_TMPFILE is EOPNOTSUPP, as through FUSE; O_PATH is not there (EINVAL).
  Outcome<int> open(std::string_view path, int flags, mode_t mode = 0);
  Outcome<node::Attributes> stat(std::string_view path);
  Outcome<node::Attributes> lstat(std::string_view path);
  Outcome<> access(std::string_view path, int mask);
  Outcome<std::string> readlink(std::string_view path);
  // The names in a directory, in byte order, without "." and ".."; a mount point is listed only if the directory below it has the name.
  Outcome<std::vector<node::Entry>> list(std::string_view path);
  Outcome<> mkdir(std::string_view path, mode_t mode);
  Outcome<> rmdir(std::string_view path);
  Outcome<> unlink(std::string_view path);
  Outcome<> symlink(std::string_view target, std::string_view path);
  Outcome<> link(std::string_view path, std::string_view new_path);  // a last symlink is linked itself, not followed
  Outcome<> mknod(std::string_view path, node::FileType type, mode_t mode);
  Outcome<> rename(std::string_view path, std::string_view new_path, node::RenameFlag flag = node::RenameFlag::kNone);
  Outcome<> chmod(std::string_view path, mode_t mode);
  Outcome<> chown(std::string_view path, std::optional<uid_t> uid, std::optional<gid_t> gid, bool follow_last = true);
  Outcome<> truncate(std::string_view path, std::uint64_t size);
  // Any of the above two and times: chmod(2), chown(2), truncate(2), utimensat(2).
  Outcome<> set_attributes(std::string_view path, const node::AttributeChange& change, bool follow_last = true);

  // --- by descriptor; EBADF for one that is not open, or not open for this ---
  Outcome<> close(int descriptor);
  Outcome<std::string> read(int descriptor, std::size_t size);
  Outcome<std::size_t> read(int descriptor, std::span<char> into);
  Outcome<std::string> pread(int descriptor, std::size_t size, std::uint64_t offset);
  Outcome<std::size_t> write(int descriptor, std::string_view bytes);
  Outcome<std::size_t> pwrite(int descriptor, std::string_view bytes,
                              std::uint64_t offset);  // appends to an O_APPEND descriptor, as Linux does
  Outcome<std::uint64_t> lseek(int descriptor, std::int64_t offset, int whence);
  Outcome<> fsync(int descriptor);
  Outcome<> fdatasync(int descriptor);
  Outcome<node::Attributes> fstat(int descriptor);
  Outcome<std::vector<node::Entry>> list(int descriptor);
  Outcome<> fchmod(int descriptor, mode_t mode);
  Outcome<> fchown(int descriptor, std::optional<uid_t> uid, std::optional<gid_t> gid);
  Outcome<> ftruncate(int descriptor, std::uint64_t size);
  Outcome<> fallocate(int descriptor, std::uint64_t offset, std::uint64_t length, bool keep_size);
  Outcome<> set_attributes(int descriptor, const node::AttributeChange& change);

 private:
  struct Descriptor {
    node::InodeId inode = 0;  // 0: free
    int flags = 0;
    std::uint64_t offset = 0;
    bool directory = false;
    bool read_only = false;  // its mount

    bool reads() const { return (flags & O_ACCMODE) != O_WRONLY; }
    bool writes() const { return (flags & O_ACCMODE) != O_RDONLY; }
  };

  Outcome<Descriptor*> at(int descriptor);
  Outcome<Descriptor*> readable(int descriptor);
  Outcome<int> free_number() const;
  Outcome<int> install(node::InodeId inode, int flags, bool read_only);
  Outcome<int> open_existing(const node::Place& place, int flags);
  Outcome<int> open_creating(std::string_view path, int flags, mode_t mode);
  Outcome<node::Place> walk(std::string_view path, bool follow_last);
  const Outcome<node::Place>& find(std::string_view path, bool follow_last);
  const Outcome<node::Place>& known(std::string_view path, bool follow_last);
  Outcome<> look_up(node::Place& place);
  Outcome<node::Place> place_to_make(std::string_view path, bool directory);
  Outcome<node::Place> place_to_remove(std::string_view path);
  bool is_directory(node::InodeId inode) const;
  Outcome<std::size_t> write_at(Descriptor& file, std::string_view bytes, std::uint64_t offset, bool moves);

  // Where paths led to, and in which state of the tree: programs look at the same few again and again.
  struct Known {
    std::uint64_t generation = 0;
    Outcome<node::Place> place;
  };
  static constexpr std::size_t kKnownCap = 256;
  struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const { return std::hash<std::string_view>()(path); }
  };

  node::Node& node_;
  node::View view_;
  node::Caller caller_;
  std::array<std::unordered_map<std::string, Known, PathHash, std::equal_to<>>, 2> known_;  // by whether a last symlink is followed
  Outcome<node::Place> asked_;                                                              // of find(), where lookups are watched
  std::vector<Descriptor> descriptors_;                                                     // index 0 is descriptor 3
};

}  // namespace entryproof::doors
