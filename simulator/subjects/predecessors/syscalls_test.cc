// Facts about the system calls of a start: temporary names, O_EXCL and O_TRUNC, what is synced, renamed, unlinked, and in which order.
//
// The test is a small tracer: it stops the program at each system call that touches a file and writes down a word or two about it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdint>
#include <map>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

using testing::ElementsAreArray;

// One start, traced until it says that it is over. Only names below /host count, and digits at the end of a name are shown as #.
class Tracer {
 public:
  explicit Tracer(pid_t pid) : pid_(pid) {}
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  ~Tracer() { ::close(memory_); }

  std::vector<std::string> run(const std::function<bool()>& over) {
    int status = 0;
    ::waitpid(pid_, &status, 0);  // at exec
    memory_ = ::open(("/proc/" + std::to_string(pid_) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (!over() && ::ptrace(PTRACE_SYSCALL, pid_, nullptr, nullptr) == 0 && ::waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status)) {
      if (WSTOPSIG(status) == (SIGTRAP | 0x80)) look();
    }
    return calls_;
  }

 private:
  void look() {
    __ptrace_syscall_info info = {};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, reinterpret_cast<void*>(sizeof info), &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      entry_ = info;
      if (entry_.entry.nr == SYS_execve) entry_.entry.nr = ~0ULL;
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
      note(entry_.entry.nr, entry_.entry.args, info.exit.rval);
    }
  }

  void note(std::uint64_t number, const std::uint64_t* args, std::int64_t result) {
    const std::string failed = result == -EXDEV ? " EXDEV" : result < 0 ? " failed" : "";
    if (number == SYS_openat) {
      const std::string file = name(args[1]);
      if (file.empty()) return;
      if (result >= 0) open_[static_cast<std::uint64_t>(result)] = file;
      if ((args[2] & (O_CREAT | O_TRUNC)) == 0) return;
      add("open " + file + ((args[2] & O_CREAT) != 0 ? " CREAT" : "") + ((args[2] & O_EXCL) != 0 ? " EXCL" : "") +
          ((args[2] & O_TRUNC) != 0 ? " TRUNC" : "") + failed);
    } else if (number == SYS_fsync || number == SYS_fdatasync) {
      add("fsync " + (open_.contains(args[0]) ? open_[args[0]] : "?"));
    } else if (number == SYS_renameat || number == SYS_renameat2) {
      add_pair("rename", args[1], args[3], failed);
    } else if (number == SYS_unlinkat) {
      add_one("unlink", args[1], failed);
    } else if (number == SYS_mkdirat) {
      add_one("mkdir", args[1], failed);
    } else if (number == SYS_fchmodat) {
      add_one("chmod", args[1], failed);
    } else if (number == SYS_write && open_.contains(args[0])) {
      add("write " + open_[args[0]], true);
#ifdef SYS_rename  // the names that older machines have beside
    } else if (number == SYS_rename) {
      add_pair("rename", args[0], args[1], failed);
    } else if (number == SYS_unlink) {
      add_one("unlink", args[0], failed);
    } else if (number == SYS_mkdir) {
      add_one("mkdir", args[0], failed);
    } else if (number == SYS_chmod) {
      add_one("chmod", args[0], failed);
#endif
    }
    if (number == SYS_close) open_.erase(args[0]);
  }

  void add(const std::string& call, bool repeats = false) {
    if (!repeats || calls_.empty() || calls_.back() != call) calls_.push_back(call);
  }

  void add_one(const std::string& verb, std::uint64_t path, const std::string& failed) {
    if (const std::string file = name(path); !file.empty()) add(verb + " " + file + failed);
  }

  void add_pair(const std::string& verb, std::uint64_t from, std::uint64_t to, const std::string& failed) {
    const std::string source = name(from);
    if (const std::string target = name(to); !target.empty()) add(verb + " " + (source.empty() ? "/tmp" : source) + " " + target + failed);
  }

  // The last part of a path of the node in the program's memory; empty if it is not one.
  std::string name(std::uint64_t address) {
    std::array<char, PATH_MAX> bytes = {};
    if (::pread(memory_, bytes.data(), bytes.size() - 1, static_cast<off_t>(address)) <= 0) return {};
    std::string path = bytes.data();
    if (!path.starts_with("/host/")) return {};
    path.erase(0, path.rfind('/') + 1);
    const std::size_t digits = path.find_last_not_of("0123456789") + 1;
    if (digits < path.size()) path.replace(digits, path.npos, "#");
    return path;
  }

