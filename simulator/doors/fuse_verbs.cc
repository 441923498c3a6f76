#include "simulator/doors/fuse_verbs.h"

#define FUSE_USE_VERSION 314
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

namespace entryproof::doors {
namespace {

using node::FileType;
using node::InodeId;
using node::Outcome;

constexpr std::size_t kMostCopied = 1UL << 20;  // by one copy_file_range request
constexpr std::uint64_t kBlock = 4096;

mode_t format_of(FileType type) {
  switch (type) {
    case FileType::kFile:
      return S_IFREG;
    case FileType::kDirectory:
      return S_IFDIR;
    case FileType::kSymlink:
      return S_IFLNK;
    case FileType::kFifo:
      return S_IFIFO;
    case FileType::kSocket:
      return S_IFSOCK;
  }
  return S_IFREG;
}

timespec to_timespec(std::int64_t ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto rest = ((ns % kSecond) + kSecond) % kSecond;
  return {static_cast<time_t>((ns - rest) / kSecond), static_cast<long>(rest)};
}

std::int64_t to_ns(const timespec& time) { return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

struct stat to_stat(const node::Attributes& attributes) {
  struct stat about{};
  about.st_ino = attributes.inode;
  about.st_mode = format_of(attributes.type) | attributes.mode;
  about.st_nlink = attributes.links;
  about.st_uid = attributes.uid;
  about.st_gid = attributes.gid;
  about.st_size = static_cast<off_t>(attributes.size);
  about.st_blksize = static_cast<blksize_t>(kBlock);
  about.st_blocks = static_cast<blkcnt_t>((attributes.size + 511) / 512);
  about.st_atim = to_timespec(attributes.atime_ns);
  about.st_mtim = to_timespec(attributes.mtime_ns);
  about.st_ctim = to_timespec(attributes.ctime_ns);
  return about;
}

enum class Effect : std::uint8_t { kReads, kMutates };

// One request being answered, under the mutex from its first look at the node to its reply.
class Turn {
 public:
  Turn(fuse_req_t request, Effect effect)
      : request_(request), verbs_(*static_cast<FuseVerbs*>(fuse_req_userdata(request))), lock_(verbs_.mutex), effect_(effect) {
    const fuse_ctx& context = *fuse_req_ctx(request);
    if (verbs_.world_pid == 0 || context.pid != verbs_.world_pid) {
      caller_.actor = verbs_.actor;
      caller_.session = verbs_.session;
      if (!verbs_.others.empty()) look_for_another(context.pid);
    }
    caller_.credentials = {context.uid, context.gid, context.uid == 0};
    caller_.umask = context.umask;
  }
  ~Turn() {
    if (effect_ == Effect::kReads) return;
    verbs_.last_mutation_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
    ++verbs_.mutations;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  FuseVerbs& verbs() { return verbs_; }
  node::Node& node() { return verbs_.node; }
  const node::Caller& caller() const { return caller_; }
  // For what is done through a descriptor: permission was asked at open(2).
  node::Caller opener() const {
    auto caller = caller_;
    caller.credentials.privileged = true;
    return caller;
  }

  // Several programs live at once: whose is this request? A task that cannot be asked any more is taken for the newest program's.
  void look_for_another(pid_t task) {
    const ino_t space = FuseVerbs::pid_namespace_of(task);
    for (const auto& other : verbs_.others) {
      if (space == 0 || other.pid_namespace != space) continue;
      caller_.actor = other.actor;
      caller_.session = other.session;
    }
  }

  void error(int number) { fuse_reply_err(request_, number); }
  template <class T>
  void error(const Outcome<T>& outcome) {
    error(static_cast<int>(outcome.error()));
  }
  template <class T>
  void done(const Outcome<T>& outcome) {
    error(outcome ? 0 : static_cast<int>(outcome.error()));
  }

  // A name that the kernel will remember until it says forget.
  void entry(InodeId inode) {
    fuse_entry_param reply{};
    if (!describe(inode, reply)) return;
    hold(inode);
    if (fuse_reply_entry(request_, &reply) == -ENOENT) drop(inode, 1);
  }
  // The same, and opened: the Node's create() has pinned it once already.
  void created(InodeId inode, fuse_file_info* file) {
    fuse_entry_param reply{};
    if (!describe(inode, reply)) return;
    ++verbs_.held[inode];
    hold(inode);
    file->direct_io = verbs_.direct_io;
    if (fuse_reply_create(request_, &reply, file) == -ENOENT) drop(inode, 2);
  }
  // Opened: the Node's open() has pinned it.
  void opened(InodeId inode, fuse_file_info* file) {
    ++verbs_.held[inode];
    if (fuse_reply_open(request_, file) == -ENOENT) drop(inode, 1);
  }
  void attributes(InodeId inode) {
    const auto now = node().tree().attributes(inode);
    if (!now) return error(now);
    const auto about = to_stat(*now);
    fuse_reply_attr(request_, &about, 0);
  }

  void hold(InodeId inode) {
    node().pin(inode);
    ++verbs_.held[inode];
  }
  void drop(InodeId inode, std::uint64_t count) {
    const auto found = verbs_.held.find(inode);
    if (found == verbs_.held.end()) return;
    const auto dropped = std::min(count, found->second);
    if ((found->second -= dropped) == 0) verbs_.held.erase(found);
    node().unpin(inode, dropped);
  }

 private:
  bool describe(InodeId inode, fuse_entry_param& reply) {
    const auto now = node().tree().attributes(inode);
    if (!now) {
      error(now);
      return false;
    }
    reply.ino = inode;
    reply.generation = 1;
    reply.attr = to_stat(*now);
    return true;
  }

  fuse_req_t request_;
  FuseVerbs& verbs_;
  std::lock_guard<std::mutex> lock_;
  Effect effect_;
  node::Caller caller_;
};

// --- looking ---

void init(void*, fuse_conn_info* connection) {
  // Requests are small and answered from memory: a pipe in between only costs.
  const unsigned unwanted =
      FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_READDIRPLUS;
  connection->want &= ~unwanted;
  connection->time_gran = 1;
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Turn turn(request, Effect::kReads);
  const auto found = turn.node().lookup(turn.caller(), parent, name);
  found ? turn.entry(*found) : turn.error(found);
}

void forget(fuse_req_t request, fuse_ino_t inode, std::uint64_t count) {
  Turn(request, Effect::kReads).drop(inode, count);
  fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  {
    Turn turn(request, Effect::kReads);
    for (std::size_t i = 0; i < count; ++i) turn.drop(forgets[i].ino, forgets[i].nlookup);
  }
  fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  Turn turn(request, Effect::kReads);
  const auto got = turn.node().get_attributes(turn.caller(), inode);
  if (!got) return turn.error(got);
  const auto about = to_stat(*got);
  fuse_reply_attr(request, &about, 0);
}

void readlink(fuse_req_t request, fuse_ino_t inode) {
  Turn turn(request, Effect::kReads);
  const auto target = turn.node().readlink(turn.caller(), inode);
  if (!target) return turn.error(target);
  fuse_reply_readlink(request, target->c_str());
}

void access(fuse_req_t request, fuse_ino_t inode, int mask) {
  Turn turn(request, Effect::kReads);
  turn.done(turn.node().access(turn.caller(), inode, mask));
}

void statfs(fuse_req_t request, fuse_ino_t) {
  Turn turn(request, Effect::kReads);
  const auto& tree = turn.node().tree();
  const auto& limits = tree.limits();
  struct statvfs about{};
  about.f_bsize = kBlock;
  about.f_frsize = kBlock;
  about.f_blocks = limits.bytes / kBlock;
  about.f_bfree = (limits.bytes - std::min(limits.bytes, tree.bytes_used())) / kBlock;
  about.f_bavail = about.f_bfree;
  about.f_files = limits.inodes;
  about.f_ffree = limits.inodes - std::min(limits.inodes, tree.inodes_used());
  about.f_favail = about.f_ffree;
  about.f_namemax = 255;
  fuse_reply_statfs(request, &about);
}

void read(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info*) {
  Turn turn(request, Effect::kReads);
  const auto bytes = turn.node().read(turn.caller(), inode, static_cast<std::uint64_t>(offset), size);
  if (!bytes) return turn.error(bytes);
  fuse_reply_buf(request, bytes->data(), bytes->size());
}

void opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  Turn turn(request, Effect::kReads);
  const auto opened = turn.node().open(turn.caller(), inode, O_RDONLY | O_DIRECTORY);
  if (!opened) return turn.error(opened);
  file->fh = ++turn.verbs().last_listing;
  turn.opened(inode, file);
}

void readdir(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* file) {
  Turn turn(request, Effect::kReads);
  auto& listing = turn.verbs().listings[file->fh];
  if (offset == 0) {  // also after rewinddir(3); what is added while one reads on is not seen, as POSIX allows
    auto entries = turn.node().read_directory(turn.caller(), inode);
    if (!entries) return turn.error(entries);
    listing = std::move(*entries);
    listing.insert(listing.begin(), {node::Entry{".", inode, FileType::kDirectory}, node::Entry{"..", inode, FileType::kDirectory}});
  }
  std::vector<char> buffer(size);
  std::size_t used = 0;
  for (auto at = static_cast<std::size_t>(offset); at < listing.size(); ++at) {
    struct stat about{};
    about.st_ino = listing[at].inode;
    about.st_mode = format_of(listing[at].type);
    const auto needed =
        fuse_add_direntry(request, buffer.data() + used, size - used, listing[at].name.c_str(), &about, static_cast<off_t>(at + 1));
    if (needed > size - used) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void releasedir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  Turn turn(request, Effect::kReads);
  turn.verbs().listings.erase(file->fh);
  turn.drop(inode, 1);
  turn.error(0);
}

// --- files ---

void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  Turn turn(request, (file->flags & O_TRUNC) != 0 ? Effect::kMutates : Effect::kReads);
  const auto opened = turn.node().open(turn.caller(), inode, file->flags);
  if (!opened) return turn.error(opened);
  // A kernel that gets an error while it reads ahead asks a second time: who makes reads fail must see them one by one.
  const bool exact = turn.node().watches(node::Verb::kRead) && (file->flags & O_ACCMODE) == O_RDONLY;
  file->direct_io = turn.verbs().direct_io || exact;
  turn.opened(inode, file);
}

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file) {
  Turn turn(request, Effect::kMutates);
  const auto made = turn.node().create(turn.caller(), parent, name, mode & 07777, file->flags);
  made ? turn.created(*made, file) : turn.error(made);
}

void write(fuse_req_t request, fuse_ino_t inode, const char* bytes, std::size_t size, off_t offset, fuse_file_info* file) {
  Turn turn(request, Effect::kMutates);
  // A page written back for a mapping has a place of its own, whatever descriptor the kernel names.
  const bool append = (file->flags & O_APPEND) != 0 && !file->writepage;
  const auto written = turn.node().write(turn.caller(), inode, static_cast<std::uint64_t>(offset), {bytes, size}, append);
  if (!written) return turn.error(written);
  fuse_reply_write(request, *written);
}

void flush(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  Turn turn(request, Effect::kReads);
  turn.done(turn.node().close(turn.caller(), inode));
}

void release(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  Turn turn(request, Effect::kReads);
  turn.drop(inode, 1);
  turn.error(0);
}

void fsync(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info*) {
  Turn turn(request, Effect::kMutates);
  turn.done(turn.node().fsync(turn.caller(), inode, data_only != 0));
}

void fsyncdir(fuse_req_t request, fuse_ino_t inode, int, fuse_file_info*) {
  Turn turn(request, Effect::kMutates);
  turn.done(turn.node().fsync_directory(turn.caller(), inode));
}

void fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length, fuse_file_info*) {
  Turn turn(request, Effect::kMutates);
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) return turn.error(EOPNOTSUPP);
  turn.done(turn.node().allocate(turn.caller(), inode, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length), mode != 0));
}

void copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset, fuse_file_info*, fuse_ino_t to, off_t to_offset,
                     fuse_file_info*, std::size_t length, int) {
  Turn turn(request, Effect::kMutates);
  const auto bytes = turn.node().read(turn.caller(), from, static_cast<std::uint64_t>(from_offset), std::min(length, kMostCopied));
  if (!bytes) return turn.error(bytes);
  if (bytes->empty()) {
    fuse_reply_write(request, 0);
    return;
  }
  const auto written = turn.node().write(turn.caller(), to, static_cast<std::uint64_t>(to_offset), *bytes);
  if (!written) return turn.error(written);
  fuse_reply_write(request, *written);
}

void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which, fuse_file_info* file) {
  Turn turn(request, Effect::kMutates);
  node::AttributeChange change;
  if ((which & FUSE_SET_ATTR_MODE) != 0) change.mode = wanted->st_mode & 07777;
  if ((which & FUSE_SET_ATTR_UID) != 0) change.uid = wanted->st_uid;
  if ((which & FUSE_SET_ATTR_GID) != 0) change.gid = wanted->st_gid;
  if ((which & FUSE_SET_ATTR_SIZE) != 0) change.size = static_cast<std::uint64_t>(wanted->st_size);
  if ((which & FUSE_SET_ATTR_ATIME) != 0) change.atime_ns = to_ns(wanted->st_atim);
  if ((which & FUSE_SET_ATTR_MTIME) != 0) change.mtime_ns = to_ns(wanted->st_mtim);
  if ((which & FUSE_SET_ATTR_ATIME_NOW) != 0) change.atime_ns = turn.verbs().clock.wall_ns();
  if ((which & FUSE_SET_ATTR_MTIME_NOW) != 0) change.mtime_ns = turn.verbs().clock.wall_ns();
  const bool through_descriptor = file != nullptr && change.size;
  const auto changed = turn.node().set_attributes(through_descriptor ? turn.opener() : turn.caller(), inode, change);
  changed ? turn.attributes(inode) : turn.error(changed);
}

