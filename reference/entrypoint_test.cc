// What a node sees of one life: install, refresh, repair, follow.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "reference/entrypoint_test_support.h"

namespace reference {
namespace {

// EXIST-01, ORDER-37, ORDER-38, FRESH-10, SECURE-53
TEST_F(EntrypointTest, AutomaticInstallsInOrder) {
  start();
  run(0s);
  std::vector<std::string> renamed;
  for (const std::string& change : host.changes) {
    if (change.starts_with("rename ")) renamed.push_back(change.substr(7));
  }
  EXPECT_EQ(renamed, (std::vector<std::string>{kKubeconfig, kPlugin, kConf}));
  EXPECT_TRUE(has_token("first-token"));
  EXPECT_EQ(host.status(kKubeconfig).mode & 07777U, 0600U);
  EXPECT_EQ(host.status(kNet + "/multus.d").mode & 07777U, 0700U);
  EXPECT_EQ(host.status(kConf).mode & 07777U, 0600U);
  EXPECT_EQ(host.status(kPlugin).mode & 07777U, 0755U);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_FALSE(exit);
}

TEST_F(EntrypointTest, ManualWritesTheKubeconfigToo) {  // EXIST-01, MANUAL-50
  host.put(kManualFile, kManual);
  start_manual();
  run(0s);
  EXPECT_TRUE(has_token("first-token"));
  EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), kManual);
  EXPECT_EQ(host.status(kNet + "/70-multus.conf").mode & 07777U, 0600U);
  EXPECT_TRUE(said("10-flannel.conf, which sorts before"));
  EXPECT_EQ(host.open_descriptors(), 0);
}

TEST_F(EntrypointTest, OnceEndsWhenAllIsThere) {  // LIFE-60
  start({"--once"});
  run(10s);
  EXPECT_EQ(exit, kExitOk);
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, OnceGivesUpOnAPrimaryThatDoesNotCome) {  // LIFE-57
  host.remove_all(kNet + "/10-flannel.conf");
  start({"--once"});
  run(60s);
  EXPECT_EQ(exit, kExitTimeout);
  EXPECT_TRUE(has_token("first-token"));
}

TEST_F(EntrypointTest, IdleTurnsWriteAndSayNothing) {  // ATOM-26
  for (const bool manual : {false, true}) {
    host.put(kManualFile, kManual);
    manual ? start_manual() : start();
    run(3s);
    host.changes.clear();
    const std::size_t lines = host.out.size() + host.error.size();
    run(1h);
    EXPECT_TRUE(host.changes.empty()) << host.changes.front();
    EXPECT_EQ(host.out.size() + host.error.size(), lines);
    EXPECT_EQ(host.open_descriptors(), 0);
  }
}

TEST_F(EntrypointTest, RefreshesInEveryMode) {  // FRESH-06, FRESH-07, FRESH-08, FRESH-11, FRESH-13
  const std::vector<std::vector<std::string>> modes{
      {}, {"--cleanup-config-on-exit"}, {"--skip-config-watch"}, {"--multus-conf-file=" + kManualFile}};
  host.put(kManualFile, kManual);
  for (const auto& args : modes) {
    host.project(kAccount, "first-token", kPem);
    start(args);
    run(0s);
    const std::string configuration = args.empty() || args[0].find("conf-file") == std::string::npos ? kConf : kNet + "/70-multus.conf";
    const FileStatus before = host.status(configuration);
    for (int i = 0; i < 20; ++i) {
      host.project(kAccount, "token-" + std::to_string(i), kPem);
      run(2s);
      EXPECT_TRUE(has_token("token-" + std::to_string(i)));
    }
    const std::string old = *host.bytes(kKubeconfig);
    host.project(kAccount, "token-19", kPem + kPem);
    run(2s);
    EXPECT_NE(*host.bytes(kKubeconfig), old);
    EXPECT_EQ(host.status(configuration).inode, before.inode);
    EXPECT_EQ(host.status(configuration).mtime_ns, before.mtime_ns);
  }
}

TEST_F(EntrypointTest, WithoutVerificationTheCaDoesNotMatter) {  // FRESH-13
  start({"--skip-tls-verify"});
  run(3s);
  host.changes.clear();
  host.project(kAccount, "first-token", "no certificate");
  run(5s);
  EXPECT_TRUE(host.changes.empty());
  EXPECT_FALSE(exit);
}

