// Harnesses as a whole: that they end without a trace, and that they work without root and without cgroups.
//
// A process can enter only one harness, so each test makes its own in a child, and judges from outside.
#include "simulator/subjects/harness.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <thread>

#include "simulator/doors/fuse_door.h"
#include "simulator/node/view.h"

namespace entryproof::doors {
namespace {

using node::Actor;
using subjects::Change;
using subjects::Excess;
using subjects::ExitStatus;
using subjects::Harness;
using subjects::SandboxSpec;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

SandboxSpec probe(const std::vector<std::string>& arguments) {
  SandboxSpec spec;
  spec.executable = {std::string(ENTRYPROOF_BIN_DIR) + "/sandbox_probe", "/probe"};
  spec.argv = {"/probe"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  return spec;
}

SandboxSpec bash(const std::string& script) {
  SandboxSpec spec;
  spec.executable = {"/bin/bash", "/shell"};
  spec.argv = {"/shell", "-c", script};
  spec.environment = {"PATH=/usr/bin:/bin"};
  return spec;
}

// A child of the test that says things through a pipe.
class Child {
 public:
  using Say = std::function<void(const std::string&)>;
  explicit Child(const std::function<void(const Say&)>& work) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      setpgid(0, 0);
      close(ends[0]);
      work([&](const std::string& text) { static_cast<void>(!write(ends[1], text.data(), text.size())); });
      _exit(0);
    }
    close(ends[1]);
    from_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(from_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  std::string line() const {
    std::string text;
    char letter = 0;
    while (read(from_, &letter, 1) == 1 && letter != '\n') text += letter;
    return text;
  }
  std::string all() const {
    std::string text;
    for (auto next = line(); !next.empty(); next = line()) text += next + "\n";
    return text;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int from_ = -1;
};

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string number;
  std::string name;
  char state = 0;
  return stat >> number >> name >> state && state != 'Z' && state != 'X';
}

std::set<std::string> cgroups_of(pid_t harness) {
  std::set<std::string> found;
  std::error_code error;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (auto at = std::filesystem::recursive_directory_iterator("/sys/fs/cgroup", options, error);
       !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    if (at->path().string().find("/entryproof-" + std::to_string(harness) + "-") != std::string::npos) found.insert(at->path());
  }
  return found;
}

std::string mounts() {
  std::ifstream info("/proc/self/mountinfo");
  std::ostringstream text;
  text << info.rdbuf();
  return text.str();
}

std::vector<pid_t> pids_in(const std::string& line) {
  std::istringstream words(line);
  std::vector<pid_t> pids;
  for (pid_t pid = 0; words >> pid;) pids.push_back(pid);
  return pids;
}

std::string needs() {
  if (getuid() != 0) return "needs root";
  const auto available = fuse_available();
  return available ? "" : available.error().line();
}

// In a child: a node behind FUSE whose every request stays unanswered, a build and the agent waiting on it, and two more sandboxes. Says
// the pids of all, then waits to be killed.
void hang(const Child::Say& say) {
  auto harness = Harness::enter();
  if (!harness) return say(harness.error().line() + "\n");
  const RealClock clock;
  node::Node node(node::Tree(), clock);
  FuseDoor::Options options;
  options.world_pid = (*harness)->agent().pid();
  auto door = FuseDoor::mount(node, clock, *(*harness)->make_directory("door"), options);
  if (!door) return say(door.error().line() + "\n");
  auto on_node = [&](SandboxSpec spec) {
    spec.binds = {{(*door)->mount_point(), "", "/host", false}};
    return (*harness)->launcher().spawn(spec);
  };
  auto writer = on_node(probe({"write-for-ever", "/host"}));
  auto sleeper = on_node(bash("exec 3>/host/open; setsid sleep 1000 & wait"));
  auto spinner = (*harness)->launcher().spawn(probe({"spin"}));
  if (!writer || !sleeper || !spinner) return say("no sandbox\n");
  while ((*door)->activity().mutations < 100) std::this_thread::yield();
  (*door)->mutex().lock();
  std::thread agent(
      [&] { static_cast<void>((*harness)->agent().apply((*door)->mount_point(), {{.kind = Change::Kind::kWrite, .path = "/x"}})); });
  while (!(*door)->busy()) std::this_thread::yield();
  std::ostringstream pids;
  pids << (*harness)->launcher().pid() << ' ' << (*harness)->agent().pid() << ' ' << (*writer)->pid() << ' ' << (*sleeper)->pid() << ' '
       << (*spinner)->pid() << '\n';
  say(pids.str());
  while (true) pause();
}

TEST(HarnessTest, KilledWithRequestsUnansweredLeavesNothing) {
  if (const auto reason = needs(); !reason.empty()) GTEST_SKIP() << reason;
  const auto mounts_before = mounts();
  const auto media_before = std::filesystem::exists("/media/root");
  for (int trial = 0; trial < 5; ++trial) {
    Child child(hang);
    const auto line = child.line();
    const auto pids = pids_in(line);
    ASSERT_EQ(pids.size(), 5U) << line;
    for (const auto pid : pids) EXPECT_TRUE(alive(pid)) << pid;
    const auto harness = child.pid();
    child.kill();
    EXPECT_TRUE(eventually([&] { return std::ranges::none_of(pids, alive); }));
    EXPECT_TRUE(eventually([&] { return cgroups_of(harness).empty(); }));
    EXPECT_EQ(mounts(), mounts_before);
    EXPECT_EQ(std::filesystem::exists("/media/root"), media_before);
  }
}

TEST(HarnessTest, KilledTogetherWithItsLauncherLeavesNoProcessAndTheNextRunRemovesTheGroups) {
  if (const auto reason = needs(); !reason.empty()) GTEST_SKIP() << reason;
  Child child(hang);
  const auto pids = pids_in(child.line());
  ASSERT_EQ(pids.size(), 5U);
  const auto harness = child.pid();
  ::kill(-harness, SIGKILL);  // the whole process group, as an impatient user would
  child.kill();
  EXPECT_TRUE(eventually([&] { return std::ranges::none_of(pids, alive); }));
  Child next([](const Child::Say& say) {
    auto entered = Harness::enter();
    say(entered ? "well\n" : entered.error().line() + "\n");
  });
  EXPECT_EQ(next.line(), "well");
  EXPECT_THAT(cgroups_of(harness), IsEmpty());
}

// As `run --repeat` does: more often than this machine has empty directories to work in.
TEST(HarnessTest, IsFollowedByAnyNumberOfOthers) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  Child child([](const Child::Say& say) {
    for (int time = 0; time < 40; ++time) {
      auto harness = Harness::enter();
      if (!harness) return say(harness.error().line() + "\n");
      auto sandbox = (*harness)->launcher().spawn(probe({"sleep"}));
      if (!sandbox) return say(sandbox.error().line() + "\n");
    }
    say("well\n");
  });
  EXPECT_EQ(child.all(), "well\n");
}

TEST(HarnessTest, OutlivesItsLauncherAndSaysSo) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  Child child([](const Child::Say& say) {
    auto harness = Harness::enter();
    if (!harness) return say(harness.error().line() + "\n");
    auto sandbox = (*harness)->launcher().spawn(probe({"sleep"}));
    if (!sandbox) return say(sandbox.error().line() + "\n");
    ::kill((*harness)->launcher().pid(), SIGKILL);
    const auto status = (*sandbox)->wait_for(std::chrono::seconds(30));
    say(status ? status->describe() + "\n" : "still running\n");
    auto next = (*harness)->launcher().spawn(probe({"sleep"}));
    say(next ? "spawned\n" : next.error().line() + "\n");
    harness->reset();
    say(cgroups_of(getpid()).empty() ? "no groups\n" : "groups\n");
  });
  EXPECT_EQ(child.all(), "killed by SIGKILL\nthe launcher process has ended; was it killed?\nno groups\n");
}

TEST(HarnessTest, EndsItsSandboxesWhenItEnds) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  Child child([](const Child::Say& say) {
    auto harness = Harness::enter();
    if (!harness) return say(harness.error().line() + "\n");
    auto sandbox = (*harness)->launcher().spawn(probe({"spin"}));
    if (!sandbox) return say(sandbox.error().line() + "\n");
    harness->reset();
    say((*sandbox)->poll().value_or(ExitStatus{}).describe() + "\n");
    say(alive((*sandbox)->pid()) ? "alive\n" : "dead\n");
    say(cgroups_of(getpid()).empty() ? "no groups\n" : "groups\n");
    say(waitpid(-1, nullptr, WNOHANG) < 0 ? "no children\n" : "children\n");
  });
  EXPECT_EQ(child.all(), "killed by SIGKILL\ndead\nno groups\nno children\n");
}

