// Facts about one release after another on the same node: the old one killed, token and CA changed, the new one started.
#include <gtest/gtest.h>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

struct Upgrade {
  std::string name;
  Start from;
  Start to;
  std::function<void(Pod&)> check;
};

void PrintTo(const Upgrade& upgrade, std::ostream* out) {
  *out << upgrade.name << " " << upgrade.from.version << " to " << upgrade.to.version;
}

Start automatically(const std::string& version) { return {.version = version, .flags = automatic(version)}; }
Start by_hand(const std::string& version) { return {.version = version, .flags = manual()}; }

const auto kFresh = says(kKubeconfig, "token: \"tok-BBB\"");
const auto kStale = says(kKubeconfig, "token: \"tok-AAA\"");
const auto kFreshCa = says(kKubeconfig, "certificate-authority-data: Q0EtQkJCCg==");

std::size_t levels(Pod& pod, const char* path) {
  const std::string text = pod.read(path).value_or("");
  std::size_t count = 0;
  for (std::size_t at = text.find("delegates"); at != text.npos; at = text.find("delegates", at + 1)) ++count;
  return count;
}

std::function<void(Pod&)> multus_levels(std::size_t count) {
  return [=](Pod& pod) { EXPECT_EQ(levels(pod, kConf), count); };
}

void both_files(Pod& pod) {
  EXPECT_TRUE(pod.exists(kConf));
  EXPECT_TRUE(pod.exists(kManualCopy));
}

void cni_conf_dir_stays(Pod& pod) { EXPECT_TRUE(pod.exists("/host/etc/cni/multus/net.d")); }

std::vector<Upgrade> upgrades() {
  std::vector<Upgrade> all = {
      {"manual", by_hand("3.9.3"), by_hand("4.0.2"), kStale},
      {"auto", automatically("3.9.3"), automatically("4.0.2"), all_of({kFresh, multus_levels(2)})},
      {"manual to auto", by_hand("3.9.3"), automatically("4.0.2"), all_of({kFresh, both_files})},
      {"auto to manual", automatically("3.9.3"), by_hand("4.0.2"), all_of({kStale, both_files})},
      {"restart", automatically("4.0.2"), automatically("4.0.2"), all_of({kFresh, multus_levels(2)})},
      {"restart manual", by_hand("4.0.2"), by_hand("4.0.2"), missing(kKubeconfig)},
      {"downgrade", by_hand("4.1.4"), by_hand("3.9.3"), all_of({kFresh, cni_conf_dir_stays})},
      {"downgrade", by_hand("4.0.2"), by_hand("3.9.3"), kFresh},
  };
  for (const char* version : {"4.1.4", "4.2.2", "4.2.3", "4.2.4", "4.3.0"}) {
    all.push_back({"manual", by_hand("3.9.3"), by_hand(version), all_of({kFresh, kFreshCa})});
    all.push_back({"auto", automatically("3.9.3"), automatically(version), all_of({kFresh, multus_levels(1)})});
    all.push_back({"manual to auto", by_hand("3.9.3"), automatically(version), all_of({kFresh, both_files})});
    all.push_back({"auto to manual", automatically("3.9.3"), by_hand(version), all_of({kFresh, both_files})});
    all.push_back({"restart", automatically(version), automatically(version), all_of({kFresh, multus_levels(1)})});
    all.push_back(
        {"to the newest", automatically(version), automatically("4.3.0"), all_of({kFresh, multus_levels(1), missing(kConflist)})});
  }
  all.push_back({"to the newest", automatically("4.0.2"), automatically("4.3.0"), all_of({kFresh, multus_levels(1)})});
  return all;
}

class UpgradeTest : public testing::TestWithParam<Upgrade> {};

TEST_P(UpgradeTest, Fact) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  const Upgrade& upgrade = GetParam();
  Pod pod;
  ASSERT_EQ(pod.run(upgrade.from), "runs") << pod.process().err();
  pod.process().kill();
  pod.rotate("tok-BBB", "CA-BBB\n");
  pod.put("/usr/src/multus-cni/bin/multus", "new binary", 0755);
  ASSERT_EQ(pod.run(upgrade.to), "runs") << pod.process().err();
  EXPECT_EQ(pod.read("/host/opt/cni/bin/multus"), "new binary");
  upgrade.check(pod);
}

std::string upgrade_name(const testing::TestParamInfo<Upgrade>& parameter) {
  std::string name;
  for (const char c : parameter.param.name + "_" + parameter.param.from.version + "_to_" + parameter.param.to.version) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Paths, UpgradeTest, testing::ValuesIn(upgrades()), upgrade_name);

// Each restart of 4.0.x wraps the configuration once more; the later releases leave both files after a change of extension.
TEST(Restart, SelfDelegationGrows) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  Pod pod;
  for (std::size_t start = 1; start <= 4; ++start) {
    ASSERT_EQ(pod.run(automatically("4.0.2")), "runs");
    EXPECT_EQ(levels(pod, kConf), start);
    pod.process().kill();
  }
}

TEST(Restart, BothExtensionsStay) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  Pod pod;
  ASSERT_EQ(pod.run(automatically("4.3.0")), "runs");
  pod.process().kill();
  pod.put(kMaster, R"({"cniVersion":"1.0.0","name":"cbr0","plugins":[{"type":"flannel"}]})");
  ASSERT_EQ(pod.run(automatically("4.3.0")), "runs");
  EXPECT_TRUE(pod.exists(kConf));
  EXPECT_TRUE(pod.exists(kConflist));
}

TEST(Restart, RenamedMasterIsGone) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  for (const auto& [version, ends] : {std::pair<std::string, std::string>{"4.0.2", "runs"}, {"4.3.0", "exit 0"}}) {
    Pod pod;
    const Start start = {.version = version, .flags = automatic(version, {"--rename-conf-file"})};
    ASSERT_EQ(pod.run(start), "runs");
    pod.process().kill();
    EXPECT_EQ(pod.run(start), ends);
    EXPECT_EQ(pod.exists(kConf), version == "4.3.0") << "4.0.x renames its own file away";
  }
}

}  // namespace
}  // namespace entryproof::subjects::predecessor
