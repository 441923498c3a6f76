#include "simulator/doors/posix_targets.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>

#include "simulator/base/clock.h"

namespace entryproof::doors {
namespace {

using node::Attributes;
using node::FileType;
using node::Outcome;
using node::refuse;

constexpr mode_t kUmask = 022;

Outcome<> checked(int answer) {
  if (answer < 0) return refuse(errno);
  return {};
}

Outcome<std::size_t> counted(ssize_t answer) {
  if (answer < 0) return refuse(errno);
  return static_cast<std::size_t>(answer);
}

Attributes from(const struct stat& st) {
  Attributes is;
  is.inode = st.st_ino;
  is.type = S_ISDIR(st.st_mode)    ? FileType::kDirectory
            : S_ISLNK(st.st_mode)  ? FileType::kSymlink
            : S_ISFIFO(st.st_mode) ? FileType::kFifo
            : S_ISSOCK(st.st_mode) ? FileType::kSocket
                                   : FileType::kFile;
  is.mode = st.st_mode & 07777;
  is.uid = st.st_uid;
  is.gid = st.st_gid;
  is.links = static_cast<std::uint32_t>(st.st_nlink);
  is.size = static_cast<std::uint64_t>(st.st_size);
  return is;
}

std::vector<std::string> names(const std::vector<node::Entry>& entries) {
  std::vector<std::string> found;
  for (const node::Entry& entry : entries) found.push_back(entry.name);
  return found;
}

}  // namespace

Outcome<std::vector<std::string>> MemoryTarget::list(const std::string& path) {
  const auto entries = process_.list(path);
  if (!entries) return std::unexpected(entries.error());
  return names(*entries);
}

Outcome<int> SystemTarget::open(const std::string& path, int flags, mode_t mode) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (descriptor < 0) return refuse(errno);
  return descriptor;
}

Outcome<> SystemTarget::close(int descriptor) { return checked(::close(descriptor)); }

Outcome<std::size_t> SystemTarget::write(int descriptor, std::string_view bytes) {
  return counted(::write(descriptor, bytes.data(), bytes.size()));
}

Outcome<std::size_t> SystemTarget::pwrite(int descriptor, std::string_view bytes, std::uint64_t offset) {
  return counted(::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
}

Outcome<std::string> SystemTarget::read(int descriptor, std::size_t size) {
  std::string bytes(size, '\0');
  const Outcome<std::size_t> count = counted(::read(descriptor, bytes.data(), size));
  if (!count) return std::unexpected(count.error());
  bytes.resize(*count);
  return bytes;
}

Outcome<std::string> SystemTarget::pread(int descriptor, std::size_t size, std::uint64_t offset) {
  std::string bytes(size, '\0');
  const Outcome<std::size_t> count = counted(::pread(descriptor, bytes.data(), size, static_cast<off_t>(offset)));
  if (!count) return std::unexpected(count.error());
  bytes.resize(*count);
  return bytes;
}

Outcome<> SystemTarget::fsync(int descriptor) { return checked(::fsync(descriptor)); }
Outcome<> SystemTarget::fchmod(int descriptor, mode_t mode) { return checked(::fchmod(descriptor, mode)); }
Outcome<> SystemTarget::ftruncate(int descriptor, std::uint64_t size) { return checked(::ftruncate(descriptor, static_cast<off_t>(size))); }

Outcome<Attributes> SystemTarget::fstat(int descriptor) {
  struct stat st{};
  if (::fstat(descriptor, &st) < 0) return refuse(errno);
  return from(st);
}

Outcome<Attributes> SystemTarget::stat(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) < 0) return refuse(errno);
  return from(st);
}

Outcome<Attributes> SystemTarget::lstat(const std::string& path) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) < 0) return refuse(errno);
  return from(st);
}

Outcome<> SystemTarget::access(const std::string& path, int mask) { return checked(::faccessat(AT_FDCWD, path.c_str(), mask, AT_EACCESS)); }

