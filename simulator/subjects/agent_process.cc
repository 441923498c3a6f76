#include "simulator/subjects/agent_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/subjects/helper.h"

namespace entryproof::subjects {
namespace {

constexpr unsigned kMostDepth = 256;  // of directories that are removed

// Each function gives 0 or an error number.
struct Opened {
  Descriptor file;
  int error = 0;
};

Opened open_below(int root, const std::string& path, std::uint64_t flags, mode_t mode = 0) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int attempt = 0; attempt < 1000; ++attempt) {  // EAGAIN: the build renames something on the way
    fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return {Descriptor(static_cast<int>(fd)), fd < 0 ? errno : 0};
}

// The directory in which the path's last name lies, and that name.
struct Spot {
  Descriptor directory;
  std::string name;
  int error = 0;
};

Spot spot_of(int root, std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto slash = path.rfind('/');
  const auto directory = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
  const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return {Descriptor(), name, EINVAL};
  auto opened = open_below(root, directory, O_PATH | O_DIRECTORY);
  return {std::move(opened.file), name, opened.error};
}

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

int own(int file, const Change& change) {
  if (!change.uid && !change.gid) return 0;
  return fchown(file, change.uid.value_or(static_cast<uid_t>(-1)), change.gid.value_or(static_cast<gid_t>(-1))) == 0 ? 0 : errno;
}

int write_file(int root, const std::string& path, const Change& change, bool sync) {
  // O_NONBLOCK: a FIFO that a hostile build put there must not hold us.
  const auto opened = open_below(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK, change.mode.value_or(0644));
  if (opened.error != 0) return opened.error;
  const int file = opened.file.get();
  if (const int error = write_all(file, change.content); error != 0) return error;
  if (const int error = own(file, change); error != 0) return error;
  if (change.mode && fchmod(file, *change.mode) != 0) return errno;
  if (sync && fsync(file) != 0) return errno;
  return 0;
}

int rename_below(int root, const std::string& from, const std::string& to) {
  const auto old_spot = spot_of(root, from);
  if (old_spot.error != 0) return old_spot.error;
  const auto new_spot = spot_of(root, to);
  if (new_spot.error != 0) return new_spot.error;
  return renameat(old_spot.directory.get(), old_spot.name.c_str(), new_spot.directory.get(), new_spot.name.c_str()) == 0 ? 0 : errno;
}

int replace_file(int root, const Change& change) {
  auto temporary = change.other;
  if (temporary.empty()) {
    const auto slash = change.path.rfind('/');
    const auto at = slash == std::string::npos ? 0 : slash + 1;
    temporary = change.path.substr(0, at) + "." + change.path.substr(at) + ".new";
  }
  if (const int error = write_file(root, temporary, change, true); error != 0) return error;
  return rename_below(root, temporary, change.path);
}

int remove_entry(int directory, const std::string& name, unsigned depth) {
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (depth == 0) return ELOOP;
  const int opened = openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) return errno == ENOENT ? 0 : errno;
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(fdopendir(opened), closedir);
  if (handle == nullptr) return errno;
  std::vector<std::string> names;
  while (const dirent* entry = readdir(handle.get())) {
    const std::string child = entry->d_name;
    if (child != "." && child != "..") names.push_back(child);
  }
  for (const auto& child : names) {
    if (const int error = remove_entry(dirfd(handle.get()), child, depth - 1); error != 0) return error;
  }
  return unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

int remove_below(int root, const std::string& path) {
  const auto spot = spot_of(root, path);
  if (spot.error == ENOENT || spot.error == ENOTDIR) return 0;
  return spot.error != 0 ? spot.error : remove_entry(spot.directory.get(), spot.name, kMostDepth);
}

int make_directories(int root, const Change& change) {
  for (std::size_t end = 0; end != std::string::npos;) {
    const auto begin = change.path.find_first_not_of('/', end);
    if (begin == std::string::npos) break;
    end = change.path.find('/', begin);
    const auto so_far = change.path.substr(0, end);
    const bool last = end == std::string::npos || change.path.find_first_not_of('/', end) == std::string::npos;
    const auto spot = spot_of(root, so_far);
    if (spot.error != 0) return spot.error;
    const mode_t mode = last ? change.mode.value_or(0755) : 0755;
    if (mkdirat(spot.directory.get(), spot.name.c_str(), mode) != 0 && errno != EEXIST) return errno;
  }
  const auto made = open_below(root, change.path, O_RDONLY | O_DIRECTORY);
  if (made.error != 0) return made.error;
  if (change.mode) {
    // An existing one may have another mode, and a set-group-id parent adds a bit of its own.
    struct stat about{};
    if (fstat(made.file.get(), &about) != 0) return errno;
    if ((about.st_mode & 07777) != *change.mode && fchmod(made.file.get(), *change.mode) != 0) return errno;
  }
  return own(made.file.get(), change);
}

int make_link(int root, const Change& change) {
  const auto old_spot = spot_of(root, change.path);
  if (old_spot.error != 0) return old_spot.error;
  const auto new_spot = spot_of(root, change.other);
  if (new_spot.error != 0) return new_spot.error;
  return linkat(old_spot.directory.get(), old_spot.name.c_str(), new_spot.directory.get(), new_spot.name.c_str(), 0) == 0 ? 0 : errno;
}

int make_named(int root, const Change& change) {
  const auto spot = spot_of(root, change.path);
  if (spot.error != 0) return spot.error;
  const int directory = spot.directory.get();
  const char* name = spot.name.c_str();
  const bool is_link = change.kind == Change::Kind::kSymlink;
  if ((is_link ? symlinkat(change.other.c_str(), directory, name) : mkfifoat(directory, name, change.mode.value_or(0644))) != 0)
    return errno;
  if (!change.uid && !change.gid) return 0;
  const auto uid = change.uid.value_or(static_cast<uid_t>(-1));
  const auto gid = change.gid.value_or(static_cast<gid_t>(-1));
  return fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

int set_attributes(int root, const Change& change) {
  const auto opened = open_below(root, change.path, O_PATH);
  if (opened.error != 0) return opened.error;
  if (change.uid || change.gid) {
    const auto uid = change.uid.value_or(static_cast<uid_t>(-1));
    const auto gid = change.gid.value_or(static_cast<gid_t>(-1));
    if (fchownat(opened.file.get(), "", uid, gid, AT_EMPTY_PATH) != 0) return errno;
  }
  if (change.mode && chmod(("/proc/self/fd/" + std::to_string(opened.file.get())).c_str(), *change.mode) != 0) return errno;
  return 0;
}

int sync_path(int root, const Change& change) {
  const auto opened = open_below(root, change.path, O_RDONLY | O_NONBLOCK);
  if (opened.error != 0) return opened.error;
  return fsync(opened.file.get()) == 0 ? 0 : errno;
}

int perform(int root, const Change& change) {
  switch (change.kind) {
    case Change::Kind::kWrite:
      return write_file(root, change.path, change, false);
    case Change::Kind::kReplace:
      return replace_file(root, change);
    case Change::Kind::kRemove:
      return remove_below(root, change.path);
    case Change::Kind::kRename:
      return rename_below(root, change.path, change.other);
    case Change::Kind::kMkdir:
      return make_directories(root, change);
    case Change::Kind::kSymlink:
    case Change::Kind::kFifo:
      return make_named(root, change);
    case Change::Kind::kLink:
      return make_link(root, change);
    case Change::Kind::kAttributes:
      return set_attributes(root, change);
    case Change::Kind::kSync:
      return sync_path(root, change);
  }
  return EINVAL;
}

Change unpack_change(Unpack& words) {
  const auto optional = [&words]<class T>(std::optional<T>& into) {
    if (words.number() != 0) into = words.number_as<T>();
  };
  Change change;
  change.kind = words.number_as<Change::Kind>();
  change.path = words.text();
  change.content = words.text();
  change.other = words.text();
  optional(change.mode);
  optional(change.uid);
  optional(change.gid);
  return change;
}

Result<> apply_batch(const std::string& bytes) {
  Unpack words(bytes);
  const auto mount_point = words.text();
  const Descriptor root(open(mount_point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("open", mount_point, errno);
  for (auto count = words.number(); count > 0 && words.ok(); --count) {
    if (auto applied = apply_change(root.get(), unpack_change(words)); !applied) return applied;
  }
  return words.ok() ? Result<>{} : fail(ErrorCode::kInternal, "a batch of changes was cut short");
}

[[noreturn]] void serve(const Channel& channel) {
  umask(0);
  while (true) {
    auto message = channel.receive();
    if (!message || !*message) _exit(0);
    auto applied = apply_batch((*message)->bytes);
    Pack answer;
    answer.number(applied ? 1 : 0);
    if (!applied) answer.number(static_cast<std::uint64_t>(applied.error().code)).text(applied.error().message);
    if (!channel.send(answer.bytes())) _exit(0);
  }
}

}  // namespace

Result<> apply_change(int root, const Change& change) {
  const int error = perform(root, change);
  if (error == 0) return {};
  const bool two = change.kind == Change::Kind::kRename || change.kind == Change::Kind::kLink;
  return fail_errno(to_string(change.kind), change.path + (two ? " -> " + change.other : ""), error);
}

Result<pid_t> fork_agent(Channel channel) {
  const pid_t harness = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail_errno("fork", "the agent", errno);
  if (pid > 0) return pid;
  // EOF tells, too, but only between two requests; this ends it in the midst of one.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != harness) _exit(0);
  become_helper("ep-agent", channel.fd());
  static_cast<void>(channel.release());
  serve(Channel(Descriptor(3)));
}

}  // namespace entryproof::subjects