// --- names ---

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  Turn turn(request, Effect::kMutates);
  const auto made = turn.node().mkdir(turn.caller(), parent, name, mode & 07777);
  made ? turn.entry(*made) : turn.error(made);
}

void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t) {
  Turn turn(request, Effect::kMutates);
  FileType type = FileType::kFile;
  if (S_ISFIFO(mode)) {
    type = FileType::kFifo;
  } else if (S_ISSOCK(mode)) {
    type = FileType::kSocket;
  } else if (!S_ISREG(mode) && (mode & S_IFMT) != 0) {
    return turn.error(EPERM);  // a device
  }
  const auto made = turn.node().mknod(turn.caller(), parent, name, type, mode & 07777);
  made ? turn.entry(*made) : turn.error(made);
}

void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  Turn turn(request, Effect::kMutates);
  const auto made = turn.node().symlink(turn.caller(), parent, name, target);
  made ? turn.entry(*made) : turn.error(made);
}

void link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char* name) {
  Turn turn(request, Effect::kMutates);
  const auto made = turn.node().link(turn.caller(), inode, parent, name);
  made ? turn.entry(inode) : turn.error(made);
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Turn turn(request, Effect::kMutates);
  turn.done(turn.node().unlink(turn.caller(), parent, name));
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Turn turn(request, Effect::kMutates);
  turn.done(turn.node().rmdir(turn.caller(), parent, name));
}

