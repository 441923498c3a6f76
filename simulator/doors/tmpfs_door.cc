#include "simulator/doors/tmpfs_door.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <vector>

#include "simulator/base/descriptor.h"

namespace entryproof::doors {
namespace {

using node::FileType;
using node::InodeId;

constexpr std::size_t kChunk = 64UL << 10;
const node::Credentials kRootUser{};

timespec to_timespec(std::int64_t ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto rest = ((ns % kSecond) + kSecond) % kSecond;
  return {static_cast<time_t>((ns - rest) / kSecond), static_cast<long>(rest)};
}

std::int64_t to_ns(const timespec& time) { return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

std::unexpected<Error> failed(std::string_view operation, const std::string& path, int error) {
  auto failure = fail_errno(operation, path, error);
  if (error == ENOSPC || error == EFBIG) failure.error().code = ErrorCode::kLimit;
  return failure;
}

using Listing = std::unique_ptr<DIR, int (*)(DIR*)>;

// The names in a directory, without "." and "..", at most `cap`.
std::vector<std::string> names_of(int directory, std::size_t cap) {
  std::vector<std::string> names;
  const int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const Listing listing(again >= 0 ? fdopendir(again) : nullptr, closedir);
  while (listing != nullptr && names.size() < cap) {
    const dirent* entry = readdir(listing.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// --- tree to directory ---

class Writer {
 public:
  Writer(const node::Tree& tree, int root) : tree_(tree), root_(root) {}

  Result<> directory(InodeId inode, int at, const std::string& path) {
    const auto entries = tree_.list(inode);
    if (!entries) return failed("list", path, static_cast<int>(entries.error()));
    for (const auto& entry : *entries) {
      const auto below = (path == "/" ? "" : path) + "/" + entry.name;
      if (auto made = make(entry, at, below); !made) return made;
    }
    return {};
  }

  // Owner, mode and times of what `name` in `at` is; "" = `at` itself.
  Result<> attributes(InodeId inode, int at, const char* name, const std::string& path) {
    const auto wanted = tree_.attributes(inode);
    if (!wanted) return failed("stat", path, static_cast<int>(wanted.error()));
    if (fchownat(at, name, wanted->uid, wanted->gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) return failed("chown", path, errno);
    const bool itself = *name == '\0';
    if (wanted->type != FileType::kSymlink && (itself ? fchmod(at, wanted->mode) : fchmodat(at, name, wanted->mode, 0)) != 0) {
      return failed("chmod", path, errno);
    }
    const std::array<timespec, 2> times = {to_timespec(wanted->atime_ns), to_timespec(wanted->mtime_ns)};
    if ((itself ? futimens(at, times.data()) : utimensat(at, name, times.data(), AT_SYMLINK_NOFOLLOW)) != 0) {
      return failed("set the times of", path, errno);
    }
    return {};
  }

 private:
  Result<> make(const node::Entry& entry, int at, const std::string& path) {
    const char* name = entry.name.c_str();
    if (entry.type != FileType::kDirectory) {
      const auto [first, fresh] = first_names_.try_emplace(entry.inode, path.substr(1));
      if (!fresh) return linkat(root_, first->second.c_str(), at, name, 0) == 0 ? Result<>{} : failed("link", path, errno);
    }
    Result<> made;
    switch (entry.type) {
      case FileType::kDirectory: {
        if (mkdirat(at, name, 0700) != 0) return failed("mkdir", path, errno);
        const Descriptor below(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!below) return failed("open", path, errno);
        made = directory(entry.inode, below.get(), path);
        break;
      }
      case FileType::kSymlink: {
        const auto target = tree_.readlink(entry.inode);
        if (!target || symlinkat(target->c_str(), at, name) != 0)
          return failed("symlink", path, target ? errno : static_cast<int>(target.error()));
        break;
      }
      case FileType::kFile:
        made = content(entry.inode, at, name, path);
        break;
      case FileType::kFifo:
        if (mkfifoat(at, name, 0600) != 0) return failed("mkfifo", path, errno);
        break;
      case FileType::kSocket:
        if (mknodat(at, name, S_IFSOCK | 0600, 0) != 0) return failed("mknod", path, errno);
        break;
    }
    return made ? attributes(entry.inode, at, name, path) : made;
  }

  Result<> content(InodeId inode, int at, const char* name, const std::string& path) const {
    const Descriptor file(openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return failed("create", path, errno);
    const auto size = tree_.attributes(inode)->size;
    if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) return failed("truncate", path, errno);
    for (std::uint64_t offset = 0; offset < size; offset += kChunk) {
      const auto bytes = tree_.read(inode, offset, kChunk);
      if (!bytes) return failed("read", path, static_cast<int>(bytes.error()));
      if (std::ranges::all_of(*bytes, [](char byte) { return byte == 0; })) continue;  // stays a hole
      if (pwrite(file.get(), bytes->data(), bytes->size(), static_cast<off_t>(offset)) != static_cast<ssize_t>(bytes->size())) {
        return failed("write", path, errno);
      }
    }
    return {};
  }

  const node::Tree& tree_;
  int root_;
  std::map<InodeId, std::string> first_names_;  // paths below the root, for hard links
};

// --- directory to tree ---

class Reader {
 public:
  // `known`: the numbers of what the last snapshot held; `next`: the first that nothing has had.
  Reader(const TmpfsDoor::Limits& limits, const std::map<ino_t, InodeId>& known, InodeId next)
      : limits_(limits), known_(known), next_(next), tree_(node::Tree::Limits{limits.bytes, limits.inodes, limits.bytes}) {}

  std::map<ino_t, InodeId> numbers() && { return std::move(seen_); }
  InodeId next_number() const { return next_; }

  Result<node::Tree> read(int root) {
    if (auto done = directory(root, node::kRoot, "", 0); !done) return std::unexpected(done.error());
    struct stat about{};
    if (fstat(root, &about) != 0) return failed("stat", "/", errno);
    if (auto done = attributes(node::kRoot, about, "/"); !done) return std::unexpected(done.error());
    tree_.number_next(next_);
    return std::move(tree_);
  }

 private:
  // What vanishes between two looks was not there.
  Result<> directory(int at, InodeId into, const std::string& path, unsigned depth) {
    if (depth > limits_.depth)
      return fail(ErrorCode::kLimit, "directories nested more than " + std::to_string(limits_.depth) + " deep", path);
    const auto names = names_of(at, limits_.inodes + 1);
    for (const auto& name : names) {
      if (++entries_ > limits_.inodes) return fail(ErrorCode::kLimit, "more than " + std::to_string(limits_.inodes) + " names", path);
      if (auto done = entry(at, name, into, path + "/" + name, depth); !done) return done;
    }
    return {};
  }

  Result<> entry(int at, const std::string& name, InodeId into, const std::string& path, unsigned depth) {
    struct stat about{};
    if (fstatat(at, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? Result<>{} : failed("stat", path, errno);
    if (!S_ISDIR(about.st_mode) && about.st_nlink > 1) {
      if (const auto known = seen_.find(about.st_ino); known != seen_.end() && tree_.attributes(known->second)) {
        const auto linked = tree_.link(kRootUser, known->second, into, name, to_ns(about.st_mtim));
        return linked ? Result<>{} : failed("link", path, static_cast<int>(linked.error()));
      }
    }
    tree_.number_next(number_for(about.st_ino));
    auto made = object(at, name, into, about, path, depth);
    if (!made) return std::unexpected(made.error());
    if (*made == 0) return {};
    return attributes(*made, about, path);
  }

  // An object that is moved while we look may be met twice: the second time it is another one.
  InodeId number_for(ino_t inode) {
    const auto [seen, first] = seen_.try_emplace(inode, 0);
    if (!first) return next_++;
    const auto known = known_.find(inode);
    return seen->second = known == known_.end() ? next_++ : known->second;
  }

  // The new inode, 0 for what is no part of a node (a device cannot be made in a sandbox) or has vanished.
  Result<InodeId> object(int at, const std::string& name, InodeId into, const struct stat& about, const std::string& path, unsigned depth) {
    const auto now = to_ns(about.st_mtim);
    const auto checked = [&path](const node::Outcome<InodeId>& outcome) -> Result<InodeId> {
      if (!outcome) return failed("make", path, static_cast<int>(outcome.error()));
      return *outcome;
    };
    if (S_ISDIR(about.st_mode)) {
      auto made = checked(tree_.mkdir(kRootUser, into, name, 0755, now));
      const Descriptor below(openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!made || !below) return made;
      if (auto done = directory(below.get(), *made, path, depth + 1); !done) return std::unexpected(done.error());
      return made;
    }
    if (S_ISLNK(about.st_mode)) {
      std::string target(4096, '\0');
      const auto size = readlinkat(at, name.c_str(), target.data(), target.size());
      if (size < 0) return InodeId{0};
      target.resize(static_cast<std::size_t>(size));
      return checked(tree_.symlink(kRootUser, into, name, target, now));
    }
    if (S_ISREG(about.st_mode)) return file(at, name, into, path, now);
    if (S_ISFIFO(about.st_mode)) return checked(tree_.mknod(kRootUser, into, name, FileType::kFifo, 0644, now));
    if (S_ISSOCK(about.st_mode)) return checked(tree_.mknod(kRootUser, into, name, FileType::kSocket, 0644, now));
    return InodeId{0};
  }

  Result<InodeId> file(int at, const std::string& name, InodeId into, const std::string& path, std::int64_t now) {
    // O_NONBLOCK: should it be a FIFO by now, opening must not wait.
    const Descriptor file(openat(at, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat about{};
    if (!file || fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return InodeId{0};
    const auto made = tree_.create(kRootUser, into, name, 0644, now);
    if (!made) return failed("make", path, static_cast<int>(made.error()));
    node::AttributeChange size;
    size.size = static_cast<std::uint64_t>(about.st_size);
    if (const auto sized = tree_.set_attributes(kRootUser, *made, size, now); !sized)
      return failed("resize", path, static_cast<int>(sized.error()));
    for (off_t data = 0; (data = lseek(file.get(), data, SEEK_DATA)) >= 0 && data < about.st_size;) {
      const off_t hole = std::min(lseek(file.get(), data, SEEK_HOLE), about.st_size);
      if (auto copied = copy(file.get(), *made, data, hole, path, now); !copied) return std::unexpected(copied.error());
      data = hole;
    }
    return *made;
  }

  Result<> copy(int file, InodeId into, off_t from, off_t to, const std::string& path, std::int64_t now) {
    std::vector<char> chunk(kChunk);
    while (from < to) {
      const auto got = pread(file, chunk.data(), std::min(kChunk, static_cast<std::size_t>(to - from)), from);
      if (got <= 0) return got == 0 ? Result<>{} : failed("read", path, errno);
      const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
      const auto written = tree_.write(into, static_cast<std::uint64_t>(from), bytes, now);
      if (!written || *written < bytes.size())
        return failed("read a snapshot with", path, written ? ENOSPC : static_cast<int>(written.error()));
      from += got;
    }
    return {};
  }

  Result<> attributes(InodeId inode, const struct stat& about, const std::string& path) {
    node::AttributeChange change;
    change.uid = about.st_uid;
    change.gid = about.st_gid;
    if (!S_ISLNK(about.st_mode)) change.mode = about.st_mode & 07777;
    change.atime_ns = to_ns(about.st_atim);
    change.mtime_ns = to_ns(about.st_mtim);
    const auto changed = tree_.set_attributes(kRootUser, inode, change, to_ns(about.st_ctim));
    return changed ? Result<>{} : failed("set the attributes of", path, static_cast<int>(changed.error()));
  }

  TmpfsDoor::Limits limits_;
  const std::map<ino_t, InodeId>& known_;
  std::map<ino_t, InodeId> seen_;
  InodeId next_;
  node::Tree tree_;
  std::uint64_t entries_ = 0;
};

// Removes everything below; nothing of a sandbox's runs when a node is populated.
Result<> empty(int directory, const std::string& path) {
  for (const auto& name : names_of(directory, SIZE_MAX)) {
    if (unlinkat(directory, name.c_str(), 0) == 0) continue;
    const Descriptor below(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below) return failed("remove", path + "/" + name, errno);
    if (auto emptied = empty(below.get(), path + "/" + name); !emptied) return emptied;
    if (unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0) return failed("rmdir", path + "/" + name, errno);
  }
  return {};
}

Result<Descriptor> open_root(const std::string& mount_point) {
  Descriptor root(open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("open", mount_point, errno);
  return root;
}

}  // namespace

Result<std::unique_ptr<TmpfsDoor>> TmpfsDoor::mount(const std::string& mount_point, Limits limits) {
  const auto options = "mode=0755,size=" + std::to_string(limits.bytes) + ",nr_inodes=" + std::to_string(limits.inodes);
  if (::mount("entryproof", mount_point.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    auto failure = fail_errno("mount a tmpfs at", mount_point, errno);
    failure.error().code = ErrorCode::kUnavailable;
    return failure;
  }
  return std::unique_ptr<TmpfsDoor>(new TmpfsDoor(mount_point, limits));
}

TmpfsDoor::~TmpfsDoor() {
  umount2(mount_point_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  ::rmdir(mount_point_.c_str());
}

Result<> write_tree(const node::Tree& tree, const std::string& directory) {
  auto root = open_root(directory);
  if (!root) return std::unexpected(root.error());
  Writer writer(tree, root->get());
  if (auto written = writer.directory(node::kRoot, root->get(), "/"); !written) return written;
  return writer.attributes(node::kRoot, root->get(), "", "/");
}

Result<> TmpfsDoor::populate(const node::Tree& tree) {
  auto root = open_root(mount_point_);
  if (!root) return std::unexpected(root.error());
  if (auto emptied = empty(root->get(), ""); !emptied) return emptied;
  return write_tree(tree, mount_point_);
}

Result<node::Tree> TmpfsDoor::snapshot() {
  auto root = open_root(mount_point_);
  if (!root) return std::unexpected(root.error());
  Reader reader(limits_, numbers_, next_number_);
  auto tree = reader.read(root->get());
  if (!tree) return tree;
  next_number_ = reader.next_number();
  numbers_ = std::move(reader).numbers();
  return tree;
}

}  // namespace entryproof::doors
