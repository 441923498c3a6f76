// A real process sees each injected error from its system call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "simulator/doors/fuse_door.h"
#include "simulator/faults/engine.h"
#include "simulator/node/view.h"
#include "simulator/subjects/sandbox_test_support.h"

namespace entryproof::doors {
namespace {

using namespace std::chrono_literals;
using node::Actor;
using subjects::Change;

// Each line is a call; it prints the call's name and "ok", what it got, or the errno's name.
constexpr const char* kCalls = R"(
import errno, os, sys
def call(name, f):
    try:
        r = f()
        print(name, 'ok' if r is None else r)
    except OSError as e:
        print(name, errno.errorcode[e.errno])
h = '/host/'
def fd(path, flags=os.O_WRONLY | os.O_CREAT, mode=0o644):
    return os.open(h + path, flags, mode)
def close(number):
    os.close(number)
def token():
    f = os.open(h + 'token', os.O_RDONLY)
    try:
        return os.read(f, 100).decode()
    finally:
        os.close(f)
)";

class FuseFaultsTest : public subjects::SandboxFixture {
 protected:
  void SetUp() override {
    SandboxFixture::SetUp();
    if (IsSkipped()) return;
    if (auto available = fuse_available(); !available) GTEST_SKIP() << available.error().line();
    node_.emplace(node::Tree(), clock_);
    engine_.emplace(*node_);
    node_->set_gate(&*engine_);
    FuseDoor::Options options;
    options.world_pid = harness().agent().pid();
    options.asks_at_close = true;
    auto mounted = FuseDoor::mount(*node_, clock_, *harness().make_directory("door"), options);
    ASSERT_TRUE(mounted) << mounted.error().line();
    door_ = std::move(*mounted);
    auto applied = harness().agent().apply(door_->mount_point(), {{.kind = Change::Kind::kWrite, .path = "/token", .content = "secret"},
                                                                  {.kind = Change::Kind::kWrite, .path = "/old", .content = "old"},
                                                                  {.kind = Change::Kind::kMkdir, .path = "/d"}});
    ASSERT_TRUE(applied) << applied.error().line();
  }
  void TearDown() override { door_.reset(); }

  // What a python program printed while the plan was at work.
  std::string with(std::string_view plan, const std::string& program) {
    auto rules = faults::parse(plan);
    EXPECT_TRUE(rules) << rules.error().line();
    {
      const std::lock_guard lock(door_->mutex());
      engine_->set_plan(*rules);
    }
    door_->set_actor(Actor::kBuild, ++session_);
    auto spec = bash("exec /usr/bin/python3 -I -S -c \"$PROGRAM\"");
    spec.environment.push_back("PROGRAM=" + std::string(kCalls) + program);
    spec.binds = {{door_->mount_point(), "", "/host", false}};
    const auto ran = run(spec);
    return ran.out + ran.err;
  }
  std::string content(const std::string& path) {
    const std::lock_guard lock(door_->mutex());
    const auto inode = node::View().resolve(node_->tree(), {}, path);
    return inode ? node_->tree().read_all(*inode).value_or("?") : "absent";
  }

  RealClock clock_;
  std::optional<node::Node> node_;
  std::optional<faults::Engine> engine_;
  std::unique_ptr<FuseDoor> door_;
  std::uint32_t session_ = 0;
};

TEST_F(FuseFaultsTest, EveryCallGivesItsErrno) {
  EXPECT_EQ(with(R"(create **/a errno=EDQUOT
write **/b errno=ENOSPC
fsync **/b errno=EIO
close **/b nth=2 errno=EIO
rename **/b errno=EXDEV
unlink **/old errno=EBUSY
mkdir **/m errno=EROFS
rmdir **/d errno=EBUSY
symlink **/s errno=EACCES
link to=**/l errno=EMLINK
set-attributes **/old errno=EPERM
truncate **/old errno=EIO
fsync-directory **/d errno=EIO
lookup **/nowhere errno=EACCES
read-directory **/d errno=EIO
)",
                 R"(
call('create', lambda: fd('a'))
call('create again', lambda: close(fd('a')))
b = fd('b')
call('write', lambda: os.write(b, b'0123'))
call('write again', lambda: os.write(b, b'0123'))
call('fsync', lambda: os.fsync(b))
call('fsync again', lambda: os.fsync(b))
call('dup close', lambda: close(os.dup(b)))
call('close', lambda: close(b))
call('rename', lambda: os.rename(h + 'b', h + 'c'))
call('unlink', lambda: os.unlink(h + 'old'))
call('mkdir', lambda: os.mkdir(h + 'm'))
call('rmdir', lambda: os.rmdir(h + 'd'))
call('symlink', lambda: os.symlink('x', h + 's'))
call('link', lambda: os.link(h + 'old', h + 'l'))
call('chmod', lambda: os.chmod(h + 'old', 0o600))
call('truncate', lambda: os.truncate(h + 'old', 0))
d = os.open(h + 'd', os.O_RDONLY | os.O_DIRECTORY)
call('fsync directory', lambda: os.fsync(d))
call('stat', lambda: os.stat(h + 'nowhere'))
call('list', lambda: os.listdir(h + 'd'))
call('list again', lambda: len(os.listdir(h + 'd')))
)"),
            R"(create EDQUOT
create again ok
write ENOSPC
write again 4
fsync EIO
fsync again ok
dup close ok
close EIO
rename EXDEV
unlink EBUSY
mkdir EROFS
rmdir EBUSY
symlink EACCES
link EMLINK
chmod EPERM
truncate EIO
fsync directory EIO
stat EACCES
list EIO
list again 0
)");
  EXPECT_EQ(content("/b"), "0123");
  EXPECT_EQ(content("/old"), "old");
}

