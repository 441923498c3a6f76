#include "reference/publish.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "reference/files.h"

namespace reference {
namespace {

constexpr std::string_view kPrefix = ".thin_entrypoint.";
constexpr std::string_view kTemporary = ".tmp";
constexpr std::string_view kDisplaced = ".displaced";
constexpr std::size_t kNameDigits = 16;
constexpr int kNamesTried = 8;
constexpr std::size_t kChunk = 64 * 1024;
constexpr mode_t kPermissions = 07777;
constexpr mode_t kProgramMode = 0755;

// A trouble that lasts: a few tries as they come, then with longer and longer pauses.
using namespace std::chrono_literals;
constexpr int kTriesAtOnce = 3;
constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::chrono::milliseconds kLongestPause{2s};
constexpr std::chrono::milliseconds kLongestPauseOfPrograms{10s};  // they are large

std::chrono::milliseconds pause_after(int failures, std::chrono::milliseconds longest) {
  if (failures < kTriesAtOnce) return 0ms;
  return std::min(longest, kFirstPause * (1 << std::min(failures - kTriesAtOnce, 10)));
}

std::unexpected<Problem> failed(std::string_view operation, const std::string& path, Errno error) {
  return std::unexpected(system_problem(operation, path, error, kExitOutput));
}

std::unexpected<Problem> stopped(const std::string& path) { return refuse(kExitOk, "cannot finish " + path + ": the end was asked for"); }

// A sync that a read-only volume refuses has nothing to do there.
bool harmless(Errno error) { return error == Errno{EROFS} || error == Errno{EINVAL}; }

// Some file systems (a mapped or squashed one, FAT) decide themselves who owns a file, and nobody can do better there.
bool has_no_owners(Errno error) {
  return error == Errno{EPERM} || error == Errno{EINVAL} || error == Errno{ENOSYS} || error == Errno{EOPNOTSUPP};
}

bool is_missing(Errno error) { return error == Errno{ENOENT} || error == Errno{ENOTDIR}; }

bool is_temporary(std::string_view name) {
  if (name.size() != kPrefix.size() + kNameDigits + kTemporary.size()) return false;
  const std::string_view digits = name.substr(kPrefix.size(), kNameDigits);
  return name.starts_with(kPrefix) && name.ends_with(kTemporary) && digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Room for a piece of a file; nobody clears what is to be read into.
class Buffer {
 public:
  // Fills it as far as the file goes; a short read is no end. What is there is valid until the next time.
  Outcome<std::string_view> fill(Host& host, Host::Descriptor descriptor) {
    std::size_t size = 0;
    while (size < kChunk) {
      const auto got = host.read(descriptor, room_.get() + size, kChunk - size);
      if (!got) return std::unexpected(got.error());
      if (*got == 0) break;
      size += *got;
    }
    return std::string_view(room_.get(), size);
  }

 private:
  std::unique_ptr<char[]> room_ = std::make_unique_for_overwrite<char[]>(kChunk);
};

}  // namespace

Result<bool> Publisher::publish(const std::string& path, std::string_view bytes, mode_t mode) {
  tidy();
  FileStatus status;
  if (!doubtful_.contains(path) && is_right(path, bytes, mode, status)) {
    if (auto done = settle(path, status); !done) return std::unexpected(done.error());
    return false;
  }
  const Fill fill = [&](Host::Descriptor descriptor) -> Result<> {
    if (const auto set = host_.fchmod(descriptor, mode); !set) return failed("set the mode of", path, set.error());
    return write_all(descriptor, bytes, path);
  };
  if (auto done = replace(path, {.fill = fill, .check = nullptr, .longest_pause = kLongestPause}); !done)
    return std::unexpected(done.error());
  return true;
}

Result<bool> Publisher::install(const std::string& source, const std::string& path) {
  const auto unreadable = [&](Errno error) {
    return std::unexpected(system_problem("read", source, error, static_cast<int>(error) == ENOENT ? kExitNoInput : kExitBadInput));
  };
  auto file = open_file(host_, source, O_RDONLY | O_NONBLOCK);
  if (!file) return unreadable(file.error());
  const auto before = host_.fstat(file->get());
  if (!before) return unreadable(before.error());
  if (!S_ISREG(before->mode) || before->size == 0) return refuse(kExitBadInput, "cannot install " + source + ": it is no program");
  if (const auto status = host_.lstat(path); status && !doubtful_.contains(path) && is_copy(source, *before, path, *status)) {
    if (auto done = settle(path, *status); !done) return std::unexpected(done.error());
    copies_[path] = {.source = *before, .target = *status};
    return false;
  }

  const Fill fill = [&](Host::Descriptor descriptor) -> Result<> {
    Buffer buffer;
    std::uint64_t total = 0;
    while (true) {
      if (host_.stop_requested()) return stopped(path);
      const auto got = buffer.fill(host_, file->get());
      if (!got) return unreadable(got.error());
      if (got->empty()) break;
      total += got->size();
      if (auto wrote = write_all(descriptor, *got, path); !wrote) return wrote;
    }
    const auto after = host_.fstat(file->get());
    if (!after || !unchanged(*before, *after) || total != before->size)
      return refuse(kExitBadInput, source + " changes while it is copied");
    if (const auto set = host_.fchmod(descriptor, kProgramMode); !set) return failed("set the mode of", path, set.error());
    return {};
  };
  const Check check = [&](const std::string& temporary) -> Result<> {
    if (same_content(source, temporary)) return {};
    return refuse(kExitOutput, "cannot install " + path + ": what was written does not read back as " + source);
  };
  if (auto done = replace(path, {.fill = fill, .check = check, .longest_pause = kLongestPauseOfPrograms}); !done)
    return std::unexpected(done.error());
  if (const auto known = known_.find(path); known != known_.end()) copies_[path] = {.source = *before, .target = known->second};
  return true;
}

Result<bool> Publisher::make_directory(const std::string& directory, mode_t mode, Directory kind) {
  if (const auto status = host_.stat(directory)) {
    if (!S_ISDIR(status->mode)) return failed("make", directory, Errno{ENOTDIR});
    return keep_directory(directory, mode, kind, *status);
  } else if (status.error() != Errno{ENOENT}) {
    return failed("look at", directory, status.error());
  }
  const auto made = host_.mkdir(directory, mode);
  if (!made && made.error() != Errno{EEXIST}) return failed("make", directory, made.error());
  // The umask had its say; ours is the last word. Unless somebody else was faster: then it is his.
  auto opened = open_file(host_, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) return failed("open", directory, opened.error());
  const auto status = host_.fstat(opened->get());
  if (!status) return failed("look at", directory, status.error());
  if ((status->mode & kPermissions) != mode && (made || kind == Directory::kOwn)) {
    if (const auto set = host_.fchmod(opened->get(), mode); !set) return failed("set the mode of", directory, set.error());
    if (auto synced = sync_opened(directory, opened->get()); !synced) return std::unexpected(synced.error());
  }
  if (auto synced = sync_directory(directory_of(directory)); !synced) return std::unexpected(synced.error());
  directories_[directory] = *status;
  return true;
}

// One that is there. Whoever made it may not have lived to sync its entry, and may have let everybody write into it.
Result<bool> Publisher::keep_directory(const std::string& directory, mode_t mode, Directory kind, const FileStatus& status) {
  bool changed = false;
  const bool strange = (status.mode & kPermissions) != mode || status.uid != user_;
  const auto known = directories_.find(directory);
  const bool durable = known != directories_.end() && known->second.inode == status.inode && known->second.device == status.device;
  // Where nobody can change the mode or the owner one try is enough.
  if (kind == Directory::kOwn && strange && !(durable && known->second.ctime_ns == status.ctime_ns)) {
    auto opened = open_file(host_, directory, O_RDONLY | O_DIRECTORY);
    if (!opened) return failed("open", directory, opened.error());
    if (auto owned = own(opened->get(), status, directory); !owned && !harmless(owned.error().error)) return std::unexpected(owned.error());
    const auto set = host_.fchmod(opened->get(), mode);
    if (!set && !has_no_owners(set.error()) && !harmless(set.error())) return failed("set the mode of", directory, set.error());
    if (const auto synced = host_.fsync(opened->get()); !synced && !harmless(synced.error()))
      return failed("sync", directory, synced.error());
    changed = set.has_value();
  }
  if (!durable) {
    // The parent of a volume may be closed to us, and then it is not ours to make durable either.
    const auto synced = sync_directory(directory_of(directory));
    if (!synced && kind == Directory::kOwn && !harmless(synced.error().error)) return std::unexpected(synced.error());
  }
  if (!durable || changed) directories_[directory] = host_.stat(directory).value_or(status);
  return changed;
}

Result<bool> Publisher::remove(const std::string& path) {
  const auto removed = host_.unlink(path);
  if (!removed && is_missing(removed.error())) return false;
  if (!removed) return failed("remove", path, removed.error());
  known_.erase(path);
  if (auto synced = sync_directory(directory_of(path)); !synced) return std::unexpected(synced.error());
  return true;
}

Result<bool> Publisher::remove_directory(const std::string& directory) {
  const auto removed = host_.rmdir(directory);
  const auto kept = [](Errno error) { return is_missing(error) || error == Errno{ENOTEMPTY} || error == Errno{EEXIST}; };
  if (!removed && kept(removed.error())) return false;
  if (!removed) return failed("remove", directory, removed.error());
  directories_.erase(directory);
  if (auto synced = sync_directory(directory_of(directory)); !synced) return std::unexpected(synced.error());
  return true;
}

Result<bool> Publisher::rename(const std::string& from, const std::string& to) {
  const auto renamed = host_.rename(from, to);
  if (!renamed && renamed.error() == Errno{ENOENT}) return false;
  if (!renamed) return failed("rename", from, renamed.error());
  if (auto synced = sync_directory(directory_of(to)); !synced) return std::unexpected(synced.error());
  return true;
}

bool Publisher::sweep(const std::string& directory) {
  const auto entries = host_.list(directory);
  if (!entries) return is_missing(entries.error());
  bool clean = true;
  for (const DirectoryEntry& entry : *entries) {
    if (!is_temporary(entry.name)) continue;
    const std::string file = join(directory, entry.name);
    const auto removed = host_.unlink(file);
    if (removed || removed.error() == Errno{ENOENT}) continue;
    // Whatever cannot be removed now is tried again next turn; it is in nobody's way.
    leftovers_.push_back(file);
    clean = false;
  }
  return clean;
}

std::vector<std::string> Publisher::take_notes() { return std::exchange(notes_, {}); }

void Publisher::tidy() {
  std::erase_if(leftovers_, [&](const std::string& file) {
    const auto removed = host_.unlink(file);
    return removed || removed.error() == Errno{ENOENT};
  });
}

bool Publisher::is_ours(const std::string& path) {
  const auto known = known_.find(path);
  const auto status = host_.lstat(path);
  return known != known_.end() && status && unchanged(known->second, *status);
}

std::string Publisher::moved_to(const std::string& path) {
  const auto known = known_.find(path);
  const auto entries = host_.list(directory_of(path));
  if (known == known_.end() || !entries) return "";
  for (const DirectoryEntry& entry : *entries) {
    if (entry.name == name_of(path)) continue;
    const auto status = host_.lstat(join(directory_of(path), entry.name));
    if (status && status->device == known->second.device && status->inode == known->second.inode) return entry.name;
  }
  return "";
}

bool Publisher::is_right(const std::string& path, std::string_view bytes, mode_t mode, FileStatus& status) {
  const auto found = host_.lstat(path);
  if (!found || !S_ISREG(found->mode) || (found->mode & kPermissions) != mode || found->size != bytes.size()) return false;
  status = *found;
  if (!owned(path, status)) return false;
  const auto content = read_file(host_, path, bytes.size(), O_NOFOLLOW);
  return content && content->bytes == bytes;
}

bool Publisher::is_copy(const std::string& source, const FileStatus& source_status, const std::string& path, const FileStatus& status) {
  if (const auto known = copies_.find(path); known != copies_.end()) {
    if (unchanged(known->second.source, source_status) && unchanged(known->second.target, status)) return true;
  }
  // Any mode that lets the runtime execute it will do: a file provided by the system may be stricter than ours.
  if (!S_ISREG(status.mode) || (status.mode & 0111) == 0 || (status.mode & 0022) != 0 || status.size != source_status.size) return false;
  return same_content(source, path);
}

bool Publisher::same_content(const std::string& left_path, const std::string& right_path) {
  auto left = open_file(host_, left_path, O_RDONLY | O_NONBLOCK);
  auto right = open_file(host_, right_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  Buffer left_buffer;
  Buffer right_buffer;
  while (left && right) {
    const auto one = left_buffer.fill(host_, left->get());
    const auto other = right_buffer.fill(host_, right->get());
    if (!one || !other || *one != *other) return false;
    if (one->empty()) return true;
  }
  return false;
}

// A file of somebody else could be changed by him behind our back. Where the file system decides itself who owns a new file, what we made
// counts as ours, or else it would be made again every turn.
bool Publisher::owned(const std::string& path, const FileStatus& status) const {
  if (status.uid == user_ && (user_ != 0 || status.gid == 0)) return true;
  const auto known = known_.find(path);
  return known != known_.end() && known->second.inode == status.inode && known->second.uid == status.uid && known->second.gid == status.gid;
}

// Bytes that are right may not be durable: the process that wrote them may have been killed just before the sync. A sync that failed may
// have dropped them, and the next one would not say so: then only writing them anew is sure.
Result<> Publisher::settle(const std::string& path, const FileStatus& status) {
  const auto known = known_.find(path);
  if (known != known_.end() && unchanged(known->second, status)) return {};
  auto file = open_file(host_, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return failed("open", path, file.error());
  if (const auto synced = host_.fsync(file->get()); !synced && !harmless(synced.error())) {
    doubtful_.insert(path);
    return failed("sync", path, synced.error());
  }
  if (auto synced = sync_directory(directory_of(path)); !synced && !harmless(synced.error().error)) return synced;
  known_[path] = status;
  return {};
}

Result<> Publisher::replace(const std::string& path, const Work& work) {
  const auto failure = failures_.find(path);
  if (failure != failures_.end() && host_.monotonic() < failure->second.next) return std::unexpected(failure->second.problem);
  if (host_.stop_requested()) return stopped(path);
  auto done = try_to_replace(path, work);
  if (done) {
    failures_.erase(path);
    doubtful_.erase(path);
    return done;
  }
  Failure& failed_again = failures_[path];
  failed_again.next = host_.monotonic() + pause_after(++failed_again.count, work.longest_pause);
  failed_again.problem = done.error();
  return done;
}

Result<> Publisher::try_to_replace(const std::string& path, const Work& work) {
  tidy();
  const std::string directory = directory_of(path);
  // Another instance may sweep our temporary file away while it starts; once more is enough, then it is running.
  for (int attempt = 0;; ++attempt) {
    std::string temporary = hidden_name(directory, kTemporary);
    auto descriptor = host_.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    for (int taken = 0; taken < kNamesTried && !descriptor && descriptor.error() == Errno{EEXIST}; ++taken) {
      temporary = hidden_name(directory, kTemporary);
      descriptor = host_.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    }
    if (!descriptor) return failed("make a temporary file for", path, descriptor.error());
    auto done = fill_and_rename(temporary, path, *descriptor, work);
    if (done) return finish(path, *done);
    const auto removed = host_.unlink(temporary);
    const bool swept = !removed && removed.error() == Errno{ENOENT};
    if (!removed && !swept) leftovers_.push_back(temporary);
    if (!swept || attempt > 0) return std::unexpected(done.error());
  }
}

// Makes the rename durable and remembers what stands there now, if it is still ours.
Result<> Publisher::finish(const std::string& path, const FileStatus& made) {
  known_.erase(path);
  if (auto synced = sync_directory(directory_of(path)); !synced) return synced;
  const auto status = host_.lstat(path);
  if (status && status->device == made.device && status->inode == made.inode) known_[path] = *status;
  return {};
}

// Gives the status of the new file, whose inode tells it from anybody else's.
Result<FileStatus> Publisher::fill_and_rename(const std::string& temporary, const std::string& path, Host::Descriptor descriptor,
                                              const Work& work) {
  Handle file(host_, descriptor);
  const auto made = host_.fstat(file.get());
  if (!made) return failed("look at a temporary file for", path, made.error());
  if (auto owned = own(file.get(), *made, path); !owned) return std::unexpected(owned.error());
  if (auto filled = work.fill(file.get()); !filled) return std::unexpected(filled.error());
  if (host_.stop_requested()) return stopped(path);
  if (const auto synced = host_.fsync(file.get()); !synced) return failed("sync", path, synced.error());
  if (const auto closed = file.close(); !closed) return failed("write", path, closed.error());
  if (work.check) {
    if (auto good = work.check(temporary); !good) return std::unexpected(good.error());
  }
  // The last moment to turn back: what becomes visible now is made durable, too.
  if (host_.stop_requested()) return stopped(path);

  const auto link = host_.readlink(path);
  auto renamed = host_.rename(temporary, path);
  if (!renamed && (renamed.error() == Errno{EISDIR} || renamed.error() == Errno{ENOTEMPTY} || renamed.error() == Errno{EEXIST})) {
    if (auto displaced = displace_directory(path); !displaced) return std::unexpected(displaced.error());
    renamed = host_.rename(temporary, path);
  }
  if (!renamed) return failed("replace", path, renamed.error());
  if (link) notes_.push_back(path + " was a link to " + *link + "; the link was replaced, not what it led to");
  return *made;
}

Result<> Publisher::own(Host::Descriptor descriptor, const FileStatus& status, const std::string& path) {
  const gid_t group = user_ == 0 ? 0 : status.gid;  // root's files are root's also in a directory that hands on its group
  if (status.uid == user_ && status.gid == group) return {};
  const auto set = host_.fchown(descriptor, user_, group);
  if (!set && !has_no_owners(set.error())) return failed("set the owner of", path, set.error());
  return {};
}

// A directory where a file of ours belongs: out of the way with it, but nothing in it is lost.
Result<> Publisher::displace_directory(const std::string& path) {
  const std::string aside = hidden_name(directory_of(path), kDisplaced);
  if (const auto moved = host_.rename(path, aside); !moved)
    return failed("move the directory out of the way that stands at", path, moved.error());
  notes_.push_back(path + " was a directory; it was moved to " + aside);
  return {};
}

Result<> Publisher::sync_directory(const std::string& directory) {
  auto opened = open_file(host_, directory, O_RDONLY | O_DIRECTORY);
  if (!opened) return failed("open", directory, opened.error());
  return sync_opened(directory, opened->get());
}

// Network and shared file systems (9p, CIFS) know no such thing for directories; their names are as safe as they get.
Result<> Publisher::sync_opened(const std::string& directory, Host::Descriptor descriptor) {
  const auto synced = host_.fsync(descriptor);
  const auto unknown = [](Errno error) { return error == Errno{EINVAL} || error == Errno{ENOSYS} || error == Errno{EOPNOTSUPP}; };
  return synced || unknown(synced.error()) ? Result<>{} : failed("sync", directory, synced.error());
}

Result<> Publisher::write_all(Host::Descriptor descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto wrote = host_.write(descriptor, bytes);
    if (!wrote) return failed("write", path, wrote.error());
    if (*wrote == 0) return failed("write", path, Errno{ENOSPC});
    bytes.remove_prefix(*wrote);
  }
  return {};
}

std::string Publisher::hidden_name(const std::string& directory, std::string_view ending) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint64_t number = host_.random();
  std::string name(kPrefix);
  for (std::size_t i = 0; i < kNameDigits; ++i, number >>= 4) name += kHex[number & 15];
  return join(directory, name.append(ending));
}

}  // namespace reference