TEST_F(EntrypointTest, TheWallClockDecidesNothing) {  // FRESH-12
  start();
  run(2s);
  host.wall += 48 * 3600;
  host.project(kAccount, "second-token", kPem);
  run(2s);
  EXPECT_TRUE(has_token("second-token"));
  host.wall -= 96 * 3600;
  host.project(kAccount, "third-token", kPem);
  run(2s);
  EXPECT_TRUE(has_token("third-token"));
}

TEST_F(EntrypointTest, TransientInputKeepsTheLastGood) {  // FRESH-14, FRESH-21, UPGRADE-45
  start({"--cleanup-config-on-exit"});
  run(2s);
  const std::string good = *host.bytes(kKubeconfig);
  const std::pair<const char*, std::string> bad[] = {{"", kPem}, {"two words", kPem}, {"second-token", ""}, {"second-token", "junk"}};
  for (const auto& [token, ca] : bad) {
    host.project(kAccount, token, ca);
    run(40s);
    EXPECT_EQ(host.bytes(kKubeconfig), good);
    EXPECT_EQ(delegate(), kFlannel);
  }
  host.move(kAccount, "/elsewhere");
  run(40s);
  EXPECT_EQ(host.bytes(kKubeconfig), good);
  host.remove_all(kKubeconfig);  // EXIST-04: repaired from what we know
  run(2s);
  EXPECT_EQ(host.bytes(kKubeconfig), good);
  host.move("/elsewhere", kAccount);
  host.project(kAccount, "second-token", kPem);
  run(2s);
  EXPECT_TRUE(has_token("second-token"));
  EXPECT_FALSE(exit);
}

TEST_F(EntrypointTest, ReportsATroubleOnceAMinute) {
  start();
  run(2s);
  host.error.clear();
  host.project(kAccount, "", kPem);
  run(10min);
  EXPECT_GE(host.error.size(), 9U);
  EXPECT_LE(host.error.size(), 11U);
}

TEST_F(EntrypointTest, MissingServiceAccountEndsNonZeroAndTouchesNothing) {  // EXIST-02, LIFE-57
  host.put(kConf, "somebody's configuration");
  host.put(kKubeconfig, "an old kubeconfig", 0600);
  host.remove_all(kAccount);
  start();
  run(29s);
  EXPECT_FALSE(exit);
  run(10s);
  EXPECT_EQ(exit, kExitNoInput);
  EXPECT_NE(host.error.back().find(kAccount + "/token"), std::string::npos);
  EXPECT_NE(host.error.back().find("automountServiceAccountToken"), std::string::npos);
  EXPECT_LE(host.error.size(), 3U);
  EXPECT_TRUE(host.changes.empty());
  EXPECT_EQ(host.bytes(kKubeconfig), "an old kubeconfig");
}

TEST_F(EntrypointTest, AServiceAccountThatIsLateIsWaitedFor) {  // EXIST-02
  host.remove_all(kAccount);
  start();
  run(10s);
  host.project(kAccount, "late-token", kPem);
  run(2s);
  EXPECT_TRUE(has_token("late-token"));
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, AStaticPodNeedsNoVolumeAndNoVariables) {  // STATIC-51, FRESH-20
  host.remove_all(kAccount);
  host.put("/etc/multus/token", "static-token\n");
  host.put("/etc/multus/ca.crt", kPem);
  start({"--token-file=/etc/multus/token", "--ca-file=/etc/multus/ca.crt", "--api-server=https://api.example.com:6443"}, {});
  run(0s);
  EXPECT_TRUE(has_token("static-token"));
  EXPECT_NE(host.bytes(kKubeconfig)->find("server: https://api.example.com:6443\n"), std::string::npos);
}

TEST_F(EntrypointTest, ANonsenseServerIsRefusedBeforeAnyWrite) {  // FRESH-19
  const std::map<std::string, std::string> wrong[] = {{},
                                                      {{"KUBERNETES_SERVICE_HOST", ""}, {"KUBERNETES_SERVICE_PORT", "443"}},
                                                      {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "https"}}};
  for (const auto& environment : wrong) {
    start({}, environment);
    run(0s);
    EXPECT_EQ(exit, kExitConfiguration);
    EXPECT_NE(host.error.back().find("KUBERNETES_SERVICE_"), std::string::npos);
    EXPECT_TRUE(host.changes.empty());
  }
}

