#include "simulator/faults/engine.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace entryproof::faults {
namespace {

using namespace std::chrono_literals;
using node::Actor;
using node::Caller;
using node::Errno;
using node::kRoot;

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    node_.set_gate(&engine_);
    node_.set_pause([this](Duration time) { clock_.advance_to(clock_.now() + time); });
  }

  void plan(std::string_view text) {
    auto read = parse(text);
    ASSERT_TRUE(read) << read.error().line();
    engine_.set_plan(std::move(*read));
  }

  static int error_of(const auto& outcome) { return outcome ? 0 : static_cast<int>(outcome.error()); }
  node::InodeId make(const std::string& name) { return *node_.create(Caller{}, kRoot, name, 0644, O_WRONLY); }
  int write(node::InodeId file, std::string_view bytes = "0123456789") { return error_of(node_.write(build_, file, 0, bytes)); }

  VirtualClock clock_;
  node::Node node_{node::Tree(), clock_};
  Engine engine_{node_};
  Caller build_{Actor::kBuild, {}, 0, 1};
};

TEST_F(EngineTest, HitsTheNthMatchingOperationOnceAndSaysSo) {
  const auto a = make("a");
  const auto b = make("b");
  plan("write **/a nth=2 errno=ENOSPC");
  EXPECT_EQ(write(a), 0);
  EXPECT_EQ(write(b), 0);
  EXPECT_EQ(write(a), ENOSPC);
  EXPECT_EQ(write(a), 0);
  ASSERT_EQ(engine_.injections().size(), 1U);
  EXPECT_EQ(engine_.injections()[0].what, "write of /a: ENOSPC injected");
  EXPECT_EQ(engine_.injections()[0].index, 3U);
  const auto& entry = node_.journal().operations()[engine_.injections()[0].seq - 1];
  EXPECT_TRUE(entry.injected);
  EXPECT_EQ(entry.result, ENOSPC);
}

TEST_F(EngineTest, NeverTouchesTheWorldOrAStage) {
  const auto a = make("a");
  plan("any ** errno=EIO sticky");
  EXPECT_EQ(error_of(node_.write(Caller{}, a, 0, "x")), 0);
  Caller stage{Actor::kStage, {}, 0, 1};
  EXPECT_EQ(error_of(node_.write(stage, a, 0, "x")), 0);
  EXPECT_EQ(write(a), EIO);
}

TEST_F(EngineTest, StickyGoesOnForTheSameKindInEveryLaterStart) {
  const auto a = make("a");
  plan("any ** nth=2 errno=ENOSPC sticky");
  EXPECT_EQ(write(a), 0);
  EXPECT_EQ(write(a), ENOSPC);
  EXPECT_EQ(error_of(node_.fsync(build_, a, false)), 0);
  build_.session = 2;
  EXPECT_EQ(write(a), ENOSPC);
  engine_.set_plan({});
  EXPECT_EQ(write(a), 0);
}

TEST_F(EngineTest, CountsOverAllStarts) {
  const auto a = make("a");
  plan("write ** nth=2 errno=EIO");
  EXPECT_EQ(write(a), 0);
  build_.session = 2;
  EXPECT_EQ(write(a), EIO);
  EXPECT_EQ(write(a), 0);
}

TEST_F(EngineTest, FollowsASequence) {
  plan("mkdir ** seq=x.x errno=EROFS");
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "d", 0755)), EROFS);
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "d", 0755)), 0);
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "e", 0755)), EROFS);
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "e", 0755)), 0);
}

TEST_F(EngineTest, CutsAWriteShortAndThenTheDiskIsFull) {
  const auto a = make("a");
  plan("write **/a short=4 then errno=ENOSPC");
  EXPECT_EQ(write(a, "abc"), 0);  // nothing to be cut off
  EXPECT_EQ(*node_.write(build_, a, 0, "0123456789"), 4U);
  EXPECT_EQ(*node_.tree().read_all(a), "0123");
  EXPECT_EQ(error_of(node_.write(build_, a, 4, "456789")), ENOSPC);
  EXPECT_EQ(error_of(node_.write(build_, a, 4, "456789")), 0);
}

TEST_F(EngineTest, AFileSizeLimitStays) {
  const auto a = make("a");
  plan("write **/a short=4 then errno=EFBIG sticky");
  EXPECT_EQ(*node_.write(build_, a, 0, "0123456789"), 4U);
  EXPECT_EQ(error_of(node_.write(build_, a, 4, "456789")), EFBIG);
  EXPECT_EQ(error_of(node_.write(build_, a, 4, "456789")), EFBIG);
}

TEST_F(EngineTest, AfterMeansThatItTookEffect) {
  plan("mkdir ** after errno=EIO");
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "d", 0755)), EIO);
  EXPECT_NE(node_.tree().child(kRoot, "d"), 0U);
  EXPECT_EQ(engine_.injections()[0].what, "mkdir of /d: EIO injected after it took effect");
  plan("mkdir ** after errno=EIO");
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "d", 0755)), EEXIST);  // it failed by itself
}

TEST_F(EngineTest, DelaysPassInTheWorldsTime) {
  const auto a = make("a");
  plan("write ** delay=250ms\nwrite ** delay=50us after");
  const Moment before = clock_.now();
  EXPECT_EQ(write(a), 0);
  EXPECT_EQ(clock_.now() - before, 250ms + 50us);
  EXPECT_EQ(write(a), 0);
  EXPECT_EQ(clock_.now() - before, 250ms + 50us);
}

