#include "simulator/subjects/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "simulator/base/descriptor.h"

namespace entryproof::subjects {
namespace {

constexpr std::array kDevices = {"null", "zero", "full", "random", "urandom"};
// What of /proc is hidden, and what may only be read: the container runtimes' list.
constexpr std::array kHidden = {"kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "acpi", "scsi", "asound"};
constexpr std::array kReadOnly = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
constexpr std::array kEmptyDirectories = {"/home", "/mnt", "/opt", "/root", "/run", "/srv", "/sys", "/tmp", "/var"};

struct EtcFile {
  const char* path;
  const char* text;
};
constexpr std::array kEtc = {
    EtcFile{"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
    EtcFile{"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
    EtcFile{"/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
    EtcFile{"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
    EtcFile{"/etc/resolv.conf", ""},
};

constexpr std::uint64_t kNoTrust = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

// Opens a path as if `root` were "/"; no symlink leads out.
Descriptor open_in(int root, const std::string& path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int attempt = 0; attempt < 64; ++attempt) {  // EAGAIN: something was renamed on the way
    fd = syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return Descriptor(static_cast<int>(fd));
}

Result<Descriptor> source_of(const Bind& volume) {
  const Descriptor root(open(volume.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("open", volume.root, errno);
  auto source = open_in(root.get(), volume.below, O_PATH);
  if (!source) return fail_errno("open the volume of " + volume.inside + ",", volume.below, errno);
  return source;
}

std::uint64_t attributes_of(const Bind& volume) { return kNoTrust | (volume.read_only ? MOUNT_ATTR_RDONLY : 0U); }

// What `source` (O_PATH) shows, with all that is mounted below it, as a mount that is nowhere yet. Flags already there stay.
Result<Descriptor> detached(const Descriptor& source, const std::string& name, std::uint64_t attributes) {
  Descriptor tree(open_tree(source.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE));
  if (!tree) return fail_errno("open_tree", name, errno);
  mount_attr change{};
  change.attr_set = attributes;
  change.propagation = MS_PRIVATE;
  if (mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) != 0)
    return fail_errno("mount_setattr", name, errno);
  return tree;
}

class Root {
 public:
  explicit Root(const std::string& at) : at_(at) {}

  Result<> create() {
    if (mount("root", at_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=16m,nr_inodes=4k") != 0) {
      return fail_errno("mount a tmpfs at", at_, errno);
    }
    root_.reset(open(at_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root_) return fail_errno("open", at_, errno);
    struct stat about{};
    if (fstat(root_.get(), &about) != 0) return fail_errno("stat", at_, errno);
    device_ = about.st_dev;
    return {};
  }

  Result<> directory(const std::string& path) {
    auto made = target(path, true);
    return made ? Result<>{} : std::unexpected(made.error());
  }

  Result<> file(const std::string& path, std::string_view text) {
    if (auto made = target(path, false); !made) return std::unexpected(made.error());
    const auto file = open_in(root_.get(), path, O_WRONLY);
    if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return fail_errno("write", path, errno);
    return {};
  }

  Result<> link(const std::string& text, const std::string& path) {
    if (symlinkat(text.c_str(), root_.get(), path.c_str() + 1) != 0) return fail_errno("symlink", path, errno);
    return {};
  }

  Result<> bind(const Descriptor& source, const std::string& name, const std::string& inside, std::uint64_t attributes) {
    const auto tree = detached(source, name, attributes);
    if (!tree) return std::unexpected(tree.error());
    struct stat about{};
    if (fstat(source.get(), &about) != 0) return fail_errno("stat", name, errno);
    auto place = target(inside, S_ISDIR(about.st_mode));
    if (!place) return std::unexpected(place.error());
    if (move_mount(tree->get(), "", place->get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
      return fail_errno("mount " + name + " at", inside, errno);
    }
    return {};
  }

  Result<> bind_machine(const std::string& outside, const std::string& inside, std::uint64_t attributes = kNoTrust | MOUNT_ATTR_RDONLY) {
    const Descriptor source(open(outside.c_str(), O_PATH | O_CLOEXEC));
    if (!source) return fail_errno("open", outside, errno);
    return bind(source, outside, inside, attributes);
  }

  Result<> bind_volume(const Bind& volume) {
    const auto source = source_of(volume);
    return source ? bind(*source, volume.below, volume.inside, attributes_of(volume)) : std::unexpected(source.error());
  }

  // Makes this the root of the process and lets the old one go.
  Result<> enter() {
    mount_attr change{};
    change.attr_set = MOUNT_ATTR_RDONLY;
    const Descriptor mounted(open(at_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!mounted) return fail_errno("open", at_, errno);
    if (mount_setattr(mounted.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0) return fail_errno("make read-only", at_, errno);
    if (fchdir(mounted.get()) != 0) return fail_errno("chdir", at_, errno);
    if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("pivot_root", at_, errno);
    if (umount2(".", MNT_DETACH) != 0) return fail_errno("umount", "the old root", errno);
    if (chdir("/") != 0) return fail_errno("chdir", "/", errno);
    return {};
  }

  // O_PATH of `path` in the root, made (with its parents) if it lies on our own tmpfs. Elsewhere it is a volume's, and must be there.
  Result<Descriptor> target(const std::string& path, bool is_directory) {
    if (auto there = open_in(root_.get(), path, O_PATH)) return there;
    if (errno != ENOENT) return fail_errno("open the mount point", path, errno);
    Descriptor parent = open_in(root_.get(), "/", O_PATH | O_DIRECTORY);
    for (std::size_t begin = path.find_first_not_of('/'); begin != std::string::npos;) {
      const auto end = path.find('/', begin);
      const auto next = end == std::string::npos ? end : path.find_first_not_of('/', end);
      const auto so_far = path.substr(0, end);
      const auto name = path.substr(begin, end == std::string::npos ? end : end - begin);
      auto step = open_in(root_.get(), so_far, O_PATH);
      if (!step && errno == ENOENT) {
        if (auto made = make(parent.get(), name, so_far, is_directory || next != std::string::npos); !made)
          return std::unexpected(made.error());
        step = open_in(root_.get(), so_far, O_PATH);
      }
      if (!step) return fail_errno("open the mount point", so_far, errno);
      parent = std::move(step);
      begin = next;
    }
    return parent;
  }

 private:
  Result<> make(int parent, const std::string& name, const std::string& path, bool is_directory) {
    struct stat about{};
    if (fstat(parent, &about) != 0) return fail_errno("stat the parent of", path, errno);
    if (about.st_dev != device_) {
      return fail(ErrorCode::kIo, "mount point " + path + ": not there, and it lies in a volume; make it in the node's tree first");
    }
    if (is_directory) return mkdirat(parent, name.c_str(), 0755) == 0 ? Result<>{} : fail_errno("mkdir", path, errno);
    const Descriptor file(openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    return file ? Result<>{} : fail_errno("create", path, errno);
  }

  std::string at_;
  Descriptor root_;
  dev_t device_ = 0;
};

// The children of /usr one by one, so that /usr itself, and /usr/src, are the sandbox's own.
Result<> bind_usr(Root& root) {
  const std::unique_ptr<DIR, int (*)(DIR*)> usr(opendir("/usr"), closedir);
  if (usr == nullptr) return fail_errno("open", "/usr", errno);
  while (const dirent* entry = readdir(usr.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || name == "src" || (entry->d_type != DT_DIR && entry->d_type != DT_LNK)) continue;
    const auto path = "/usr/" + std::string(name);
    if (entry->d_type == DT_LNK) {
      std::array<char, 4096> text{};
      if (readlink(path.c_str(), text.data(), text.size() - 1) < 0) return fail_errno("readlink", path, errno);
      if (auto linked = root.link(text.data(), path); !linked) return linked;
    } else if (auto bound = root.bind_machine(path, path); !bound) {
      return bound;
    }
  }
  return {};
}

// /bin, /lib and the like: symlinks into /usr where they are on this machine, directories where not.
Result<> bind_aliases(Root& root) {
  for (const std::string path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::array<char, 4096> text{};
    struct stat about{};
    if (lstat(path.c_str(), &about) != 0) continue;
    if (!S_ISLNK(about.st_mode)) {
      if (auto bound = root.bind_machine(path, path); !bound) return bound;
    } else if (readlink(path.c_str(), text.data(), text.size() - 1) > 0) {
      if (auto linked = root.link(text.data(), path); !linked) return linked;
    }
  }
  return {};
}

Result<> fill_etc(Root& root, const SandboxSpec& spec) {
  if (auto made = root.directory("/etc"); !made) return made;
  for (const auto& file : kEtc) {
    if (auto made = root.file(file.path, file.text); !made) return made;
  }
  if (auto made = root.file("/etc/hostname", spec.hostname + "\n"); !made) return made;
  for (const std::string path : {"/etc/alternatives", "/etc/ld.so.cache"}) {
    if (access(path.c_str(), F_OK) != 0) continue;
    if (auto bound = root.bind_machine(path, path); !bound) return bound;
  }
  return {};
}

Result<> fill_dev(Root& root) {
  if (auto made = root.directory("/dev/shm"); !made) return made;
  for (const std::string name : kDevices) {
    // The one place where devices work; read-only, so that a sandboxed root cannot change the mode of the machine's node.
    if (auto bound = root.bind_machine("/dev/" + name, "/dev/" + name, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY); !bound)
      return bound;
  }
  const std::array<std::array<const char*, 2>, 4> links = {{{"/proc/self/fd", "/dev/fd"},
                                                            {"/proc/self/fd/0", "/dev/stdin"},
                                                            {"/proc/self/fd/1", "/dev/stdout"},
                                                            {"/proc/self/fd/2", "/dev/stderr"}}};
  for (const auto& [text, path] : links) {
    if (auto linked = root.link(text, path); !linked) return linked;
  }
  return {};
}

Result<> fill_proc(Root& root, const std::string& at, PidMax pid_max) {
  if (auto made = root.directory("/proc"); !made) return made;
  if (mount("proc", (at + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return fail_errno("mount", "/proc of a sandbox", errno);
  }
  if (pid_max != 0) {
    const auto path = at + "/proc/sys/kernel/pid_max";
    const auto text = std::to_string(pid_max);
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || write(file.get(), text.data(), text.size()) < 0) return fail_errno("write " + text + " to", path, errno);
  }
  for (const std::string name : kHidden) {
    struct stat about{};
    const auto path = "/proc/" + name;
    if (lstat((at + path).c_str(), &about) != 0) continue;
    const bool is_directory = S_ISDIR(about.st_mode);
    if (auto hidden = root.bind_machine(at + (is_directory ? "/sys" : "/dev/null"), path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID); !hidden)
      return hidden;
  }
  for (const std::string name : kReadOnly) {
    const auto path = "/proc/" + name;
    if (access((at + path).c_str(), F_OK) != 0) continue;
    if (auto bound = root.bind_machine(at + path, path, kNoTrust | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY); !bound) return bound;
  }
  return {};
}

}  // namespace

Result<> mount_over(const Bind& bind, int pidfd) {
  const auto source = source_of(bind);
  if (!source) return std::unexpected(source.error());
  const auto tree = detached(*source, bind.below, attributes_of(bind));
  if (!tree) return std::unexpected(tree.error());
  if (setns(pidfd, CLONE_NEWNS) != 0) return fail_errno("setns", "a sandbox's mounts", errno);
  if (move_mount(tree->get(), "", AT_FDCWD, bind.inside.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return fail_errno("mount " + bind.below + " at", bind.inside, errno);
  }
  return {};
}

Result<> build_root(const SandboxSpec& spec, const std::string& at, PidMax pid_max) {
  Root root(at);
  if (auto created = root.create(); !created) return created;
  for (const std::string path : kEmptyDirectories) {
    if (auto made = root.directory(path); !made) return made;
  }
  if (auto made = root.directory("/usr/src"); !made) return made;
  if (auto bound = bind_usr(root); !bound) return bound;
  if (auto bound = bind_aliases(root); !bound) return bound;
  if (auto filled = fill_etc(root, spec); !filled) return filled;
  if (auto filled = fill_dev(root); !filled) return filled;
  if (auto filled = fill_proc(root, at, pid_max); !filled) return filled;
  for (const auto& neighbour : spec.neighbours) {
    if (auto bound = root.bind_machine(neighbour.outside, neighbour.inside); !bound) return bound;
  }
  for (const auto& volume : spec.binds) {
    if (auto bound = root.bind_volume(volume); !bound) return bound;
  }
  if (!spec.executable.outside.empty()) {
    if (auto bound = root.bind_machine(spec.executable.outside, spec.executable.inside); !bound) return bound;
  }
  return root.enter();
}

}  // namespace entryproof::subjects