TEST_F(EntrypointTest, WritesTheKubeconfigWhereTheConfigurationNamesIt) {  // EXIST-03
  start({"--multus-kubeconfig-file-host=/etc/cni/net.d/own/name.kubeconfig"});
  run(0s);
  EXPECT_TRUE(host.bytes(kNet + "/own/name.kubeconfig"));
  EXPECT_NE(host.bytes(kConf)->find("\"kubeconfig\": \"/etc/cni/net.d/own/name.kubeconfig\""), std::string::npos);
  host.changes.clear();
  start({"--multus-kubeconfig-file-host=/etc/kubernetes/multus.kubeconfig"});
  run(0s);
  EXPECT_EQ(exit, kExitConfiguration);
  EXPECT_TRUE(host.changes.empty());
  start({"--multus-kubeconfig-file-host=/etc/cni/net.d/x.conf"});
  run(0s);
  EXPECT_EQ(exit, kExitConfiguration);
}

TEST_F(EntrypointTest, RepairsEverythingWithinATurn) {  // EXIST-04, ORDER-42, UPGRADE-49
  start();
  run(2s);
  const std::string kubeconfig = *host.bytes(kKubeconfig);
  const std::string configuration = *host.bytes(kConf);
  const auto intact = [&] {
    run(2s);
    return host.bytes(kKubeconfig) == kubeconfig && host.bytes(kConf) == configuration && host.bytes(kPlugin) == "program" &&
           (host.status(kKubeconfig).mode & 0777) == 0600 && S_ISREG(host.status(kKubeconfig).mode);
  };
  EXPECT_TRUE((host.remove_all(kKubeconfig), intact()));
  EXPECT_TRUE((host.put(kKubeconfig, ""), intact()));
  EXPECT_TRUE((host.put(kKubeconfig, kubeconfig, 0644), intact()));
  host.remove_all(kKubeconfig);
  EXPECT_TRUE((host.put_directory(kKubeconfig), intact()));
  host.remove_all(kKubeconfig);
  EXPECT_TRUE((host.put_link(kKubeconfig, "/etc/shadow"), intact()));
  EXPECT_TRUE((host.remove_all(kNet + "/multus.d"), intact()));
  EXPECT_TRUE((host.put(kConf, "{"), intact()));
  EXPECT_TRUE((host.move(kConf, kConf + ".cilium_bak"), intact()));
  EXPECT_TRUE((host.remove_all(kPlugin), intact()));
  EXPECT_TRUE((host.put(kPlugin, "garbage", 0755), intact()));
  host.remove_all(kNet);  // ORDER-44, EXIST-05
  host.put(kNet + "/10-flannel.conf", kFlannel);
  EXPECT_TRUE(intact());
}

TEST_F(EntrypointTest, DoesNotFightAtFullSpeed) {  // ORDER-42
  start();
  run(2s);
  const std::string configuration = *host.bytes(kConf);
  host.changes.clear();
  for (const auto end = host.monotonic() + 60s; host.monotonic() < end;) {
    if (host.bytes(kConf)) host.move(kConf, kConf + ".cilium_bak");
    run(0s);
  }
  const auto restored = std::count(host.changes.begin(), host.changes.end(), "rename " + kConf);
  EXPECT_GE(restored, 8);
  EXPECT_LE(restored, 12);
  EXPECT_TRUE(said("renamed it to 00-multus.conf.cilium_bak"));
  run(11s);
  EXPECT_EQ(host.bytes(kConf), configuration);
  run(2min);
  host.remove_all(kConf);
  run(1s);
  EXPECT_EQ(host.bytes(kConf), configuration);
}