TEST_F(EngineTest, KillsBeforeAndAfter) {
  std::vector<std::uint32_t> killed;
  engine_.on_kill([&](Actor, std::uint32_t session) { killed.push_back(session); });
  plan("mkdir **/d kill");
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "d", 0755)), EIO);
  EXPECT_EQ(node_.tree().child(kRoot, "d"), 0U);
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "e", 0755)), EIO);
  EXPECT_EQ(node_.tree().child(kRoot, "e"), 0U);  // killed means dead
  build_.session = 2;
  plan("mkdir **/d after kill");
  EXPECT_EQ(error_of(node_.mkdir(build_, kRoot, "d", 0755)), EIO);
  EXPECT_NE(node_.tree().child(kRoot, "d"), 0U);
  EXPECT_EQ(killed, (std::vector<std::uint32_t>{1, 2}));
}

TEST_F(EngineTest, APowerCutIsTheWorldsBusinessAndSealsEverybody) {
  std::string cut;
  engine_.on_power_cut(
      [&](const Rule& rule, const node::Operation& operation) { cut = to_string(rule) + " at " + std::to_string(operation.index); });
  const auto a = make("a");
  plan("any ** nth=2 after powercut model=xfs omit=1");
  EXPECT_EQ(write(a), 0);
  EXPECT_EQ(error_of(node_.fsync(build_, a, false)), EIO);
  EXPECT_EQ(cut, "any ** nth=2 after powercut model=xfs omit=1 at 2");
  build_.session = 2;
  EXPECT_EQ(write(a), EIO);
  EXPECT_TRUE(node_.sealed(Actor::kStage));
}

TEST_F(EngineTest, KillsAStartAtItsNthOperation) {
  bool killed = false;
  engine_.kill_at(1, 2, [&] { killed = true; });
  const auto a = make("a");
  EXPECT_EQ(write(a), 0);
  EXPECT_FALSE(killed);
  EXPECT_EQ(write(a), EIO);
  EXPECT_TRUE(killed);
  EXPECT_EQ(write(a), EIO);
}

TEST_F(EngineTest, ChangesTheWorldBehindARead) {
  ASSERT_TRUE(node_.mkdir(Caller{}, kRoot, "d", 0755));
  const auto d = node_.tree().child(kRoot, "d");
  const auto file = *node_.create(Caller{}, d, "f", 0644, O_WRONLY);
  int changes = 0;
  engine_.at(behind_read_below("/d"), "", [&](const node::Operation&) {
    ASSERT_TRUE(node_.mkdir(Caller{}, kRoot, "e" + std::to_string(++changes), 0755));  // the node may be changed here
  });
  ASSERT_TRUE(node_.read(Caller{}, file, 0, 10));
  EXPECT_EQ(changes, 0);
  ASSERT_TRUE(node_.read(build_, file, 0, 10));
  ASSERT_TRUE(node_.read(build_, file, 0, 10));
  EXPECT_EQ(changes, 1);
}

TEST_F(EngineTest, KeepsAnAppointmentOnceBeforeTheOperationIsApplied) {
  std::vector<std::uint64_t> told;
  const auto moment = parse_moment("write **/a nth=2");
  ASSERT_TRUE(moment) << moment.error().line();
  const auto a = make("a");
  engine_.at(*moment, "told",
             [&](const node::Operation& operation) { told.push_back(operation.index + 1000 * node_.tree().attributes(a)->size); });
  for (int time = 0; time < 3; ++time) EXPECT_EQ(write(a), 0);
  const auto size = node_.tree().attributes(a)->size;
  EXPECT_EQ(told, std::vector<std::uint64_t>{2 + 1000 * size});
  ASSERT_EQ(engine_.injections().size(), 1U);
  EXPECT_EQ(engine_.injections()[0].what, "write of /a: told");
}

TEST_F(EngineTest, CloseIsNoOperationUnlessARuleAsksForIt) {
  const auto a = make("a");
  const auto before = node_.journal().operations().size();
  EXPECT_EQ(error_of(node_.close(build_, a)), 0);
  EXPECT_EQ(node_.journal().operations().size(), before);
  plan("close **/a errno=EIO");
  EXPECT_TRUE(node_.watches(node::Verb::kClose));
  EXPECT_EQ(error_of(node_.close(build_, a)), EIO);
  EXPECT_EQ(error_of(node_.close(build_, a)), 0);
  EXPECT_EQ(node_.journal().operations().back().describe(), "close /a: ok");
  EXPECT_EQ(node_.journal().operations().back().index, 0U);
}

TEST_F(EngineTest, TheFirstRuleThatHitsDecidesAndAllCount) {
  const auto a = make("a");
  plan("write ** nth=1 errno=EIO\nwrite **/a nth=1 errno=ENOSPC\nwrite ** nth=2 errno=EDQUOT");
  EXPECT_EQ(write(a), EIO);
  EXPECT_EQ(write(a), EDQUOT);
  EXPECT_EQ(write(a), 0);
}

TEST_F(EngineTest, FailsTheKthOperationOfARun) {
  const auto a = make("a");
  engine_.set_plan({fail_operation(2, EIO, false), fail_nth(node::Verb::kRead, 1, EIO, true)});
  EXPECT_EQ(write(a), 0);
  EXPECT_EQ(error_of(node_.read(build_, a, 0, 1)), EIO);
  EXPECT_EQ(error_of(node_.fsync(build_, a, false)), EIO);
  EXPECT_EQ(error_of(node_.read(build_, a, 0, 1)), EIO);
}

TEST_F(EngineTest, KeepsSoManyInjectionsAndCountsTheRest) {
  const auto a = make("a");
  plan("write ** errno=EIO sticky");
  for (std::size_t i = 0; i < Engine::kMostInjections + 5; ++i) EXPECT_EQ(write(a), EIO);
  EXPECT_EQ(engine_.injections().size(), Engine::kMostInjections);
  EXPECT_EQ(engine_.injected(), Engine::kMostInjections + 5);
}

}  // namespace
}  // namespace entryproof::faults
