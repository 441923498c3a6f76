// Which files are published, replaced, restored and left alone: from the first start on an empty node to the upgrade from every old build.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <functional>
#include <tuple>
#include <utility>

#include "reference/entrypoint_test_support.h"
#include "reference/kubeconfig.h"

namespace reference {
namespace {

const std::string kCopy = kNet + "/70-multus.conf";

std::string kubeconfig_of(const std::string& token, const std::string& host = "10.96.0.1") {
  return render_kubeconfig({.protocol = "https", .host = host, .port = 443}, token, kPem);
}

TEST_F(EntrypointTest, AnyPartOfTheNodeMayBeMissing) {  // EXIST-05
  host.put(kManualFile, kManual);
  for (const bool manual : {false, true}) {
    for (unsigned gone = 0; gone < 16; ++gone) {
      host.remove_all("/host");
      host.put_directory("/host/etc/cni");
      host.put_directory("/host/opt/cni");
      if ((gone & 1) == 0) host.put_directory(kNet);
      if ((gone & 2) == 0) host.put_directory(kBin);
      if ((gone & 3) == 0) host.put_directory(kNet + "/multus.d");
      const bool late = (gone & 8) != 0;
      if (!late) host.put(kNet + "/10-flannel.conf", kFlannel);
      manual ? start_manual() : start();
      run(1s);
      EXPECT_TRUE(has_token("first-token")) << gone;
      host.put(kNet + "/10-flannel.conf", kFlannel);
      run(2s);
      EXPECT_EQ(host.bytes(kPlugin), "program") << gone;
      EXPECT_EQ(manual ? host.bytes(kCopy).value_or("") : delegate(), manual ? kManual : kFlannel) << gone;
      // A reboot takes volatile directories with it while nobody runs.
      host.remove_all(kNet + "/multus.d");
      host.remove_all(kBin);
      manual ? start_manual() : start();
      run(2s);
      EXPECT_TRUE(has_token("first-token")) << gone;
      EXPECT_EQ(host.status(kNet + "/multus.d").mode & 07777U, 0700U);
    }
  }
}

TEST_F(EntrypointTest, WhoMayReadTheKubeconfigCanReachIt) {  // SECURE-53
  std::map<std::string, std::string> environment = kEnvironment;
  for (const auto& [wanted, file, directory] :
       std::initializer_list<std::tuple<std::string, mode_t, mode_t>>{{"640", 0640, 0750}, {"644", 0644, 0755}, {"600", 0600, 0700}}) {
    environment["KUBECONFIG_MODE"] = wanted;
    start({}, environment);
    run(2s);
    EXPECT_EQ(host.status(kKubeconfig).mode & 07777U, file);
    EXPECT_EQ(host.status(kNet + "/multus.d").mode & 07777U, directory);
    EXPECT_EQ(host.status(kConf).mode & 07777U, 0600U);
  }
}

TEST_F(EntrypointTest, TheConfigurationsDirectoryIsMadeWhereverTheKubeconfigIs) {  // EXIST-05, EXIST-03
  host.remove_all(kNet);
  host.put(kKubeconfig.substr(0, 5) + "/etc/kube/multus.kubeconfig", "somebody else's");
  host.put("/host/primaries/10-flannel.conf", kFlannel);
  start({"--kubeconfig-policy=never", "--multus-autoconfig-dir=/host/primaries", "--cni-bin-dir=/host/etc/kube",
         "--multus-kubeconfig-file-host=/etc/kube/multus.kubeconfig"});
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, SaysIfTheKubeconfigMayBeLostAlone) {  // EXIST-05
  start();
  run(2s);
  EXPECT_FALSE(said("different file systems"));
  host.remove_all(kNet + "/multus.d");
  host.put_volume(kNet + "/multus.d");
  start();
  run(2s);
  EXPECT_TRUE(said("different file systems"));
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, ADirectoryThatIsReplacedUnderUsIsFilledAgain) {  // ORDER-44
  start();
  run(2s);
  const auto inode = host.status(kNet).inode;
  host.remove_all(kNet);
  run(2s);
  host.remove_all(kNet);
  host.put(kNet + "/10-flannel.conf", kFlannel);
  run(2s);
  EXPECT_NE(host.status(kNet).inode, inode);
  EXPECT_TRUE(has_token("first-token"));
  EXPECT_EQ(delegate(), kFlannel);
  for (const std::string& change : host.changes) {
    EXPECT_FALSE(change == "unlink " + kNet || change == "rename " + kNet || change == "unlink " + kNet + "/10-flannel.conf");
  }
}

// What each old build left, and a new token: one start makes it right.
TEST_F(EntrypointTest, UpgradesFromManualModeOfOldBuilds) {  // UPGRADE-M1, UPGRADE-M5
  host.put(kManualFile, kManual);
  for (const bool kubeconfig : {true, false}) {  // 3.9.3 wrote one, 4.0.2 did not
    host.remove_all(kNet + "/multus.d");
    host.put(kCopy, kManual, 0644);
    if (kubeconfig) host.put(kKubeconfig, kubeconfig_of("old-token", "fd00::1"), 0600);
    host.put(kBin + "/_multus", "half", 0644);
    start_manual();
    run(2s);
    EXPECT_TRUE(has_token("first-token"));
    EXPECT_EQ(host.status(kKubeconfig).mode & 07777U, 0600U);
    EXPECT_EQ(host.status(kCopy).mode & 07777U, 0600U);  // SECURE-53
    entrypoint->stop();
  }
}

TEST_F(EntrypointTest, LeavesNothingThatAnOldBuildWouldStumbleOver) {  // UPGRADE-M9, ATOM-26
  start();
  run(2s);
  host.project(kAccount, "second-token", kPem);
  run(2s);
  entrypoint->stop();
  const std::vector<std::string> all{"00-multus.conf", "10-flannel.conf", "multus.d", "multus.d/multus.kubeconfig"};
  EXPECT_EQ(host.tree(kNet), all);
  EXPECT_EQ(host.tree(kBin), std::vector<std::string>{"multus"});
  for (const std::string& name : all) EXPECT_TRUE(S_ISREG(host.status(kNet + "/" + name).mode) || name == "multus.d") << name;
  EXPECT_EQ(host.bytes(kKubeconfig), kubeconfig_of("second-token"));
}

TEST_F(EntrypointTest, AManualFileInItsPlaceTakesChargeToo) {  // UPGRADE-M4, ATOM-29
  start();
  run(2s);
  host.put(kCopy, kManual);
  start({"--multus-conf-file=" + kCopy});
  run(2s);
  EXPECT_FALSE(host.bytes(kConf));
  EXPECT_EQ(host.bytes(kCopy), kManual);

  host.put(kConf, R"({"cniVersion":"0.3.1","name":"m","type":"multus","delegates":[{"type":"flannel"}]})");
  host.put(kCopy, "{");  // nothing better is there: the old one stays
  start({"--multus-conf-file=" + kCopy});
  run(2s);
  EXPECT_TRUE(host.bytes(kConf));
}

// ORDER-43: an entrypoint of before, still in automatic mode, writes its file once more while it leaves; another chart does so for ever.
TEST_F(EntrypointTest, TakesChargeAgainButDoesNotFightWithoutEnd) {
  const std::string generated = R"({"cniVersion":"0.3.1","name":"m","type":"multus","delegates":[{"type":"flannel"}]})";
  host.put(kManualFile, kManual);
  start_manual();
  run(2s);
  host.put(kConf, generated);
  run(2s);
  EXPECT_FALSE(host.bytes(kConf));
  host.changes.clear();
  for (int i = 0; i < 600; ++i) {
    if (!host.bytes(kConf)) host.put(kConf, generated);
    run(1s);
  }
  EXPECT_LE(host.changes.size(), 8U);
  EXPECT_TRUE(said("stays in charge before " + kCopy));
}

TEST_F(EntrypointTest, ADirectoryUnderTheOtherNameDisturbsNobody) {  // CONF-31, ATOM-22
  host.put(kList + "/inside", "kept");
  start();
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_TRUE(said("everything is in place"));
  EXPECT_EQ(host.bytes(kList + "/inside"), "kept");
}

TEST_F(EntrypointTest, SaysWhatHadToGiveWay) {  // SECURE-55
  host.put("/host/victim", "untouched");
  host.put_link(kKubeconfig, "/host/victim");
  host.put_directory(kConf);
  start();
  run(2s);
  EXPECT_EQ(host.bytes("/host/victim"), "untouched");
  EXPECT_TRUE(said(kKubeconfig + " was a link to /host/victim"));
  EXPECT_TRUE(said(kConf + " was a directory; it was moved to "));
}

TEST_F(EntrypointTest, ARestartDoesNotTakeAnotherPrimaryInHaste) {  // ORDER-41, CONF-33
  const std::string bridge = R"({"cniVersion":"0.3.1","name":"b","type":"bridge"})";
  host.put(kNet + "/20-bridge.conf", bridge);
  start();
  run(2s);
  ASSERT_EQ(delegate(), kFlannel);
  host.put(kNet + "/10-flannel.conf", kFlannel.substr(0, 20));  // its owner writes it while we restart
  start();
  run(5s);
  EXPECT_EQ(delegate(), kFlannel);
  host.put(kNet + "/10-flannel.conf", kFlannel);
  run(2s);
  EXPECT_TRUE(said("everything is in place"));
  EXPECT_EQ(delegate(), kFlannel);

  host.put(kNet + "/10-flannel.conf", "");  // and one that stays bad is passed by in the end
  start();
  run(15s);
  EXPECT_EQ(delegate(), bridge);
  start();  // the same choice again needs no second thought
  host.changes.clear();
  run(1s);
  EXPECT_TRUE(host.changes.empty());
  host.remove_all(kConf);  // nor does a fresh node
  start();
  run(1s);
  EXPECT_EQ(delegate(), bridge);
}

TEST_F(EntrypointTest, TheCleanUpGivesTheNodeItsPrimaryBack) {  // UPGRADE-48, UPGRADE-45
  start({"--rename-conf-file", "--cleanup-config-on-exit"});
  run(2s);
  ASSERT_FALSE(host.bytes(kNet + "/10-flannel.conf"));
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    if (verb == "unlink" && path == kConf) {
      EXPECT_EQ(host.bytes(kNet + "/10-flannel.conf"), kFlannel);
    }
    return std::nullopt;
  };
  EXPECT_EQ(entrypoint->stop(), kExitOk);
  host.before = nullptr;
  EXPECT_FALSE(host.bytes(kConf));
  EXPECT_EQ(host.bytes(kNet + "/10-flannel.conf"), kFlannel);
}

TEST_F(EntrypointTest, NoErrorEverCleansUp) {  // UPGRADE-45
  start({"--cleanup-config-on-exit"});
  run(2s);
  const std::string good = *host.bytes(kConf);
  const auto disturb = [&](const std::function<void()>& change) {
    change();
    run(40s);
    EXPECT_EQ(host.bytes(kConf), good);
    EXPECT_FALSE(exit);
  };
  disturb([&] { host.put(kNet + "/10-flannel.conf", "{"); });
  disturb([&] { host.remove_all(kNet + "/10-flannel.conf"); });
  disturb([&] { host.remove_all(kAccount); });
  disturb([&] {
    host.before = [](std::string_view verb, const std::string&) { return verb == "write" ? std::optional(ENOSPC) : std::nullopt; };
  });
  entrypoint.reset();  // a crash
  host.before = nullptr;
  start({"--cleanup-config-on-exit"}, {});  // and a start that fails
  run(40s);
  EXPECT_TRUE(exit);
  EXPECT_EQ(host.bytes(kConf), good);
}

class PolicyTest : public EntrypointTest, public testing::WithParamInterface<bool> {
 protected:
  void start_with(const std::string& policy) {
    host.put(kManualFile, kManual);
    std::vector<std::string> args{"--kubeconfig-policy=" + policy};
    if (GetParam()) args.push_back("--multus-conf-file=" + kManualFile);
    start(std::move(args));
  }
  bool configured() const { return GetParam() ? host.bytes(kCopy).has_value() : delegate() == kFlannel; }
};

TEST_P(PolicyTest, IfMissingLeavesWhatSomebodyProvides) {  // EXIST-01
  host.put(kKubeconfig, "apiVersion: v1\n", 0640);
  start_with("if-missing");
  run(3s);
  EXPECT_EQ(host.bytes(kKubeconfig), "apiVersion: v1\n");
  EXPECT_EQ(host.status(kKubeconfig).mode & 07777U, 0640U);
  EXPECT_TRUE(configured());
  host.remove_all(kKubeconfig);
  run(2s);
  EXPECT_TRUE(has_token("first-token"));
  host.put(kKubeconfig, "apiVersion: v1\n");  // back again
  host.project(kAccount, "second-token", kPem);
  run(3s);
  EXPECT_EQ(host.bytes(kKubeconfig), "apiVersion: v1\n");
}

TEST_P(PolicyTest, IfMissingNeedsNothingWhereAFileIsProvided) {  // STATIC-51
  host.put(kKubeconfig, "apiVersion: v1\n");
  host.put(kManualFile, kManual);
  host.remove_all(kAccount);
  start({"--kubeconfig-policy=if-missing", GetParam() ? "--multus-conf-file=" + kManualFile : "--multus-conf-file=auto"}, {});
  run(3s);
  EXPECT_TRUE(configured());
  host.remove_all(kKubeconfig);
  run(3s);
  EXPECT_TRUE(said("KUBERNETES_SERVICE_HOST"));
}

TEST_P(PolicyTest, IfMissingKeepsItsOwnFreshOverRestarts) {  // FRESH-06, FRESH-10
  start_with("if-missing");
  run(3s);
  ASSERT_TRUE(has_token("first-token"));
  host.project(kAccount, "second-token", kPem);
  run(3s);
  EXPECT_TRUE(has_token("second-token"));
  entrypoint->stop();
  host.project(kAccount, "third-token", kPem);
  start_with("if-missing");
  run(3s);
  EXPECT_TRUE(has_token("third-token"));
  host.put(kKubeconfig, host.bytes(kKubeconfig)->substr(0, 100));  // damaged, and still ours
  run(3s);
  EXPECT_TRUE(has_token("third-token"));
  host.put(kKubeconfig, "");
  run(3s);
  EXPECT_TRUE(has_token("third-token"));
}

TEST_P(PolicyTest, NeverRefusesToNameAFileThatIsNotThere) {  // ORDER-37
  start_with("never");
  run(10s);
  EXPECT_FALSE(configured());
  EXPECT_FALSE(host.bytes(kKubeconfig));
  EXPECT_TRUE(said("there is no kubeconfig at " + kKubeconfig + ", which the configuration is to name"));
  for (const std::string target : {"/host/nothing", "loop"}) {
    host.put_link(kKubeconfig, target == "loop" ? kKubeconfig : target);
    run(2s);
    EXPECT_FALSE(configured());
  }
  host.put(kKubeconfig, "");
  run(2s);
  EXPECT_FALSE(configured());
  host.put(kNet + "/multus.d/real", "somebody's");
  host.put_link(kKubeconfig, "real");
  run(2s);
  EXPECT_TRUE(configured());
  EXPECT_EQ(host.bytes(kKubeconfig), "somebody's");
}

TEST_P(PolicyTest, NeverGivesUpWithTheReason) {  // LIFE-57
  start_with("never");
  run(40s);
  EXPECT_EQ(exit, kExitNoInput);
}

INSTANTIATE_TEST_SUITE_P(Modes, PolicyTest, testing::Bool(), [](const auto& mode) { return mode.param ? "manual" : "automatic"; });

}  // namespace
}  // namespace reference