  pid_t pid_;
  int memory_ = -1;
  __ptrace_syscall_info entry_ = {};
  std::map<std::uint64_t, std::string> open_;
  std::vector<std::string> calls_;
};

std::vector<std::string> trace(const Pod& pod, Start start, const std::string& last_line) {
  start.traced = true;
  const auto process = pod.start(start);
  return Tracer(process->pid()).run([&] { return process->out().find(last_line) != std::string::npos; });
}

using Calls = std::vector<std::string>;

Calls operator+(Calls left, const Calls& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Calls kThinBinary = {"open _multus# CREAT EXCL", "write _multus#", "fsync _multus#", "chmod _multus#", "rename _multus# multus"};
const Calls kThinKubeconfig = {"open multus.kubeconfig.new CREAT TRUNC", "write multus.kubeconfig.new", "fsync multus.kubeconfig.new",
                               "rename multus.kubeconfig.new multus.kubeconfig"};
const Calls kThinConf = {"open 00-multus.conf.new CREAT", "write 00-multus.conf.new", "fsync 00-multus.conf.new",
                         "rename 00-multus.conf.new 00-multus.conf"};
const Calls kThinManual = {"open 70-multus.conf.temp# CREAT EXCL", "write 70-multus.conf.temp#", "fsync 70-multus.conf.temp#",
                           "chmod 70-multus.conf.temp#", "rename 70-multus.conf.temp# 70-multus.conf"};
const Calls kShellBinary = {"open _multus TRUNC failed", "open _multus CREAT EXCL", "write _multus", "rename _multus multus"};
const Calls kShellConf = {"rename /tmp 00-multus.conf EXDEV", "unlink 00-multus.conf", "open 00-multus.conf CREAT EXCL",
                          "write 00-multus.conf"};
const Calls kShellKubeconfig = {"rename /tmp multus.kubeconfig EXDEV", "unlink multus.kubeconfig", "open multus.kubeconfig CREAT EXCL",
                                "write multus.kubeconfig"};

class Syscalls : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  }

  // Over the files of an earlier start, so that directories are there and targets are replaced.
  static Calls restart(const Start& start, const std::string& last_line) {
    Pod pod;
    EXPECT_EQ(pod.run(start), "runs");
    pod.process().kill();
    return trace(pod, start, last_line);
  }
};

TEST_F(Syscalls, ThinAutomatic) {
  for (const char* version : {"4.0.2", "4.1.4", "4.3.0"}) {
    const Calls calls = restart({.version = version, .flags = automatic(version)}, "multus config file is created.");
    EXPECT_THAT(calls, ElementsAreArray(kThinBinary + kThinKubeconfig + kThinConf)) << version;
  }
}

TEST_F(Syscalls, ThinManual) {
  const Calls first = restart({.version = "4.0.2", .flags = manual()}, " is copied.");
  EXPECT_THAT(first, ElementsAreArray(kThinBinary + kThinManual));
  const Calls later = restart({.version = "4.3.0", .flags = manual()}, " is copied.");
  EXPECT_THAT(later, ElementsAreArray(kThinBinary + kThinKubeconfig + kThinManual));
}

TEST_F(Syscalls, DirectoriesOfAFreshNode) {
  const Pod first;
  EXPECT_THAT(trace(first, {.version = "4.0.2", .flags = automatic("4.0.2")}, "kubeconfig file is created."),
              ElementsAreArray(kThinBinary + Calls{"mkdir multus.d"} + kThinKubeconfig));
  const Pod later;
  EXPECT_THAT(trace(later, {.version = "4.3.0", .flags = automatic("4.3.0")}, "kubeconfig file is created."),
              ElementsAreArray(kThinBinary + Calls{"mkdir multus.d", "mkdir net.d"} + kThinKubeconfig));
}

// Nothing synced; old files unlinked before the new ones are written under the final names.
TEST_F(Syscalls, Shell) {
  const Calls known = {"mkdir multus.d failed"};
  EXPECT_THAT(restart({.version = "3.9.3", .flags = automatic("3.9.3")}, "Entering sleep"),
              ElementsAreArray(kShellBinary + known + kShellKubeconfig + kShellConf));
  EXPECT_THAT(restart({.version = "3.9.3", .flags = manual()}, "Entering sleep"),
              ElementsAreArray(kShellBinary + Calls{"open 70-multus.conf TRUNC", "write 70-multus.conf"} + known + kShellKubeconfig));
}

}  // namespace
}  // namespace entryproof::subjects::predecessor