TEST_F(EntrypointTest, AnEmptyNodeConverges) {  // EXIST-05
  host.remove_all("/host");
  host.put_directory("/host/etc/cni");
  host.put_directory("/host/opt/cni");
  start();
  run(5s);
  EXPECT_TRUE(has_token("first-token"));
  host.put(kNet + "/10-flannel.conf", kFlannel);
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, WaitsForThePrimaryAndRefreshesMeanwhile) {  // ORDER-40, ORDER-39
  host.remove_all(kNet + "/10-flannel.conf");
  start();
  run(700s);
  EXPECT_FALSE(exit);
  host.project(kAccount, "second-token", kPem);
  run(2s);
  EXPECT_TRUE(has_token("second-token"));
  EXPECT_LE(host.error.size(), 13U);
  host.put(kNet + "/10-flannel.conf", kFlannel);
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, FollowsThePrimarysVersionAndLeavesOneConfiguration) {  // CONF-31, CONF-32, UPGRADE-M7
  start();
  run(2s);
  for (int i = 0; i < 3; ++i) {
    for (const bool list : {true, false}) {
      // At no instant is there neither of the two.
      host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
        if (verb == "unlink" && path.starts_with(kConf)) {
          EXPECT_TRUE(host.bytes(kConf) && host.bytes(kList));
        }
        return std::nullopt;
      };
      host.remove_all(kNet + "/10-flannel.conf");
      host.remove_all(kNet + "/10-flannel.conflist");
      host.put(kNet + (list ? "/10-flannel.conflist" : "/10-flannel.conf"), list ? kCalico : kFlannel);
      run(3s);
      EXPECT_EQ(host.bytes(kConf).has_value(), !list);
      EXPECT_EQ(host.bytes(kList).has_value(), list);
      EXPECT_EQ(delegate(), list ? kCalico : kFlannel);
    }
  }
}

TEST_F(EntrypointTest, AVersionMismatchKeepsTheLastGoodAndRefreshes) {  // CONF-32
  start({"--cni-version=0.3.1", "--cleanup-config-on-exit"});
  run(2s);
  host.put(kNet + "/10-flannel.conf", R"({"cniVersion":"0.4.0","name":"cbr0","type":"flannel"})");
  host.project(kAccount, "second-token", kPem);
  run(60s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_TRUE(has_token("second-token"));
  EXPECT_TRUE(said("--cni-version asks for 0.3.1"));
  EXPECT_FALSE(exit);
}

// Whatever is published while a primary is written byte by byte was whole at some time: ORDER-41.
TEST_F(EntrypointTest, ActsOnlyOnAPrimaryThatIsStable) {
  start();
  run(2s);
  const std::string next = R"({"cniVersion":"0.4.0","name":"next","type":"flannel","mtu":1450})";
  for (std::size_t i = 0; i < next.size(); ++i) {
    host.put(kNet + "/10-flannel.conf", next.substr(0, i));
    run(50ms);
    EXPECT_EQ(delegate(), kFlannel);
  }
  host.put(kNet + "/10-flannel.conf", next);
  run(2s);
  EXPECT_EQ(delegate(), next);

  // A primary that is valid at each look but never the same twice is left alone.
  for (int i = 0; i < 20; ++i) {
    host.put(kNet + "/10-flannel.conf", R"({"cniVersion":"0.4.0","name":"n)" + std::to_string(i) + R"(","type":"flannel"})");
    host.now = entrypoint->turn().wait_until;
    EXPECT_EQ(delegate(), next);
  }
}

TEST_F(EntrypointTest, AtTheStartTwoLooksMustAgree) {  // ORDER-41, ATOM-29
  int opened = 0;
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    if (verb == "open" && path == kNet + "/10-flannel.conf" && ++opened == 2) {
      host.put(path, R"({"cniVersion":"0.4.0","name":"cbr0","type":"flannel"})");
    }
    return std::nullopt;
  };
  start();
  host.now = entrypoint->turn().wait_until;
  EXPECT_FALSE(host.bytes(kConf));
  run(2s);
  EXPECT_NE(delegate().find("0.4.0"), std::string::npos);
}

TEST_F(EntrypointTest, AVanishedPrimaryKeepsTheLastGoodUntilAnotherComes) {  // CONF-33, ORDER-41
  start();
  run(2s);
  host.remove_all(kNet + "/10-flannel.conf");
  run(100s);
  EXPECT_EQ(delegate(), kFlannel);
  host.put(kNet + "/20-calico.conflist", kCalico);
  run(3s);
  EXPECT_EQ(delegate(), kCalico);
  host.put(kNet + "/05-flannel.conf", kFlannel);
  run(3s);
  EXPECT_EQ(delegate(), kFlannel);
  host.put(kNet + "/05-flannel.conf", "{");  // no good for now, but there: no reason to change networks
  run(100s);
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, WithoutTheWatchThePrimaryIsTakenOnce) {  // FRESH-07
  start({"--skip-config-watch"});
  run(2s);
  host.put(kNet + "/10-flannel.conf", R"({"cniVersion":"0.4.0","name":"cbr0","type":"flannel"})");
  host.remove_all(kConf);
  run(5s);
  EXPECT_EQ(delegate(), kFlannel);
}

}  // namespace
}  // namespace reference