// What the watchdog must catch where no cgroup does.
void try_limits(Harness& harness, const Child::Say& say) {
  const auto run = [&](SandboxSpec spec) {
    spec.limits.processes = 40;
    spec.limits.memory_bytes = 64ULL << 20;
    auto sandbox = harness.launcher().spawn(spec);
    if (!sandbox) return say(sandbox.error().line() + "\n");
    const auto status = (*sandbox)->wait_for(std::chrono::seconds(60));
    std::string text = status ? status->describe() : "still running";
    for (const auto excess : (*sandbox)->excesses()) text += ", " + describe(excess);
    say(text + "\n");
  };
  say(harness.launcher().limits_by() + "\n");
  run(probe({"bomb"}));
  run(probe({"hog"}));
  run(probe({"hello"}));
}

constexpr const char* kLimitsHeld =
    "watchdog\nkilled by SIGKILL, process limit reached (a fork bomb?)\nkilled by SIGKILL, memory limit reached\nexit 0\n";

TEST(HarnessTest, AWatchdogHoldsTheLimitsWithoutCgroups) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  Child child([](const Child::Say& say) {
    auto harness = Harness::enter({.use_cgroups = false});
    if (!harness) return say(harness.error().line() + "\n");
    try_limits(**harness, say);
  });
  EXPECT_EQ(child.all(), kLimitsHeld);
}

