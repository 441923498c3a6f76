#include "simulator/doors/fuse_door.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "simulator/node/view.h"
#include "simulator/subjects/sandbox_test_support.h"

namespace entryproof::doors {
namespace {

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new subjects::HarnessEnvironment);

using node::Actor;
using node::Verb;
using subjects::Change;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A node behind a FUSE mount, with the harness's agent as its world.
class FuseDoorTest : public subjects::SandboxFixture {
 protected:
  void SetUp() override {
    SandboxFixture::SetUp();
    if (IsSkipped()) return;
    if (auto available = fuse_available(); !available) GTEST_SKIP() << available.error().line();
    open_door({});
  }
  void TearDown() override { door_.reset(); }

  void open_door(FuseDoor::Options options) {
    door_.reset();
    node_.emplace(node::Tree(), clock_);
    options.world_pid = harness().agent().pid();
    auto mounted = FuseDoor::mount(*node_, clock_, *harness().make_directory("door"), options);
    ASSERT_TRUE(mounted) << mounted.error().line();
    door_ = std::move(*mounted);
  }

  void change(const std::vector<Change>& changes) {
    auto applied = harness().agent().apply(door_->mount_point(), changes);
    EXPECT_TRUE(applied) << applied.error().line();
  }
  // A sandbox to which the whole node is /host.
  subjects::SandboxSpec on_node(subjects::SandboxSpec spec) {
    spec.binds = {{door_->mount_point(), "", "/host", false}};
    return spec;
  }
  // Runs as the build, session 1, and gives what it printed.
  std::string build(subjects::SandboxSpec spec) {
    door_->set_actor(Actor::kBuild, 1);
    const auto ran = run(on_node(std::move(spec)));
    return ran.out + ran.err;
  }
  std::vector<std::string> counted_of(Actor actor) {
    const std::lock_guard lock(door_->mutex());
    std::vector<std::string> verbs;
    for (const auto& operation : node_->journal().operations()) {
      if (operation.actor == actor && node::counts(operation.verb))
        verbs.push_back(std::string(to_string(operation.verb)) + " " + operation.path);
    }
    return verbs;
  }
  std::optional<std::string> content(const std::string& path) {
    const std::lock_guard lock(door_->mutex());
    const auto inode = node::View().resolve(node_->tree(), {}, path);
    if (!inode) return std::nullopt;
    const auto bytes = node_->tree().read_all(*inode);
    return bytes ? std::optional(*bytes) : std::nullopt;
  }

