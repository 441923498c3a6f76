// kubelet's clockwork: tokens are replaced at 80 % of a life.
#include "simulator/cluster/token_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "simulator/base/clock.h"

namespace entryproof::cluster {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = VirtualClock::kDefaultEpochNs;

Generation generation(std::uint64_t id, std::int64_t life) {
  Generation made;
  made.id = id;
  made.issued_at = kNow / kSecond;
  made.expires = made.issued_at + life;
  made.life_seconds = life;
  return made;
}

TEST(TokenManager, RefreshesAtFourFifthsLessSomeJitter) {
  const TokenManager manager(1);
  std::set<std::int64_t> moments;
  for (std::uint64_t id = 1; id < 50; ++id) {
    const auto at = *manager.refresh_at(generation(id, 3607));
    EXPECT_LE(at, kNow + 3607 * kSecond / 5 * 4);
    EXPECT_GE(at, kNow + 3607 * kSecond / 5 * 4 - 10 * kSecond);
    moments.insert(at);
  }
  EXPECT_GT(moments.size(), 45U);
  EXPECT_EQ(TokenManager(1).refresh_at(generation(3, 3607)), manager.refresh_at(generation(3, 3607)));
  EXPECT_NE(TokenManager(2).refresh_at(generation(3, 3607)), manager.refresh_at(generation(3, 3607)));
}

TEST(TokenManager, AShortLifeHasLittleJitterAndALongOneEndsWithTheDay) {
  const TokenManager manager(1);
  EXPECT_GE(*manager.refresh_at(generation(1, 5)), kNow + 4 * kSecond - kSecond / 10);
  EXPECT_LE(*manager.refresh_at(generation(1, 5)), kNow + 4 * kSecond);
  EXPECT_LE(*manager.refresh_at(generation(1, 40 * 24 * 3600)), kNow + 24 * 3600 * kSecond);
}

TEST(TokenManager, ATimeOfIssueInTheFutureIsAReasonToRefresh) {
  const TokenManager manager(1);
  EXPECT_FALSE(manager.due(generation(1, 3607), kNow));
  EXPECT_TRUE(manager.due(generation(1, 3607), kNow - kSecond));
  EXPECT_TRUE(manager.due(generation(1, 3607), kNow + 2886 * kSecond));
}

TEST(TokenManager, DoesNotManageLegacyTokensAndIsNotFooledByStretchedOnes) {
  TokenOptions options;
  options.legacy = true;
  const auto control = std::make_shared<ControlPlane>(1, [] { return kNow; });
  EXPECT_EQ(TokenManager(1).refresh_at(ServiceAccount(control, kNow, options).current()), std::nullopt);
  options.legacy = false;
  options.stretched = true;
  EXPECT_LE(*TokenManager(1).refresh_at(ServiceAccount(control, kNow, options).current()), kNow + 2886 * kSecond);
}

TEST(TokenManager, ADayOfItsRotationsAlwaysHasALivingToken) {
  std::int64_t now = kNow;
  ServiceAccount account(std::make_shared<ControlPlane>(1, [&now] { return now; }), now);
  const TokenManager manager(1);
  while (now < kNow + 24 * 3600 * kSecond) {
    const auto due = *manager.refresh_at(account.current());
    ASSERT_GT(due, now);
    now = due - 1;
    EXPECT_FALSE(manager.due(account.current(), now));
    ASSERT_TRUE(account.control().authenticate(account.current().token));
    now = due;
    EXPECT_TRUE(manager.due(account.current(), now));
    account.rotate(true, false, now);
  }
  EXPECT_THAT(account.generations().size(), testing::AllOf(testing::Ge(30U), testing::Le(32U)));
}

}  // namespace
}  // namespace entryproof::cluster