// Becomes uid 65534 in a mount namespace that has a FUSE device of its own for everybody, at the path it gives.
Result<std::string> become_nobody(bool with_device) {
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare", "mounts", errno);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_errno("make private", "/", errno);
  std::string device = "/dev/fuse";
  if (with_device) {
    if (mount("none", "/srv", "tmpfs", 0, "mode=0755") != 0) return fail_errno("mount", "/srv", errno);
    device = "/srv/fuse";
    if (mknod(device.c_str(), S_IFCHR | 0666, makedev(10, 229)) != 0 || chmod(device.c_str(), 0666) != 0)
      return fail_errno("mknod", device, errno);
  }
  if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) return fail_errno("become", "nobody", errno);
  prctl(PR_SET_DUMPABLE, 1);  // as a process that was nobody from the start would be; else its /proc/self is root's
  return device;
}

bool has_user_namespaces() {
  std::ifstream most("/proc/sys/user/max_user_namespaces");
  long number = 0;
  return most >> number && number > 0;
}

TEST(HarnessTest, WorksForAnyUserWhoMayOpenTheDevice) {
  if (const auto reason = needs(); !reason.empty()) GTEST_SKIP() << reason;
  if (!has_user_namespaces()) GTEST_SKIP() << "no user namespaces here";
  Child child([](const Child::Say& say) {
    const auto device = become_nobody(true);
    if (!device) return say(device.error().line() + "\n");
    auto harness = Harness::enter();
    if (!harness) return say(harness.error().line() + "\n");
    const RealClock clock;
    node::Node node(node::Tree(), clock);
    FuseDoor::Options options;
    options.world_pid = (*harness)->agent().pid();
    options.device = *device;
    auto door = FuseDoor::mount(node, clock, *(*harness)->make_directory("door"), options);
    if (!door) return say(door.error().line() + "\n");
    auto applied = (*harness)->agent().apply((*door)->mount_point(), {{.kind = Change::Kind::kWrite, .path = "/token", .content = "t"}});
    if (!applied) return say(applied.error().line() + "\n");
    (*door)->set_actor(Actor::kBuild, 1);
    auto spec = bash(
        "id -u; cat /host/token; echo; echo x > /host/a && mv /host/a /host/b; touch /etc/no 2>&1 | grep -o Read-only; ls /host; head -c 1 "
        "/proc/keys | wc -c");
    spec.binds = {{(*door)->mount_point(), "", "/host", false}};
    auto sandbox = (*harness)->launcher().spawn(spec);
    if (!sandbox) return say(sandbox.error().line() + "\n");
    (*sandbox)->wait_for(std::chrono::seconds(60));
    say((*sandbox)->output().out + (*sandbox)->output().err);
    auto network = (*harness)->launcher().make_network({{"10.96.0.1"}, {{"10.96.0.1", 443}}});
    say(network ? "listens on 443\n" : network.error().line() + "\n");
    try_limits(**harness, say);
  });
  EXPECT_EQ(child.all(), std::string("0\nt\nRead-only\nb\ntoken\n0\nlistens on 443\n") + kLimitsHeld);
}

TEST(HarnessTest, SaysWhatAUserWithoutTheDeviceMustDo) {
  if (const auto reason = needs(); !reason.empty()) GTEST_SKIP() << reason;
  struct stat about{};
  ASSERT_EQ(stat("/dev/fuse", &about), 0);
  if ((about.st_mode & 0006) != 0) GTEST_SKIP() << "everybody may open /dev/fuse here";
  Child child([](const Child::Say& say) {
    if (auto nobody = become_nobody(false); !nobody) return say(nobody.error().line() + "\n");
    const auto available = fuse_available();
    say((available ? std::string("available") : available.error().line()) + "\n");
  });
  EXPECT_EQ(
      child.line(),
      "open /dev/fuse: Permission denied (EACCES); run as root, or let everybody open it (chmod 0666, as udev does), or use --world tmpfs");
}

TEST(HarnessTest, SaysWhyThereAreNoNamespaces) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  Child child([](const Child::Say& say) {
    prctl(PR_CAPBSET_DROP, 21 /* CAP_SYS_ADMIN */, 0, 0, 0);
    // Root without CAP_SYS_ADMIN, as in a plain container.
    struct {
      std::uint32_t version = 0x20080522;
      int pid = 0;
    } header;
    std::array<std::uint32_t, 6> sets{};
    syscall(SYS_capset, &header, sets.data());
    auto harness = Harness::enter();
    say((harness ? std::string("entered")
                 : std::to_string(harness.error().code == ErrorCode::kUnavailable) + " " + harness.error().line()) +
        "\n");
  });
  EXPECT_THAT(child.line(), HasSubstr("1 unshare a mount namespace: Operation not permitted (EPERM); root without CAP_SYS_ADMIN?"));
}

}  // namespace
}  // namespace entryproof::doors
