// kubelet's clockwork: refreshes at 80 % of a life, updates torn where a reader can come in between, mounts that never follow, and boot.
#include "simulator/cluster/kubelet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/cluster/boot.h"
#include "simulator/cluster/handshake.h"
#include "simulator/node/view.h"

namespace entryproof::cluster {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = VirtualClock::kDefaultEpochNs;

std::optional<std::string> read(const node::Tree& tree, const std::string& path) {
  const auto inode = node::View().resolve(tree, {}, path);
  const auto bytes = inode ? tree.read_all(*inode) : node::refuse(ENOENT);
  return bytes ? std::optional(*bytes) : std::nullopt;
}

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

TEST(ProjectedVolume, ADayOfRotationAlwaysHoldsALivingToken) {
  std::int64_t now = kNow;
  ServiceAccount account(std::make_shared<ControlPlane>(1, [&now] { return now; }), now);
  ProjectedVolume volume(account, 1);
  node::Tree tree;
  ASSERT_TRUE(apply(tree, node::kRoot, volume.sync(now), now));
  while (now < kNow + 24 * 3600 * kSecond) {
    EXPECT_TRUE(volume.sync(now).empty());
    now = *volume.next_due();
    ASSERT_TRUE(apply(tree, node::kRoot, volume.sync(now), now));
    EXPECT_GT(*volume.next_due(), now);
    EXPECT_EQ(read(tree, "/token"), account.current().token);
    ASSERT_TRUE(account.control().authenticate(*read(tree, "/token")));
  }
  EXPECT_THAT(account.generations().size(), testing::AllOf(testing::Ge(30U), testing::Le(32U)));
}

TEST(ProjectedVolume, BringsANewCaAtTheNextPass) {
  ServiceAccount account(1, kNow);
  ProjectedVolume volume(account, 1);
  node::Tree tree;
  ASSERT_TRUE(apply(tree, node::kRoot, volume.sync(kNow), kNow));
  account.rotate_ca(CaStep::kAdd, kNow);
  ASSERT_TRUE(apply(tree, node::kRoot, volume.sync(kNow), kNow));
  EXPECT_EQ(read(tree, "/ca.crt"), account.current().ca_pem);
  EXPECT_EQ(read(tree, "/token"), account.current().token);
}

// --- torn updates ---

struct Torn {
  Torn() {
    EXPECT_TRUE(apply(tree, node::kRoot, volume.update({{"token", "old"}, {"ca.crt", "old"}}, kNow), kNow));
    before = volume.data_directory();
    update = volume.update({{"token", "new"}, {"ca.crt", "new"}}, kNow + kSecond);
  }
  node::Tree tree;
  AtomicVolume volume{1};
  std::string before;
  std::vector<Change> update;
};

TEST(Tear, LosesNoStepAndKeepsTheirOrder) {
  for (const Tear where : {Tear::kNowhere, Tear::kAroundSwing, Tear::kBeforeRemoval, Tear::kEverywhere}) {
    const Torn torn;
    std::vector<Change> joined;
    for (const auto& part : tear(torn.update, where)) {
      EXPECT_FALSE(part.empty());
      joined.insert(joined.end(), part.begin(), part.end());
    }
    EXPECT_EQ(joined, torn.update);
  }
  EXPECT_TRUE(tear({}, Tear::kEverywhere).empty());
}

TEST(Tear, AroundTheSwingAReaderLosesTheDirectoryThatItResolved) {
  Torn torn;
  const auto parts = tear(torn.update, Tear::kAroundSwing);
  ASSERT_EQ(parts.size(), 2U);
  ASSERT_TRUE(apply(torn.tree, node::kRoot, parts[0], kNow));
  EXPECT_EQ(read(torn.tree, "/token"), "old");
  ASSERT_TRUE(apply(torn.tree, node::kRoot, parts[1], kNow));
  EXPECT_EQ(read(torn.tree, "/token"), "new");
  EXPECT_EQ(read(torn.tree, "/" + torn.before + "/token"), std::nullopt);
}

TEST(Tear, BeforeTheRemovalBothGenerationsCanBeRead) {
  Torn torn;
  const auto parts = tear(torn.update, Tear::kBeforeRemoval);
  ASSERT_EQ(parts.size(), 2U);
  ASSERT_TRUE(apply(torn.tree, node::kRoot, parts[0], kNow));
  EXPECT_EQ(read(torn.tree, "/ca.crt"), "new");
  EXPECT_EQ(read(torn.tree, "/" + torn.before + "/ca.crt"), "old");
}

TEST(Tear, EverywhereIsStepByStep) {
  const Torn torn;
  EXPECT_EQ(tear(torn.update, Tear::kEverywhere).size(), torn.update.size());
  EXPECT_EQ(tear(torn.update, Tear::kNowhere).size(), 1U);
}

TEST(FrozenCopies, AreTheNamedFilesAndNothingElse) {
  const Payload payload = {{"token", "t"}, {"ca.crt", "c"}, {"namespace", "n"}};
  EXPECT_THAT(frozen_copies(payload, {"token", "missing"}), ElementsAre(Change::write("token", "t", 0644)));
}

TEST(AtomicVolume, FilesHaveTheModeOfTheVolume) {
  node::Tree tree;
  AtomicVolume secret(1, 0400);
  ASSERT_TRUE(apply(tree, node::kRoot, secret.update({{"token", "t"}}, kNow), kNow));
  EXPECT_EQ(tree.attributes(*node::View().resolve(tree, {}, "/token"))->mode, 0400U);
}

// --- boot ---

TEST(Boot, WhatHoldsStaysAndTheLastStageHasEverything) {
  for (const NodeRole role : {NodeRole::kControlPlane, NodeRole::kWorker}) {
    const auto& stages = boot_stages(role);
    for (std::size_t i = 1; i < stages.size(); ++i) {
      EXPECT_GT(stages[i].after, stages[i - 1].after);
      EXPECT_GE(stages[i].static_pods, stages[i - 1].static_pods);
      EXPECT_GE(stages[i].api_server, stages[i - 1].api_server);
      EXPECT_GE(stages[i].daemon_pods, stages[i - 1].daemon_pods);
      EXPECT_GE(stages[i].service_variables, stages[i - 1].service_variables);
      EXPECT_GE(stages[i].service_address, stages[i - 1].service_address);
      // A projected volume needs a token, and a token needs the server.
      EXPECT_LE(stages[i].daemon_pods, stages[i].api_server);
    }
    EXPECT_TRUE(stages.back().service_variables && stages.back().service_address && stages.back().static_pods);
  }
}

TEST(Boot, StaticPodsOfAControlPlaneRunBeforeTheServer) {
  const auto& stages = boot_stages(NodeRole::kControlPlane);
  EXPECT_TRUE(std::any_of(stages.begin(), stages.end(), [](const BootStage& stage) { return stage.static_pods && !stage.api_server; }));
}

TEST(Boot, ServiceVariablesAreThoseOfKubelet) {
  const auto four = service_variables("10.96.0.1", "443");
  EXPECT_EQ(four.at("KUBERNETES_SERVICE_HOST"), "10.96.0.1");
  EXPECT_EQ(four.at("KUBERNETES_PORT_443_TCP"), "tcp://10.96.0.1:443");
  EXPECT_EQ(service_variables("fd00:10:96::1", "443").at("KUBERNETES_PORT"), "tcp://[fd00:10:96::1]:443");
}

}  // namespace
}  // namespace entryproof::cluster
