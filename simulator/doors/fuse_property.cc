// Differential: a node behind FUSE must answer as a tmpfs of this machine does, call for call, and leave the same tree.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "simulator/doors/fuse_door.h"
#include "simulator/doors/posix_targets.h"
#include "simulator/subjects/channel.h"
#include "simulator/subjects/harness.h"

namespace entryproof::doors {
namespace {

using subjects::Channel;
using subjects::Pack;
using subjects::Unpack;

// Plays sequences on the mount from a process of its own: the serving process must not touch it, and a child of it must not hold its
// device.
class Player : public ::testing::Environment {
 public:
  Player() { instance() = this; }
  static Player*& instance() {
    static Player* player = nullptr;
    return player;
  }
  void SetUp() override {
    auto entered = subjects::Harness::enter();
    if (!entered) {
      reason = entered.error().line();
      return;
    }
    if (auto available = fuse_available(); !available) {
      reason = available.error().line();
      return;
    }
    auto ends = Channel::pair();
    ASSERT_TRUE(ends);
    // Before the first door, so that no descriptor of FUSE gets into it. (The harness has a thread already; the child only makes system
    // calls and allocates, which fork(2) of this C library allows.)
    pid_ = fork();
    if (pid_ == 0) serve(ends->second);
    channel_ = std::move(ends->first);
    harness = std::move(*entered);
  }
  void TearDown() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    harness.reset();
  }

  Result<Played> play(const std::string& directory, const std::vector<std::uint64_t>& numbers, const node::Credentials& who) {
    Pack request;
    request.text(directory).number(who.uid).number(who.gid).number(who.privileged ? 1 : 0).number(numbers.size());
    for (const auto number : numbers) request.number(number);
    if (auto sent = channel_.send(request.bytes()); !sent) return std::unexpected(sent.error());
    auto message = channel_.receive();
    if (!message || !*message) return fail(ErrorCode::kIo, "the player has ended");
    Unpack answer((*message)->bytes);
    if (answer.number() == 0) return fail(ErrorCode::kIo, answer.text());
    Played played;
    played.answers = answer.texts();
    played.inventory = answer.texts();
    return played;
  }

  std::unique_ptr<subjects::Harness> harness;
  std::string reason;

 private:
  [[noreturn]] static void serve(const Channel& channel) {
    while (true) {
      auto message = channel.receive();
      if (!message || !*message) _exit(0);
      Unpack request((*message)->bytes);
      const auto directory = request.text();
      node::Credentials who;
      who.uid = request.number_as<uid_t>();
      who.gid = request.number_as<gid_t>();
      who.privileged = request.number() != 0;
      std::vector<node::PosixCall> calls;
      for (auto count = request.number(); count > 0; --count) calls.push_back(node::PosixCall::from(request.number()));
      const auto played = play_in_directory(directory, calls, who);
      Pack answer;
      answer.number(played ? 1 : 0);
      if (played) answer.texts(played->answers).texts(played->inventory);
      if (!played) answer.text(played.error().line());
      static_cast<void>(channel.send(answer.bytes()));
    }
  }

  pid_t pid_ = -1;
  Channel channel_;
};

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new Player);

void answers_as_tmpfs(const std::vector<std::uint64_t>& numbers, const node::Credentials& who, bool direct_io) {
  auto& player = *Player::instance();
  const auto plain = player.harness->make_directory("plain");
  RC_ASSERT(plain.has_value());
  const auto expected = player.play(*plain, numbers, who);
  if (!expected) RC_FAIL(expected.error().line());

  const VirtualClock clock;
  node::Node node(node::Tree(), clock);
  FuseDoor::Options options;
  options.direct_io = direct_io;
  auto door = FuseDoor::mount(node, clock, *player.harness->make_directory("differential"), options);
  RC_ASSERT(door.has_value());
  const auto seen = player.play((*door)->mount_point(), numbers, who);
  if (!seen) RC_FAIL(seen.error().line());
  RC_ASSERT(seen->answers == expected->answers);
  RC_ASSERT(seen->inventory == expected->inventory);
}

// Known and left so: a FUSE file system is asked about search permission by looking names up. Where a call fails without a look-up ("." and
// "..", a trailing slash, a missing directory on the other side of a rename) a directory that its owner may not search gives another error
// number than elsewhere, and "..", which is never looked up, leads out of it. Likewise for one that its owner may not write: the kernel may
// refuse a removal for the kind of the object (ENOTDIR, EISDIR) before it asks about the permission. The mount option default_permissions
// would close both, for twice the requests.
bool hides_or_locks_a_directory(const node::PosixCall& call) {
  using Kind = node::PosixCall::Kind;
  const bool sets_mode = call.kind == Kind::kMkdir || call.kind == Kind::kChmod || call.kind == Kind::kFchmod;
  return sets_mode && (call.mode & (S_IWUSR | S_IXUSR)) != (S_IWUSR | S_IXUSR);
}

constexpr node::Credentials kNobody{1000, 1000, false};

RC_GTEST_PROP(FuseDifferential, RootGetsTheAnswersOfATmpfs, (const std::vector<std::uint64_t>& numbers)) {
  if (!Player::instance()->reason.empty()) RC_DISCARD(Player::instance()->reason);
  answers_as_tmpfs(numbers, {}, false);
}

RC_GTEST_PROP(FuseDifferential, AUserGetsTheAnswersOfATmpfs, (std::vector<std::uint64_t> numbers)) {
  if (!Player::instance()->reason.empty() || getuid() != 0) RC_DISCARD("needs FUSE and root");
  std::erase_if(numbers, [](std::uint64_t number) { return hides_or_locks_a_directory(node::PosixCall::from(number)); });
  answers_as_tmpfs(numbers, kNobody, false);
}

RC_GTEST_PROP(FuseDifferential, DirectIoGivesTheSameAnswers, (const std::vector<std::uint64_t>& numbers)) {
  if (!Player::instance()->reason.empty()) RC_DISCARD(Player::instance()->reason);
  answers_as_tmpfs(numbers, {}, true);
}

}  // namespace
}  // namespace entryproof::doors
