// The reference in process: that it installs, waits, hears signals and dies when it is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "simulator/cluster/service_account.h"
#include "simulator/node/node.h"
#include "simulator/node/view.h"
#include "simulator/subjects/in_process/reference_in_process.h"

namespace entryproof::subjects {
namespace {

using cluster::Change;
using testing::HasSubstr;

constexpr const char* kConfiguration = "/host/etc/cni/net.d/00-multus.conf";
constexpr const char* kKubeconfig = "/host/etc/cni/net.d/multus.d/multus.kubeconfig";
constexpr const char* kOlderToken = "older.token.of-a-pod";

class InProcess : public testing::Test {
 protected:
  InProcess() { renew(); }

  // Another node, as the first one was.
  void renew() {
    node_ = std::make_unique<node::Node>(image(), clock_);
    session_ = 0;
  }

  static node::Tree image() {
    node::Tree tree;
    std::vector<Change> changes;
    for (const char* directory : {"host", "host/etc", "host/etc/cni", "host/etc/cni/net.d", "host/opt", "host/opt/cni", "host/opt/cni/bin",
                                  "usr", "usr/src", "usr/src/multus-cni", "usr/src/multus-cni/bin", "var", "var/run", "var/run/secrets",
                                  "var/run/secrets/kubernetes.io", "var/run/secrets/kubernetes.io/serviceaccount"}) {
      changes.push_back(Change::mkdir(directory, 0755));
    }
    changes.push_back(Change::write("usr/src/multus-cni/bin/multus", "\177ELF plugin", 0755));
    changes.push_back(Change::write("older-token", kOlderToken, 0600));
    changes.push_back(
        Change::write("host/etc/cni/net.d/10-bridge.conf", R"({"cniVersion": "0.3.1", "name": "b", "type": "bridge"})", 0644));
    EXPECT_TRUE(cluster::apply(tree, node::kRoot, changes, VirtualClock::kDefaultEpochNs));
    const cluster::ServiceAccount account(1, VirtualClock::kDefaultEpochNs);
    const auto base = node::View().resolve(tree, {}, "/var/run/secrets/kubernetes.io/serviceaccount");
    EXPECT_TRUE(cluster::apply(
        tree, *base, cluster::AtomicVolume(1).update(cluster::ServiceAccount::files(account.current()), VirtualClock::kDefaultEpochNs),
        VirtualClock::kDefaultEpochNs));
    return tree;
  }

