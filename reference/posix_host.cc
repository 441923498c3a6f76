#include "reference/posix_host.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <ctime>
#include <memory>

#include "reference/signals.h"
#include "reference/watchdog.h"

namespace reference {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kWatches = 64;

std::unexpected<Errno> last_error() { return std::unexpected(Errno{errno}); }

Outcome<> done(int result) {
  if (result != 0) return last_error();
  return {};
}

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * kNanosecondsPerSecond + time.tv_nsec; }

FileStatus converted(const struct stat& status) {
  return {.mode = status.st_mode,
          .uid = status.st_uid,
          .gid = status.st_gid,
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .mtime_ns = nanoseconds(status.st_mtim),
          .ctime_ns = nanoseconds(status.st_ctim)};
}

struct timespec time_of(clockid_t clock) {
  timespec time{};
  static_cast<void>(clock_gettime(clock, &time));
  return time;
}

// A pipe that polls as writable takes a page without blocking.
void write_line(int descriptor, std::string_view line) {
  std::string text(line.substr(0, PIPE_BUF - 1));
  text += '\n';
  pollfd ready{.fd = descriptor, .events = POLLOUT, .revents = 0};
  if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const auto wrote = ::write(descriptor, text.data(), text.size());
}

}  // namespace

Outcome<Host::Descriptor> PosixHost::open(const std::string& path, int flags, mode_t mode) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (descriptor < 0) return last_error();
  return descriptor;
}

Outcome<> PosixHost::close(Descriptor descriptor) { return done(::close(descriptor)); }

Outcome<std::size_t> PosixHost::read(Descriptor descriptor, char* buffer, std::size_t size) {
  const ssize_t got = ::read(descriptor, buffer, size);
  if (got < 0) return last_error();
  return static_cast<std::size_t>(got);
}

Outcome<std::size_t> PosixHost::write(Descriptor descriptor, std::string_view bytes) {
  const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
  if (wrote < 0) return last_error();
  return static_cast<std::size_t>(wrote);
}

Outcome<> PosixHost::fsync(Descriptor descriptor) { return done(::fsync(descriptor)); }
Outcome<> PosixHost::fchmod(Descriptor descriptor, mode_t mode) { return done(::fchmod(descriptor, mode)); }
Outcome<> PosixHost::fchown(Descriptor descriptor, uid_t uid, gid_t gid) { return done(::fchown(descriptor, uid, gid)); }

Outcome<FileStatus> PosixHost::fstat(Descriptor descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return last_error();
  return converted(status);
}

Outcome<FileStatus> PosixHost::stat(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return last_error();
  return converted(status);
}

Outcome<FileStatus> PosixHost::lstat(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return last_error();
  return converted(status);
}

Outcome<std::string> PosixHost::readlink(const std::string& path) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = ::readlink(path.c_str(), buffer.data(), buffer.size());
  if (size < 0) return last_error();
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

Outcome<std::vector<DirectoryEntry>> PosixHost::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return last_error();
  std::vector<DirectoryEntry> entries;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return last_error();
    if (entry == nullptr) return entries;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") entries.push_back({.name = std::string(name)});
  }
}

Outcome<> PosixHost::mkdir(const std::string& path, mode_t mode) { return done(::mkdir(path.c_str(), mode)); }
Outcome<> PosixHost::rename(const std::string& from, const std::string& to) { return done(::rename(from.c_str(), to.c_str())); }
Outcome<> PosixHost::unlink(const std::string& path) { return done(::unlink(path.c_str())); }
Outcome<> PosixHost::rmdir(const std::string& path) { return done(::rmdir(path.c_str())); }

std::chrono::nanoseconds PosixHost::monotonic() const { return std::chrono::nanoseconds(nanoseconds(time_of(CLOCK_MONOTONIC))); }
std::int64_t PosixHost::wall_seconds() const { return time_of(CLOCK_REALTIME).tv_sec; }

void PosixHost::write_out(std::string_view line) { write_line(STDOUT_FILENO, line); }
void PosixHost::write_error(std::string_view line) { write_line(STDERR_FILENO, line); }
uid_t PosixHost::effective_uid() const { return ::geteuid(); }

std::uint64_t PosixHost::random() {
  std::uint64_t number = 0;
  // Without randomness yet (very early boot) the clock will do: a name that is taken is refused by the kernel and tried again.
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) number = static_cast<std::uint64_t>(monotonic().count());
  return number;
}

bool PosixHost::stop_requested() const {
  watchdog::beat();
  return signals::end_requested();
}

PosixHost::~PosixHost() { close_events(); }

void PosixHost::wait(std::chrono::nanoseconds until, std::chrono::nanoseconds events_from) {
  watchdog::beat();
  if (!poll_until(until, true)) return;
  if (!signals::end_requested()) poll_until(std::min(until, events_from), false);
  drain_events();
}

// True if a descriptor became readable before the time had come.
bool PosixHost::poll_until(std::chrono::nanoseconds until, bool for_events) const {
  while (true) {
    const auto left = std::max(std::chrono::nanoseconds{0}, until - monotonic());
    const timespec time{.tv_sec = left.count() / kNanosecondsPerSecond, .tv_nsec = left.count() % kNanosecondsPerSecond};
    std::array<pollfd, 2> ready{pollfd{.fd = signals::descriptor(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = for_events ? inotify_ : -1, .events = POLLIN, .revents = 0}};
    const int count = ppoll(ready.data(), ready.size(), &time, nullptr);
    if (count < 0 && errno == EINTR && !signals::end_requested()) continue;  // the watchdog looked in
    return count != 0;
  }
}

Outcome<> PosixHost::watch(const std::string& directory) {
  // Directories that were replaced leave a watch behind as long as they exist somewhere else.
  if (watches_.size() >= kWatches) close_events();
  if (inotify_ < 0) inotify_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify_ < 0) return last_error();
  constexpr std::uint32_t kEvents =
      IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  const int watch = inotify_add_watch(inotify_, directory.c_str(), kEvents);
  if (watch < 0) return last_error();
  watches_.insert(watch);
  return {};
}

void PosixHost::close_events() {
  if (inotify_ >= 0) ::close(inotify_);
  inotify_ = -1;
  watches_.clear();
}

// What happened is not looked at: whatever it was, everything is compared anew.
void PosixHost::drain_events() {
  std::array<char, 4096> events;
  while (inotify_ >= 0) {
    const ssize_t got = ::read(inotify_, events.data(), events.size());
    if (got > 0) events_ = true;
    if (got < 0 && errno != EAGAIN && errno != EINTR) close_events();
    if (got < static_cast<ssize_t>(events.size()) / 2) return;
  }
}

Outcome<> PosixHost::mark(Descriptor descriptor, std::int64_t number) {
  struct flock lock{};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = number;
  lock.l_len = 1;
  return done(::fcntl(descriptor, F_OFD_SETLK, &lock));
}

Outcome<bool> PosixHost::marked_above(Descriptor descriptor, std::int64_t number) {
  struct flock lock{};
  lock.l_type = F_WRLCK;  // which is only asked about, and that whoever holds a mark is in the way of
  lock.l_whence = SEEK_SET;
  lock.l_start = number + 1;
  if (::fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return last_error();
  return lock.l_type != F_UNLCK;
}

}  // namespace reference
