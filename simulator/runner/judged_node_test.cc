#include "simulator/runner/judged_node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "simulator/oracles/attach.h"
#include "simulator/runner/case_test_support.h"
#include "simulator/runner/given.h"

namespace entryproof::runner {
namespace {

using namespace std::chrono_literals;

// A node with kubelet's volume and a primary.
const node::Tree& fresh() {
  static const node::Tree kTree = [] {
    Scenario scenario;
    scenario.given.primary = "flannel";
    Credentials credentials(scenario.given, Site::usual(), 1, [] { return VirtualClock::kDefaultEpochNs; });
    ProjectedVolumes volumes(1);
    auto made = make_node(scenario, suite(), Site::usual(), credentials, volumes, VirtualClock::kDefaultEpochNs);
    EXPECT_TRUE(made) << made.error().line();
    return made ? std::move(*made) : node::Tree();
  }();
  return kTree;
}

Start started(const std::string& mutant = "") {
  Start start;
  start.build.spec = mutant.empty() ? "reference" : "mutant:" + mutant;
  start.build.variant = mutant;
  start.arguments = {"--multus-conf-file=auto"};
  start.environment = environment(Given{}, {});
  return start;
}

std::vector<std::string> told(const node::Journal& journal) {
  std::vector<std::string> lines;
  for (const auto& operation : journal.operations()) {
    lines.push_back(std::to_string(operation.index) + " " + std::to_string(operation.at.since_start.count()) + " " + operation.describe());
  }
  return lines;
}

bool attachable(const JudgedNode& node) {
  oracles::Readers readers;
  return oracles::attach(node.tree(), node.layout(), oracles::Mode::kAutomatic, node.judge().published(), readers).possible();
}

TEST(JudgedNode, AnInstallComesToRestWithoutAFinding) {
  JudgedNode node(Site::usual());
  node.reset(fresh());
  EXPECT_FALSE(attachable(node));
  EXPECT_EQ(node.live(started()), Woke::kRest);
  EXPECT_TRUE(node.node().running());
  EXPECT_TRUE(attachable(node));
  EXPECT_TRUE(node.findings().empty());
}

TEST(JudgedNode, ChargesWhoDeservesItAndForgetsItOnTheNextNode) {
  JudgedNode node(Site::usual());
  node.reset(fresh());
  ASSERT_EQ(node.live(started("configuration-in-place")), Woke::kRest);
  ASSERT_FALSE(node.findings().empty());
  node.reset(fresh());
  EXPECT_TRUE(node.findings().empty());
  ASSERT_EQ(node.live(started()), Woke::kRest);
  EXPECT_TRUE(node.findings().empty());
}

TEST(JudgedNode, TwoLivesOnOneTreeAreTheSameLife) {
  JudgedNode node(Site::usual());
  node.reset(fresh());
  ASSERT_EQ(node.live(started()), Woke::kRest);
  const auto first = told(node.journal());
  const node::Tree installed = node.tree();
  node.reset(installed);
  ASSERT_EQ(node.live(started()), Woke::kRest);
  EXPECT_LT(node.journal().counted(), first.size());  // nothing is to be done any more
  node.reset(fresh());
  ASSERT_EQ(node.live(started()), Woke::kRest);
  EXPECT_EQ(told(node.journal()), first);
}

TEST(JudgedNode, KillsAtAnOperationAndGoesOn) {
  JudgedNode node(Site::usual());
  node.reset(fresh());
  node.node().arm_kill(3);
  ASSERT_EQ(node.live(started()), Woke::kRest);
  EXPECT_EQ(node.node().life("build").signal, SIGKILL);
  EXPECT_FALSE(attachable(node));
  ASSERT_EQ(node.live(started()), Woke::kRest);
  EXPECT_TRUE(attachable(node));
  EXPECT_TRUE(node.findings().empty());
}

TEST(JudgedNode, AKillThatWasNotDueIsForgottenWithTheNode) {
  JudgedNode node(Site::usual());
  node.reset(fresh());
  node.node().arm_kill(3);
  node.reset(fresh());
  ASSERT_EQ(node.live(started()), Woke::kRest);
  EXPECT_TRUE(node.node().life("build").running);
}

}  // namespace
}  // namespace entryproof::runner