  Result<std::unique_ptr<ReferenceInProcess>> start(std::vector<std::string> arguments = {"--multus-conf-file=auto"}) {
    ReferenceInProcess::Start start;
    start.arguments = std::move(arguments);
    start.environment = {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
    start.caller.actor = node::Actor::kBuild;
    start.caller.umask = 022;
    start.caller.session = ++session_;
    start.marks = marks_;
    return ReferenceInProcess::start(*node_, clock_, std::move(start));
  }

  std::optional<std::string> read(const std::string& path) const {
    const auto inode = node::View().resolve(node_->tree(), {}, path);
    if (!inode) return std::nullopt;
    const auto bytes = node_->tree().read_all(*inode);
    return bytes ? std::optional(*bytes) : std::nullopt;
  }

  // Turns, in the order in which they are due, until nobody has changed anything for a while.
  void settle(const std::vector<ReferenceInProcess*>& lives) {
    std::size_t quiet = 0;
    for (int turns = 0; turns < 100 && quiet < 3 * lives.size(); ++turns) {
      ReferenceInProcess* next = nullptr;
      for (auto* life : lives) {
        if (life->running() && (next == nullptr || life->next_wake() < next->next_wake())) next = life;
      }
      if (next == nullptr) return;
      const auto before = node_->tree().generation();
      clock_.advance_to(next->next_wake());
      next->turn();
      quiet = node_->tree().generation() == before ? quiet + 1 : 0;
    }
  }
  void settle(ReferenceInProcess& life) { settle({&life}); }

  std::shared_ptr<Marks> marks_;  // none, unless a test wants them
  std::uint32_t session_ = 0;     // of the program started last
  VirtualClock clock_;
  std::unique_ptr<node::Node> node_;
};

TEST_F(InProcess, InstallsAndWaits) {
  const auto life = start();
  ASSERT_TRUE(life) << life.error().line();
  settle(**life);
  EXPECT_TRUE((*life)->running());
  EXPECT_GT((*life)->next_wake(), clock_.now());
  EXPECT_THAT(read(kConfiguration).value_or(""), HasSubstr("bridge"));
  EXPECT_EQ(read("/host/opt/cni/bin/multus"), "\177ELF plugin");
  EXPECT_THAT((*life)->output(), HasSubstr("multus.kubeconfig"));
  EXPECT_FALSE((*life)->output_exceeded());
}

TEST_F(InProcess, TermEndsItCleanlyAndOthersDoNot) {
  const auto life = start();
  settle(**life);
  (*life)->signal(SIGHUP);
  EXPECT_TRUE((*life)->running());
  (*life)->signal(SIGTERM);
  EXPECT_FALSE((*life)->running());
  EXPECT_EQ((*life)->exit_code(), 0);
  EXPECT_EQ((*life)->ended_by(), std::nullopt);
  const auto generation = node_->tree().generation();
  (*life)->turn();
  EXPECT_EQ(node_->tree().generation(), generation);
}

TEST_F(InProcess, WhatItRefusesIsAShortLife) {
  const auto life = start({"--no-such-flag"});
  ASSERT_TRUE(life);
  EXPECT_FALSE((*life)->running());
  EXPECT_EQ((*life)->exit_code(), 64);
  EXPECT_THAT((*life)->output(), HasSubstr("no-such-flag"));
}

TEST_F(InProcess, UnknownMutantIsAnError) {
  ReferenceInProcess::Start start;
  start.mutant = "no-such-mutant";
  EXPECT_FALSE(ReferenceInProcess::start(*node_, clock_, std::move(start)));
}

TEST_F(InProcess, TheOlderOfTwoStandsByUntilTheNewerHasGoneHoweverThatEnds) {
  marks_ = std::make_shared<Marks>();
  const auto older = start({"--multus-conf-file=auto", "--token-file=/older-token"});
  clock_.advance_to(clock_.now() + std::chrono::milliseconds(100));
  const auto newer = start();
  settle({older->get(), newer->get()});
  const auto at_rest = node_->tree().generation();
  EXPECT_THAT(read(kKubeconfig).value_or(""), testing::Not(HasSubstr(kOlderToken)));
  settle({older->get(), newer->get()});
  EXPECT_EQ(node_->tree().generation(), at_rest);

  (*newer)->signal(SIGKILL);
  settle({older->get()});
  EXPECT_THAT(read(kKubeconfig).value_or(""), HasSubstr(kOlderToken));
}

// Seals the actor in front of operation N.
class KillAt : public node::Gate {
 public:
  KillAt(node::Node& node, std::uint64_t operation) : node_(node), operation_(operation) {}
  node::Ruling before(const node::Operation& operation) override {
    if (operation.index == operation_) node_.seal(node::Actor::kBuild);
    return {};
  }

 private:
  node::Node& node_;
  std::uint64_t operation_;
};

TEST_F(InProcess, KilledAtAnOperationItChangesAndSaysNothingMore) {
  const auto unkilled = start();
  settle(**unkilled);
  const std::uint64_t operations = node_->journal().counted();
  ASSERT_GT(operations, 10U);
  for (std::uint64_t at = 1; at <= operations; ++at) {
    renew();
    KillAt gate(*node_, at);
    node_->set_gate(&gate);
    const auto life = start();
    settle(**life);
    EXPECT_FALSE((*life)->running()) << at;
    EXPECT_EQ((*life)->ended_by(), SIGKILL);
    EXPECT_EQ((*life)->exit_code(), std::nullopt);
    EXPECT_THAT((*life)->output(), testing::Not(HasSubstr("everything is in place")));
    // What was done before stays, and nothing comes after.
    for (const auto& operation : node_->journal().operations()) {
      EXPECT_FALSE(operation.index >= at && operation.succeeded()) << operation.describe();
    }
  }
}

TEST_F(InProcess, TwoRunsOfOneSeedAreTheSame) {
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& operation : node_->journal().operations()) {
      if (operation.actor == node::Actor::kBuild) all.push_back(operation.describe());
    }
    return all;
  };
  settle(*start().value());
  const auto first = names();
  renew();
  settle(*start().value());
  EXPECT_EQ(names(), first);
}

}  // namespace
}  // namespace entryproof::subjects
