#include "simulator/subjects/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace entryproof::subjects {
namespace {

std::unexpected<Error> unavailable(std::string_view operation, std::string_view path, int error, std::string_view advice) {
  auto failure = fail_errno(operation, path, error);
  failure.error().code = ErrorCode::kUnavailable;
  failure.error().message += "; " + std::string(advice);
  return failure;
}

Result<> write_map(const std::string& path, const std::string& text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), text.data(), text.size()) < 0) {
    return unavailable("write", path, errno, "user namespaces are restricted here; run as root");
  }
  return {};
}

// A mount namespace that shares nothing with the machine's; as another user than root, with a user namespace in which we are root.
Result<> enter_namespaces() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (uid == 0) {
    if (unshare(CLONE_NEWNS) != 0)
      return unavailable("unshare", "a mount namespace", errno, "root without CAP_SYS_ADMIN? Run privileged, or as a user");
  } else {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      return unavailable("unshare", "a user namespace", errno,
                         "allow them (kernel.unprivileged_userns_clone, user.max_user_namespaces), or run as root");
    }
    if (auto written = write_map("/proc/self/setgroups", "deny"); !written) return written;
    if (auto written = write_map("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1"); !written) return written;
    if (auto written = write_map("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1"); !written) return written;
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return unavailable("make private", "/", errno, "run privileged, or as a user");
  return {};
}

bool is_empty(const char* path) {
  DIR* directory = opendir(path);
  if (directory == nullptr) return false;
  unsigned entries = 0;
  while (readdir(directory) != nullptr && entries <= 2) ++entries;
  closedir(directory);
  return entries <= 2;
}

// A tmpfs over a directory that is there on every machine and empty on this one: what it covers, in our namespace only, is nothing.
Result<std::string> mount_work_directory() {
  for (const char* place :
       {"/media", "/srv", "/mnt", "/opt", "/var/opt", "/var/local", "/usr/games", "/sys/kernel/debug", "/sys/fs/fuse/connections"}) {
    if (!is_empty(place)) continue;
    if (mount("entryproof", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
      return unavailable("mount a tmpfs at", place, errno, "run privileged, or as a user");
    return place;
  }
  return fail(ErrorCode::kUnavailable, "no empty directory to work in, neither /media nor /srv nor /mnt nor /opt; make one of them empty");
}

// A sandbox takes three descriptors, a world two more.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<std::unique_ptr<Harness>> Harness::enter(const Options& options) {
  raise_descriptor_limit();
  if (auto entered = enter_namespaces(); !entered) return std::unexpected(entered.error());
  auto work_directory = mount_work_directory();
  if (!work_directory) return std::unexpected(work_directory.error());
  std::unique_ptr<Harness> harness(new Harness);
  harness->work_directory_ = *work_directory;
  auto launcher = Launcher::start(*work_directory, options.use_cgroups);
  if (!launcher) return std::unexpected(launcher.error());
  harness->launcher_ = std::move(*launcher);
  auto agent = Agent::start();
  if (!agent) return std::unexpected(agent.error());
  harness->agent_ = std::move(*agent);
  harness->launcher_->begin();
  return harness;
}

// The helpers first: they live in the directory. Lazily, for what a dying sandbox still holds; the place is empty again for the next
// harness.
Harness::~Harness() {
  agent_.reset();
  launcher_.reset();
  umount2(work_directory_.c_str(), MNT_DETACH);
}

Result<std::string> Harness::make_directory(const std::string& label) {
  const auto path = work_directory_ + "/" + label + "-" + std::to_string(++directories_);
  if (mkdir(path.c_str(), 0755) != 0) return fail_errno("mkdir", path, errno);
  return path;
}

}  // namespace entryproof::subjects