void rename(fuse_req_t request, fuse_ino_t from, const char* name, fuse_ino_t to, const char* new_name, unsigned flags) {
  Turn turn(request, Effect::kMutates);
  node::RenameFlag flag = node::RenameFlag::kNone;
  if (flags == RENAME_NOREPLACE) {
    flag = node::RenameFlag::kNoReplace;
  } else if (flags == RENAME_EXCHANGE) {
    flag = node::RenameFlag::kExchange;
  } else if (flags != 0) {
    return turn.error(EINVAL);
  }
  turn.done(turn.node().rename(turn.caller(), from, name, to, new_name, flag));
}

fuse_lowlevel_ops make_operations(bool asks_at_close) {
  // What is missing is answered with ENOSYS once and then by the kernel: flush unless somebody wants it (close(2) succeeds), extended
  // attributes (ENOTSUP), locks (kept by the kernel), ioctl, lseek's holes.
  fuse_lowlevel_ops operations{};
  operations.init = init;
  operations.lookup = lookup;
  operations.forget = forget;
  operations.forget_multi = forget_multi;
  operations.getattr = getattr;
  operations.setattr = setattr;
  operations.readlink = readlink;
  operations.mknod = mknod;
  operations.mkdir = mkdir;
  operations.unlink = unlink;
  operations.rmdir = rmdir;
  operations.symlink = symlink;
  operations.rename = rename;
  operations.link = link;
  operations.open = open;
  operations.read = read;
  operations.write = write;
  if (asks_at_close) operations.flush = flush;
  operations.release = release;
  operations.fsync = fsync;
  operations.opendir = opendir;
  operations.readdir = readdir;
  operations.releasedir = releasedir;
  operations.fsyncdir = fsyncdir;
  operations.statfs = statfs;
  operations.access = access;
  operations.create = create;
  operations.fallocate = fallocate;
  operations.copy_file_range = copy_file_range;
  return operations;
}

}  // namespace

const fuse_lowlevel_ops& FuseVerbs::operations(bool asks_at_close) {
  static const fuse_lowlevel_ops kUsual = make_operations(false);
  static const fuse_lowlevel_ops kWithClose = make_operations(true);
  return asks_at_close ? kWithClose : kUsual;
}

ino_t FuseVerbs::pid_namespace_of(pid_t task) {
  struct stat about{};
  return stat(("/proc/" + std::to_string(task) + "/ns/pid").c_str(), &about) == 0 ? about.st_ino : 0;
}

void FuseVerbs::let_go() {
  const std::lock_guard lock(mutex);
  for (const auto& [inode, count] : held) node.unpin(inode, count);
  held.clear();
  listings.clear();
}

}  // namespace entryproof::doors
