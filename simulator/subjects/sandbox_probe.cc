// A static program for the sandbox's tests: it tries what its first argument names and prints what the kernel answered, a line each.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

void report(const char* name, long result) { std::printf("%s %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno)); }

int refusals() {
  report("mount", mount("none", "/tmp", "tmpfs", 0, nullptr));
  report("umount", umount2("/proc", MNT_DETACH));
  report("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  report("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
  report("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, nullptr, 0));
  report("pivot_root", syscall(SYS_pivot_root, ".", "."));
  report("unshare_net", unshare(CLONE_NEWNET));
  report("unshare_user", unshare(CLONE_NEWUSER));
  report("clone_user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  report("clone3", syscall(SYS_clone3, &arguments, sizeof arguments));
  report("setns", syscall(SYS_setns, 0, 0));
  report("ptrace", ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  report("process_vm_readv", syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0));
  report("bpf", syscall(SYS_bpf, 0, nullptr, 0));
  report("perf_event_open", syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0));
  report("userfaultfd", syscall(SYS_userfaultfd, 0));
  report("kexec_load", syscall(SYS_kexec_load, 0, 0, nullptr, 0));
  report("init_module", syscall(SYS_init_module, nullptr, 0, ""));
  report("delete_module", syscall(SYS_delete_module, "x", 0));
  report("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
  report("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
  report("request_key", syscall(SYS_request_key, "user", "x", nullptr, 0));
  report("clock_settime", syscall(SYS_clock_settime, CLOCK_REALTIME, nullptr));
  report("adjtimex", syscall(SYS_adjtimex, nullptr));
  report("reboot", syscall(SYS_reboot, 0, 0, 0, nullptr));
  report("swapon", syscall(SYS_swapon, "/x", 0));
  report("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, nullptr, 0));
  report("io_uring_setup", syscall(SYS_io_uring_setup, 1, nullptr));
  report("vsock", socket(40, SOCK_STREAM, 0));
  report("mknod_device", mknod("/dev/sda", S_IFBLK | 0600, makedev(8, 0)));
  report("chmod_null", chmod("/dev/null", 0600));
  report("sched_setaffinity_of_others", kill(-1, 0));
  return 0;
}

int denials() {
  report("inotify_init", inotify_init());
  report("inotify_init1", inotify_init1(IN_CLOEXEC));
  report("unix", socket(AF_UNIX, SOCK_STREAM, 0));
  report("inet", socket(AF_INET, SOCK_STREAM, 0));
  report("inet6", socket(AF_INET6, SOCK_DGRAM, 0));
  report("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
  return 0;
}

// What lies under the path may not be opened for writing, and how so.
int open_for_writing(int count, char** paths) {
  for (int i = 0; i < count; ++i) {
    struct stat about{};
    const bool directory = stat(paths[i], &about) == 0 && S_ISDIR(about.st_mode);
    const std::string path = directory ? std::string(paths[i]) + "/intruder" : paths[i];
    const int fd = open(path.c_str(), O_WRONLY | (directory ? O_CREAT : 0), 0644);
    report(paths[i], fd);
    if (fd >= 0) close(fd);
  }
  return 0;
}

int hog() {
  for (std::size_t megabytes = 0; megabytes < 4096; ++megabytes) {
    auto* block = static_cast<char*>(mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (block == MAP_FAILED) return 3;
    std::memset(block, 1, 1 << 20);
  }
  return 4;  // got it all: no limit was there
}

[[noreturn]] void bomb() {
  while (true) {
    if (fork() < 0) usleep(1000);
  }
}

// Prints "watching", then one line per event in the directory until `last` has moved in.
int watch(const char* directory, const char* last) {
  const int events = inotify_init1(IN_CLOEXEC);
  if (inotify_add_watch(events, directory, IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE) < 0) return 1;
  std::printf("watching\n");
  std::fflush(stdout);
  alignas(inotify_event) char buffer[4096];
  while (true) {
    const auto got = read(events, buffer, sizeof buffer);
    if (got <= 0) return 2;
    for (const char* at = buffer; at < buffer + got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      const char* kind = (event->mask & IN_CREATE) != 0       ? "create"
                         : (event->mask & IN_MOVED_FROM) != 0 ? "moved-from"
                         : (event->mask & IN_MOVED_TO) != 0   ? "moved-to"
                         : (event->mask & IN_DELETE) != 0     ? "delete"
                                                              : "close-write";
      std::printf("%s %s\n", kind, event->name);
      if ((event->mask & IN_MOVED_TO) != 0 && std::strcmp(event->name, last) == 0) return 0;
      at += sizeof(inotify_event) + event->len;
    }
  }
}

// Two threads that each write files for ever; nothing stops them but a signal.
[[noreturn]] void write_for_ever(const std::string& directory) {
  const auto loop = [&directory](const std::string& name) {
    while (true) {
      const int fd = open((directory + "/" + name).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      if (fd < 0) continue;
      if (write(fd, "x", 1) == 1) fsync(fd);
      close(fd);
      rename((directory + "/" + name).c_str(), (directory + "/" + name + ".done").c_str());
    }
  };
  std::thread(loop, "a").detach();
  while (true) loop("b");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "hello") return std::printf("hello %s\n", argc > 2 ? argv[2] : "") < 0;
  if (what == "refusals") return refusals();
  if (what == "denials") return denials();
  if (what == "write-to") return open_for_writing(argc - 2, argv + 2);
  if (what == "rename") return report("rename", rename(argv[2], argv[3])), 0;
  if (what == "hog") return hog();
  if (what == "bomb") bomb();
  if (what == "watch") return watch(argv[2], argv[3]);
  if (what == "write-for-ever") write_for_ever(argv[2]);
  if (what == "sleep") {
    signal(SIGTERM, argc > 2 ? SIG_IGN : SIG_DFL);
    std::printf("asleep\n");
    std::fflush(stdout);
    while (true) pause();
  }
  if (what == "spin") {
    while (true) getppid();
  }
  if (what == "flood") {
    while (true) std::printf("%01000d\n", 0);
  }
  if (what == "exit") return std::atoi(argv[2]);
  return 99;
}