  RealClock clock_;
  std::optional<node::Node> node_;
  std::unique_ptr<FuseDoor> door_;
};

TEST_F(FuseDoorTest, ShowsTheNodeAndChargesEachToWhoDidIt) {
  change({{.kind = Change::Kind::kMkdir, .path = "/etc/cni"},
          {.kind = Change::Kind::kWrite, .path = "/etc/cni/a", .content = "from the world"}});
  EXPECT_EQ(build(bash("cat /host/etc/cni/a; echo -n mine > /host/etc/cni/b")), "from the world");
  EXPECT_EQ(content("/etc/cni/b"), "mine");
  EXPECT_THAT(counted_of(Actor::kBuild), ElementsAre("create /etc/cni/b", "write /etc/cni/b"));
  EXPECT_THAT(counted_of(Actor::kWorld), ElementsAre("mkdir /etc", "mkdir /etc/cni", "create /etc/cni/a", "write /etc/cni/a"));
}

TEST_F(FuseDoorTest, ChargesEachOfTwoThatLiveAtOnce) {
  change({{.kind = Change::Kind::kFifo, .path = "/go"}});
  door_->set_actor(Actor::kBuild, 1);
  // Its writes come from children and from itself, after another was started.
  auto first = harness().launcher().spawn(on_node(bash("echo up; read -r _ < /host/go; echo 1 > /host/first; cp /host/first /host/copy")));
  ASSERT_TRUE(first) << first.error().line();
  ASSERT_TRUE(subjects::eventually([&] { return (*first)->output().out == "up\n"; }));
  door_->set_others({{(*first)->pid(), Actor::kBuild, 1}});
  door_->set_actor(Actor::kBuild, 2);
  run(on_node(bash("echo 2 > /host/second; exec 3<>/host/go; echo go >&3; while [ ! -e /host/copy ]; do :; done; echo 2 > /host/last")));
  ASSERT_TRUE((*first)->wait_for(std::chrono::seconds(30)));
  const std::lock_guard lock(door_->mutex());
  std::map<std::string, std::uint32_t> makers;
  for (const auto& operation : node_->journal().operations()) {
    if (operation.verb == node::Verb::kCreate) makers[operation.name] = operation.session;
  }
  EXPECT_EQ(makers, (std::map<std::string, std::uint32_t>{{"second", 2}, {"first", 1}, {"copy", 1}, {"last", 2}}));
}

TEST_F(FuseDoorTest, AReplacementIsTheSystemCallsItIsMadeOf) {
  change({{.kind = Change::Kind::kWrite, .path = "/f", .content = "old"}});
  build(bash("exec 3>/host/f.new; echo new >&3; sync -d /host/f.new; exec 3>&-; mv /host/f.new /host/f; sync /host"));
  EXPECT_EQ(content("/f"), "new\n");
  EXPECT_THAT(counted_of(Actor::kBuild),
              ElementsAre("create /f.new", "write /f.new", "fsync /f.new", "rename /f.new", "fsync-directory /"));
}

TEST_F(FuseDoorTest, RenameAcrossTwoVolumesIsExdev) {
  change({{.kind = Change::Kind::kMkdir, .path = "/a"},
          {.kind = Change::Kind::kMkdir, .path = "/b"},
          {.kind = Change::Kind::kWrite, .path = "/a/f"}});
  auto spec = probe({"rename", "/host/a/f", "/host/b/f"});
  spec.binds = {{door_->mount_point(), "a", "/host/a", false}, {door_->mount_point(), "b", "/host/b", false}};
  EXPECT_EQ(run(spec).out, "rename EXDEV\n");
}

TEST_F(FuseDoorTest, AnswersWhatAFileSystemIsAsked) {
  EXPECT_EQ(
      build(
          bash("cd /host; set -e; mkdir d; echo abc > d/f; ln d/f d/g; ln -s f d/l; mkfifo d/p; stat -c '%h %F' d/f d/p; readlink d/l;"
               "ls d | tr '\\n' ' '; chmod 4711 d/f; stat -c %a d/f; truncate -s 1 d/f; cat d/g; echo; fallocate -l 10 d/f; stat -c %s d/g;"
               "rm -r d; ls | wc -l")),
      "2 regular file\n1 fifo\nf\nf g l p 4711\na\n10\n0\n");
  EXPECT_EQ(
      build(bash(
          "cd /host; echo 12345 > x; cp --reflink=auto x y; cmp x y && echo same; stat -f -c '%s %b' .; touch -d @1000 x; stat -c %Y x")),
      "same\n4096 65536\n1000\n");
}

TEST_F(FuseDoorTest, AnswersTheRarerCalls) {
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "no python3 here";
  auto spec = bash("");
  spec.executable = {"/usr/bin/python3", "/python"};
  spec.argv = {"/python", "-c", R"(
import ctypes, errno, mmap, os, socket
os.chdir('/host')
libc = ctypes.CDLL(None, use_errno=True)
def rename(a, b, flags): print('rename', flags, 'ok' if libc.renameat2(-100, a, -100, b, flags) == 0 else errno.errorcode[ctypes.get_errno()])
open('a', 'w').write('A'); open('b', 'w').write('B')
rename(b'a', b'b', 1); rename(b'a', b'b', 2); rename(b'a', b'b', 4)
print(open('a').read(), open('b').read())
try: os.setxattr('a', 'user.x', b'1')
except OSError as e: print('setxattr', errno.errorcode[e.errno])
try: os.mknod('dev', 0o20600, 0x103)
except OSError as e: print('mknod', errno.errorcode[e.errno])
fd = os.open('m', os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 4096)
with mmap.mmap(fd, 4096) as m: m[0:3] = b'map'; m.flush()
print('mapped', os.pread(fd, 3, 0).decode())
big = os.open('big', os.O_RDWR | os.O_CREAT); print('wrote', os.write(big, b'x' * 3000000), os.fstat(big).st_size)
print('copied', os.copy_file_range(big, fd, 5000, 0, 0), os.fstat(fd).st_size)
os.unlink('m'); print('unlinked', os.fstat(fd).st_nlink, os.pread(fd, 1, 0).decode()); os.close(fd)
s = socket.socket(socket.AF_UNIX); s.bind('sock'); print('socket', oct(os.stat('sock').st_mode))
for i in range(300): open('n%d' % i, 'w').close()
print('listed', len(os.listdir('.')))
)"};
  EXPECT_EQ(build(spec),
            "rename 1 EEXIST\nrename 2 ok\nrename 4 EINVAL\nB A\nsetxattr ENOTSUP\nmknod EPERM\nmapped map\nwrote 3000000 3000000\ncopied "
            "5000 5000\n"
            "unlinked 0 x\nsocket 0o140755\nlisted 304\n");
}

TEST_F(FuseDoorTest, RunsProgramsThatLieOnTheNode) {
  change({{.kind = Change::Kind::kWrite, .path = "/tool", .content = "#!/bin/sh\necho ran $1\n", .mode = 0755}});
  EXPECT_EQ(build(bash("/host/tool well")), "ran well\n");
}

TEST_F(FuseDoorTest, PermissionsAreThoseOfTheCaller) {
  if (getuid() != 0) GTEST_SKIP() << "only root inside, where the harness is not root";
  change({{.kind = Change::Kind::kWrite, .path = "/secret", .content = "s", .mode = 0600},
          {.kind = Change::Kind::kMkdir, .path = "/home", .mode = 0755, .uid = 1000, .gid = 1000}});
  auto spec = bash(
      "cat /host/secret 2>&1 | grep -o denied; echo x > /host/home/mine; stat -c '%u %a' /host/home/mine; touch /host/no 2>&1 | grep -o "
      "denied");
  spec.uid = 1000;
  spec.gid = 1000;
  spec.umask = 027;
  EXPECT_EQ(build(spec), "denied\n1000 640\ndenied\n");
}

TEST_F(FuseDoorTest, DirectIoShowsEachReadAndWrite) {
  FuseDoor::Options options;
  options.direct_io = true;
  open_door(options);
  EXPECT_EQ(build(bash("dd if=/dev/zero of=/host/f bs=20000 count=1 status=none; dd if=/dev/zero of=/host/f bs=5 seek=100 count=2 "
                       "conv=notrunc status=none")),
            "");
  EXPECT_THAT(counted_of(Actor::kBuild), ElementsAre("create /f", "write /f", "write /f", "write /f"));
}

// The kernel turns O_SYNC and O_DSYNC into a barrier after each write; what sync(2) and syncfs(2) do stays with the kernel.
TEST_F(FuseDoorTest, ADescriptorThatIsSynchronousSyncsEachWrite) {
  build(bash(
      "dd if=/dev/zero of=/host/f bs=5 count=2 oflag=sync status=none; dd if=/dev/zero of=/host/f bs=5 count=1 oflag=dsync conv=notrunc "
      "status=none; sync; sync -f /host/f"));
  EXPECT_THAT(counted_of(Actor::kBuild), ElementsAre("create /f", "write /f", "fsync /f", "write /f", "fsync /f", "write /f", "fsync /f"));
}

TEST_F(FuseDoorTest, AWatcherInTheSandboxSeesTheWorldsSwap) {
  change({{.kind = Change::Kind::kMkdir, .path = "/sa/..1"},
          {.kind = Change::Kind::kWrite, .path = "/sa/..1/token", .content = "old"},
          {.kind = Change::Kind::kSymlink, .path = "/sa/..data", .other = "..1"},
          {.kind = Change::Kind::kSymlink, .path = "/sa/token", .other = "..data/token"}});
  door_->set_actor(Actor::kBuild, 1);
  auto spec = probe({"watch", "/sa", "..data"});
  spec.binds = {{door_->mount_point(), "sa", "/sa", true}};
  auto watcher = harness().launcher().spawn(spec);
  ASSERT_TRUE(watcher) << watcher.error().line();
  ASSERT_TRUE(subjects::eventually([&] { return (*watcher)->output().out == "watching\n"; }));
  change({{.kind = Change::Kind::kMkdir, .path = "/sa/..2"},
          {.kind = Change::Kind::kWrite, .path = "/sa/..2/token", .content = "new"},
          {.kind = Change::Kind::kSymlink, .path = "/sa/..data_tmp", .other = "..2"},
          {.kind = Change::Kind::kRename, .path = "/sa/..data_tmp", .other = "/sa/..data"},
          {.kind = Change::Kind::kRemove, .path = "/sa/..1"}});
  ASSERT_TRUE((*watcher)->wait_for(std::chrono::seconds(30)));
  EXPECT_EQ((*watcher)->output().out, "watching\ncreate ..2\ncreate ..data_tmp\nmoved-from ..data_tmp\nmoved-to ..data\n");
  EXPECT_EQ(content("/sa/token"), "new");
  EXPECT_THAT(counted_of(Actor::kBuild), IsEmpty());
}

TEST_F(FuseDoorTest, TheWorldsChangesStayOnTheNode) {
  // A build planted links to places outside, on the way and at the end.
  change({{.kind = Change::Kind::kSymlink, .path = "/out", .other = "/../../.."},
          {.kind = Change::Kind::kSymlink, .path = "/file", .other = "/made"}});
  change({{.kind = Change::Kind::kWrite, .path = "/out/media-intruder", .content = "x"},
          {.kind = Change::Kind::kWrite, .path = "/file", .content = "y"}});
  EXPECT_EQ(content("/media-intruder"), "x");
  EXPECT_EQ(content("/made"), "y");
  EXPECT_FALSE(std::filesystem::exists("/media-intruder"));
  EXPECT_FALSE(std::filesystem::exists("/made"));
}

TEST_F(FuseDoorTest, TheAgentSaysWhatFailed) {
  const auto applied = harness().agent().apply(door_->mount_point(), {{.kind = Change::Kind::kMkdir, .path = "/d"},
                                                                      {.kind = Change::Kind::kRename, .path = "/no", .other = "/d/x"},
                                                                      {.kind = Change::Kind::kMkdir, .path = "/never"}});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().line(), "rename /no -> /d/x: No such file or directory (ENOENT)");
  const std::lock_guard lock(door_->mutex());
  EXPECT_TRUE(node::View().resolve(node_->tree(), {}, "/d"));
  EXPECT_FALSE(node::View().resolve(node_->tree(), {}, "/never"));
}