TEST_F(FuseFaultsTest, AReadFailsOnceAndIsNotAskedAgainInSecret) {
  EXPECT_EQ(with("read **/token nth=2 errno=EIO\nopen **/token nth=4 errno=EMFILE", R"(
for i in range(5): call('token', token)
)"),
            "token secret\ntoken EIO\ntoken secret\ntoken EMFILE\ntoken secret\n");
}

TEST_F(FuseFaultsTest, AShortWriteIsSeenAsOneAndTheRestCanBeWritten) {
  EXPECT_EQ(with("write **/f short=5 then errno=ENOSPC", R"(
f = fd('f', os.O_RDWR | os.O_CREAT)
call('write', lambda: os.write(f, b'0123456789'))
call('write', lambda: os.write(f, b'56789'))
call('write', lambda: os.write(f, b'56789'))
call('read', lambda: os.pread(f, 100, 0).decode())
call('size', lambda: os.fstat(f).st_size)
)"),
            "write 5\nwrite ENOSPC\nwrite 5\nread 0123456789\nsize 10\n");
  EXPECT_EQ(content("/f"), "0123456789");
}

TEST_F(FuseFaultsTest, AShortWriteOverSeveralPagesLeavesNothingOfTheRestBehind) {
  EXPECT_EQ(with("write **/f short=4100", R"(
f = fd('f', os.O_RDWR | os.O_CREAT)
call('write', lambda: os.write(f, b'x' * 9000))
call('size', lambda: os.fstat(f).st_size)
call('tail', lambda: os.pread(f, 100, 4090).decode())
call('place', lambda: os.lseek(f, 0, os.SEEK_CUR))
)"),
            "write 4100\nsize 4100\ntail xxxxxxxxxx\nplace 4100\n");
  EXPECT_EQ(content("/f"), std::string(4100, 'x'));
}

TEST_F(FuseFaultsTest, ADelayedCallTakesLonger) {
  const Moment before = clock_.now();
  EXPECT_EQ(with("fsync **/f delay=300ms", R"(
f = fd('f')
call('fsync', lambda: os.fsync(f))
)"),
            "fsync ok\n");
  EXPECT_GE(clock_.now() - before, 300ms);
}

TEST_F(FuseFaultsTest, ADelayedCallKeepsNobodyFromTheNode) {
  auto rules = faults::parse("fsync **/f delay=10s");
  ASSERT_TRUE(rules);
  engine_->set_plan(*rules);
  door_->set_actor(Actor::kBuild, 1);
  auto spec = bash("echo 1 > /host/f; sync /host/f");
  spec.binds = {{door_->mount_point(), "", "/host", false}};
  auto spawned = harness().launcher().spawn(spec);
  ASSERT_TRUE(spawned) << spawned.error().line();
  ASSERT_TRUE(subjects::eventually([&] {
    const std::lock_guard lock(door_->mutex());
    return !engine_->injections().empty();
  }));
  // Its fsync waits now, and the node can be looked at; the door closes without waiting for it.
  EXPECT_TRUE(door_->busy());
  (*spawned)->kill();
  const Moment before = clock_.now();
  door_.reset();
  EXPECT_LT(clock_.now() - before, 5s);
}

TEST_F(FuseFaultsTest, AnErrorAfterItTookEffect) {
  EXPECT_EQ(with("rename **/old after errno=EIO", "call('rename', lambda: os.rename(h + 'old', h + 'new'))\n"), "rename EIO\n");
  EXPECT_EQ(content("/new"), "old");
  EXPECT_EQ(content("/old"), "absent");
}

}  // namespace
}  // namespace entryproof::doors