Outcome<std::string> SystemTarget::readlink(const std::string& path) {
  std::string target(4096, '\0');
  const Outcome<std::size_t> length = counted(::readlink(path.c_str(), target.data(), target.size()));
  if (!length) return std::unexpected(length.error());
  target.resize(*length);
  return target;
}

Outcome<std::vector<std::string>> SystemTarget::list(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return refuse(errno);
  std::vector<std::string> found;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") found.push_back(name);
  }
  ::closedir(directory);
  std::ranges::sort(found);
  return found;
}

Outcome<> SystemTarget::mkdir(const std::string& path, mode_t mode) { return checked(::mkdir(path.c_str(), mode)); }
Outcome<> SystemTarget::rmdir(const std::string& path) { return checked(::rmdir(path.c_str())); }
Outcome<> SystemTarget::unlink(const std::string& path) { return checked(::unlink(path.c_str())); }
Outcome<> SystemTarget::symlink(const std::string& target, const std::string& path) {
  return checked(::symlink(target.c_str(), path.c_str()));
}
Outcome<> SystemTarget::link(const std::string& path, const std::string& new_path) {
  return checked(::link(path.c_str(), new_path.c_str()));
}
Outcome<> SystemTarget::rename(const std::string& path, const std::string& new_path, unsigned flags) {
  return checked(::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, new_path.c_str(), flags));
}
Outcome<> SystemTarget::chmod(const std::string& path, mode_t mode) { return checked(::chmod(path.c_str(), mode)); }
Outcome<> SystemTarget::truncate(const std::string& path, std::uint64_t size) {
  return checked(::truncate(path.c_str(), static_cast<off_t>(size)));
}

Played play_in_memory(std::span<const node::PosixCall> calls, const node::Credentials& who) {
  const VirtualClock clock;
  node::Tree image;
  node::AttributeChange given;
  given.uid = who.uid;
  given.gid = who.gid;
  [[maybe_unused]] const Outcome<> done = image.set_attributes({}, node::kRoot, given, 0);  // the privileged may
  node::Node node(std::move(image), clock);
  Played played;
  {
    MemoryProcess process(node, node::View(), node::Caller{node::Actor::kBuild, who, kUmask, 1});
    MemoryTarget target(process);
    played.answers = node::play(target, calls);
  }
  MemoryProcess process(node, node::View(), node::Caller{});
  MemoryTarget target(process);
  played.inventory = node::inventory(target);
  return played;
}

namespace {

// What a child with this root and these credentials says, line by line.
Result<std::vector<std::string>> in_child(const std::string& root, const node::Credentials& who,
                                          const std::function<std::vector<std::string>()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe", root, errno);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("fork", root, errno);
  if (child == 0) {
    ::umask(kUmask);
    const bool ready = ::chroot(root.c_str()) == 0 && ::chdir("/") == 0 &&
                       (who.privileged || (::setgroups(0, nullptr) == 0 && ::setresgid(who.gid, who.gid, who.gid) == 0 &&
                                           ::setresuid(who.uid, who.uid, who.uid) == 0));
    if (!ready) ::_exit(1);
    for (const std::string& line : work()) {
      if (::dprintf(ends[1], "%s\n", line.c_str()) < 0) ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) return fail(ErrorCode::kUnavailable, "a child could not change its root; run as root (CAP_SYS_CHROOT)", root);
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

}  // namespace

Result<Played> play_in_directory(const std::string& directory, std::span<const node::PosixCall> calls, const node::Credentials& who) {
  if (::chown(directory.c_str(), who.uid, who.gid) < 0) return fail_errno("chown", directory, errno);
  if (::chmod(directory.c_str(), 0755) < 0) return fail_errno("chmod", directory, errno);
  SystemTarget target;
  Result<std::vector<std::string>> answers = in_child(directory, who, [&] { return node::play(target, calls); });
  if (!answers) return std::unexpected(answers.error());
  Result<std::vector<std::string>> left = in_child(directory, {}, [&] { return node::inventory(target); });
  if (!left) return std::unexpected(left.error());
  return Played{std::move(*answers), std::move(*left)};
}

}  // namespace entryproof::doors