TEST_F(FuseDoorTest, ReplaceLinkFifoAttributesAndSync) {
  change({{.kind = Change::Kind::kWrite, .path = "/f", .content = "old"},
          {.kind = Change::Kind::kLink, .path = "/f", .other = "/g"},
          {.kind = Change::Kind::kReplace, .path = "/f", .content = std::string(200'000, 'n'), .mode = 0640},
          {.kind = Change::Kind::kFifo, .path = "/p", .mode = 0600},
          {.kind = Change::Kind::kAttributes, .path = "/g", .mode = 0444},
          {.kind = Change::Kind::kSync, .path = "/"}});
  EXPECT_EQ(content("/g"), "old");
  EXPECT_EQ(content("/f"), std::string(200'000, 'n'));
  EXPECT_EQ(build(bash("stat -c '%a %F' /host/f /host/g /host/p")), "640 regular file\n444 regular file\n600 fifo\n");
}

// Kills the build at its N-th counted operation, before or after that takes effect.
class KillAt : public node::Gate {
 public:
  KillAt(node::Node& node, std::uint64_t at, bool after) : node_(node), at_(at), after_(after) {}
  node::Ruling before(const node::Operation& operation) override { return !after_ ? rule(operation) : node::Ruling{}; }
  node::Ruling after(const node::Operation& operation) override { return after_ ? rule(operation) : node::Ruling{}; }
  const subjects::Sandbox* victim = nullptr;

 private:
  node::Ruling rule(const node::Operation& operation) {
    if (operation.actor != Actor::kBuild || operation.index != at_ || victim == nullptr) return {};
    victim->kill();
    node_.seal(Actor::kBuild);
    return {node::Errno{EIO}, std::nullopt};
  }
  node::Node& node_;
  std::uint64_t at_;
  bool after_;
};

TEST_F(FuseDoorTest, KillAtAnOperationIsExactForTwoThreads) {
  for (unsigned trial = 0; trial < 20; ++trial) {
    open_door({});
    const std::uint64_t at = 50 + trial;
    KillAt gate(*node_, at, trial % 2 == 1);
    door_->set_actor(Actor::kBuild, 1);
    std::unique_ptr<subjects::Sandbox> sandbox;
    {
      // The gate learns its victim before the build's first operation can be answered.
      std::unique_lock lock(door_->mutex());
      node_->set_gate(&gate);
      lock.unlock();
      auto spec = on_node(bash("read -r _ < /host/go; exec /host-probe write-for-ever /host"));
      spec.neighbours = {{subjects::probe_path(), "/host-probe"}};
      change({{.kind = Change::Kind::kFifo, .path = "/go"}});
      auto spawned = harness().launcher().spawn(spec);
      ASSERT_TRUE(spawned) << spawned.error().line();
      sandbox = std::move(*spawned);
      lock.lock();
      gate.victim = sandbox.get();
    }
    // Opens for reading and writing, so that nobody waits: a FIFO of this mount, from outside of this process.
    auto opener = run(on_node(bash("echo > /host/go")));
    ASSERT_EQ(sandbox->wait_for(std::chrono::seconds(30)), (subjects::ExitStatus{0, SIGKILL}));
    const std::lock_guard lock(door_->mutex());
    std::uint64_t succeeded = 0;
    std::uint64_t last = 0;
    for (const auto& operation : node_->journal().operations()) {
      if (operation.actor != Actor::kBuild || !node::counts(operation.verb)) continue;
      succeeded += operation.succeeded() ? 1 : 0;
      last = std::max(last, operation.index);
    }
    EXPECT_EQ(last, at);  // what the kernel sent later was refused, and changed nothing
    EXPECT_LE(succeeded, at);
    node_->set_gate(nullptr);
  }
}

TEST_F(FuseDoorTest, ActivityTellsRestFromWork) {
  const auto before = door_->activity();
  change({{.kind = Change::Kind::kWrite, .path = "/f", .content = "x"}});
  const auto after = door_->activity();
  EXPECT_EQ(after.mutations, before.mutations + 2);
  EXPECT_GT(after.served, before.served + 2);
  EXPECT_GT(after.last_mutation, before.last_mutation);
  EXPECT_TRUE(subjects::eventually([&] { return !door_->busy(); }));

  // While a request waits for the mutex, the door is busy although its client sleeps interruptibly.
  door_->set_actor(Actor::kBuild, 1);
  auto sandbox = harness().launcher().spawn(on_node(bash("echo up; sleep 1000 & wait; ")));
  auto writer = harness().launcher().spawn(on_node(bash("echo up; while [ ! -e /host/stop ]; do echo x > /host/f; done")));
  ASSERT_TRUE(sandbox && writer);
  ASSERT_TRUE(subjects::eventually([&] { return (*writer)->output().out == "up\n" && (*sandbox)->output().out == "up\n"; }));
  {
    const std::lock_guard lock(door_->mutex());
    EXPECT_TRUE(subjects::eventually([&] { return door_->busy() && (*writer)->idle(); }));
    EXPECT_TRUE(door_->busy());
  }
  change({{.kind = Change::Kind::kWrite, .path = "/stop"}});
  ASSERT_TRUE((*writer)->wait_for(std::chrono::seconds(30)));
  EXPECT_TRUE(subjects::eventually([&] { return !door_->busy() && (*sandbox)->idle(); }));
}

TEST_F(FuseDoorTest, ClosesWhileASandboxHoldsItAndItsCallsFail) {
  door_->set_actor(Actor::kBuild, 1);
  auto sandbox =
      harness().launcher().spawn(on_node(bash("echo up; while echo x 2>/dev/null > /host/f; do :; done 2>/dev/null; echo over")));
  ASSERT_TRUE(sandbox) << sandbox.error().line();
  ASSERT_TRUE(subjects::eventually([&] { return door_->activity().mutations > 10; }));
  const auto mount_point = door_->mount_point();
  door_.reset();
  ASSERT_TRUE((*sandbox)->wait_for(std::chrono::seconds(30)));
  EXPECT_EQ((*sandbox)->output().out, "up\nover\n");
  EXPECT_FALSE(std::filesystem::exists(mount_point));
}

TEST_F(FuseDoorTest, NodeForgetsWhatNobodyHolds) {
  EXPECT_EQ(build(bash("for i in 1 2 3 4 5 6 7 8; do echo x > /host/f; rm /host/f; done")), "");
  door_.reset();
  EXPECT_EQ(node_->tree().inodes_used(), 1U);
}

TEST_F(FuseDoorTest, ManyDoorsAndAClearEndOfThem) {
  std::vector<std::unique_ptr<node::Node>> nodes;
  std::vector<std::unique_ptr<FuseDoor>> doors;
  std::optional<Error> end;
  while (!end && doors.size() < 1100) {
    nodes.push_back(std::make_unique<node::Node>(node::Tree(), clock_));
    auto mounted = FuseDoor::mount(*nodes.back(), clock_, *harness().make_directory("many"), {});
    if (mounted) doors.push_back(std::move(*mounted));
    if (!mounted) end = mounted.error();
  }
  EXPECT_GT(doors.size(), 900U);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, ErrorCode::kLimit);
  EXPECT_THAT(end->line(), HasSubstr("about 1000"));
}

TEST(FuseAvailable, SaysWhatIsMissing) {
  const auto missing = fuse_available("/dev/no-such-device");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(missing.error().line(), HasSubstr("open /dev/no-such-device: No such file or directory (ENOENT); load the fuse module"));
}

}  // namespace
}  // namespace entryproof::doors
