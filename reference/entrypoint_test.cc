#include "reference/entrypoint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "reference/json.h"
#include "reference/memory_host_test_support.h"
#include "reference/primary.h"
#include "reference/problem.h"

namespace reference {
namespace {

using namespace std::chrono_literals;

const std::string kNet = "/host/etc/cni/net.d";
const std::string kBin = "/host/opt/cni/bin";
const std::string kKubeconfig = kNet + "/multus.d/multus.kubeconfig";
const std::string kConf = kNet + "/00-multus.conf";
const std::string kList = kNet + "/00-multus.conflist";
const std::string kPlugin = kBin + "/multus";
const std::string kSource = "/usr/src/multus-cni/bin/multus";
const std::string kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const std::string kPem = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
const std::string kFlannel = R"({"cniVersion":"0.3.1","name":"cbr0","type":"flannel"})";
const std::string kCalico = R"({"cniVersion":"1.0.0","name":"k8s","plugins":[{"type":"calico"}]})";
const std::string kManualFile = "/tmp/multus-conf/70-multus.conf";
const std::string kManual =
    R"({"cniVersion":"0.3.1","name":"multus","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig"})";

// A node with everything that a Pod has there, and as many lives of the entrypoint as a test needs.
class EntrypointTest : public testing::Test {
 protected:
  EntrypointTest() {
    host.put_directory(kNet);
    host.put_directory(kBin);
    host.put(kSource, "program", 0755);
    host.put(kNet + "/10-flannel.conf", kFlannel);
    host.project(kAccount, "first-token", kPem);
  }

  void start(std::vector<std::string> args = {}, std::map<std::string, std::string> environment = kEnvironment) {
    auto options = parse_options(args, environment);
    ASSERT_TRUE(options) << options.error().message;
    entrypoint.reset();
    entrypoint = std::make_unique<Entrypoint>(host, std::move(*options));
    exit.reset();
  }
  void start_manual(std::vector<std::string> more = {}) {
    more.push_back("--multus-conf-file=" + kManualFile);
    start(std::move(more));
  }

  // Turns for this long by the entrypoint's own clock, as main.cc does.
  void run(std::chrono::nanoseconds time) {
    const auto end = host.now + time;
    while (!exit && host.now <= end) {
      const Turn turn = entrypoint->turn();
      exit = turn.exit;
      if (!exit) {
        ASSERT_GT(turn.wait_until, host.now);
        ASSERT_LE(turn.wait_until, host.now + 5s);
        host.now = turn.wait_until;
      }
    }
  }

  bool has_token(const std::string& token) const {
    return host.bytes(kKubeconfig).value_or("").find("token: \"" + token + "\"") != std::string::npos;
  }
  // The text of the only delegate of what is published.
  std::string delegate() const {
    const auto text = host.bytes(kConf) ? host.bytes(kConf) : host.bytes(kList);
    const auto document = json::Document::parse(text.value_or(""));
    if (!document) return "none";
    const auto plugins = document->root().find("plugins");
    const json::Value top = plugins ? plugins->items().at(0) : document->root();
    return std::string(top.find("delegates")->items().at(0).source());
  }
  bool said(const std::string& text) const {
    const auto has = [&](const std::string& line) { return line.find(text) != std::string::npos; };
    return std::ranges::any_of(host.out, has) || std::ranges::any_of(host.error, has);
  }
  bool litter() const {
    const auto tree = host.tree("/host");
    return std::ranges::any_of(tree, [](const std::string& name) { return name.find(".thin_entrypoint") != std::string::npos; });
  }

  static const inline std::map<std::string, std::string> kEnvironment{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                                                      {"KUBERNETES_SERVICE_PORT", "443"}};
  MemoryHost host;
  std::unique_ptr<Entrypoint> entrypoint;
  std::optional<int> exit;
};

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

TEST_F(EntrypointTest, FiftyRestartsChangeNothing) {  // CONF-30, UPGRADE-M8, ORDER-39
  start();
  run(2s);
  const std::string configuration = *host.bytes(kConf);
  const auto tree = host.tree("/host");
  host.changes.clear();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(entrypoint->stop(), kExitOk);
    start();
    run(1s);
  }
  EXPECT_TRUE(host.changes.empty());
  EXPECT_EQ(host.bytes(kConf), configuration);
  EXPECT_EQ(host.tree("/host"), tree);
}

TEST_F(EntrypointTest, RecoversFromWhatOldBuildsLeft) {  // UPGRADE-M2, UPGRADE-M6, ATOM-22
  std::string nested = kFlannel;
  for (int i = 0; i < 20; ++i) nested = R"({"cniVersion":"0.3.1","name":"m","type":"multus","delegates":[)" + nested + "]}";
  for (const std::string& left : {nested, std::string(), std::string(300, '\0'), std::string("{\"half")}) {
    host.put(kConf, left);
    host.put(kKubeconfig, left, 0644);
    host.put(kKubeconfig + ".new", left);
    start();
    run(2s);
    EXPECT_EQ(delegate(), kFlannel);
    EXPECT_TRUE(has_token("first-token"));
  }
}

TEST_F(EntrypointTest, ManualToAutomaticAndBack) {  // UPGRADE-M3, UPGRADE-M4
  host.put(kManualFile, kManual);
  start_manual();
  run(2s);
  entrypoint->stop();
  start();
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
  entrypoint->stop();
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    if (verb == "unlink" && path == kConf) {
      EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), kManual);
    }
    return std::nullopt;
  };
  start_manual();
  run(2s);
  EXPECT_FALSE(host.bytes(kConf));
  EXPECT_TRUE(said("removed " + kConf));
}

TEST_F(EntrypointTest, ManualLeavesAForeign00File) {  // UPGRADE-M4, ORDER-43
  host.put(kManualFile, kManual);
  host.put(kConf, R"({"cniVersion":"0.3.1","name":"x","type":"bridge"})");
  start_manual();
  run(2s);
  EXPECT_TRUE(host.bytes(kConf));
}

TEST_F(EntrypointTest, ManualGarbageIsNeverPublished) {  // MANUAL-50
  host.put(kManualFile, "{ not json");
  start_manual();
  run(29s);
  EXPECT_FALSE(exit);
  EXPECT_TRUE(has_token("first-token"));
  EXPECT_FALSE(host.bytes(kNet + "/70-multus.conf"));
  run(5s);
  EXPECT_EQ(exit, kExitBadInput);
  EXPECT_NE(host.error.back().find(kManualFile), std::string::npos);
}

TEST_F(EntrypointTest, ManualEditsAreFollowedIfTheyAreGood) {  // MANUAL-50
  host.swap_generation("/tmp/multus-conf", {{"70-multus.conf", kManual}});
  start_manual();
  run(2s);
  const std::string edited = kManual.substr(0, kManual.size() - 1) + R"(,"logLevel":"debug"})";
  host.swap_generation("/tmp/multus-conf", {{"70-multus.conf", edited}});
  run(3s);
  EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), edited);
  host.swap_generation("/tmp/multus-conf", {{"70-multus.conf", "{"}});
  run(60s);
  EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), edited);
  host.remove_all("/tmp/multus-conf");
  run(60s);
  EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), edited);
  EXPECT_FALSE(exit);
  entrypoint->stop();
  host.put(kManualFile, "{");  // and a restart over a bad edit does not leave the node without refresh
  start_manual();
  host.project(kAccount, "second-token", kPem);
  run(100s);
  EXPECT_FALSE(exit);
  EXPECT_TRUE(has_token("second-token"));
  EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), edited);
}

TEST_F(EntrypointTest, AManualFileInItsPlaceIsLeftAlone) {  // ATOM-29
  host.put(kNet + "/70-multus.conf", kManual, 0644);
  host.put_link(kManualFile, kNet + "/70-multus.conf");
  for (const std::string& path : {kNet + "/70-multus.conf", kManualFile}) {
    start({"--cleanup-config-on-exit", "--multus-conf-file=" + path});
    run(5s);
    entrypoint->stop();
    EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), kManual);
    EXPECT_EQ(host.status(kNet + "/70-multus.conf").mode & 0777U, 0644U);
    EXPECT_TRUE(has_token("first-token"));
  }
}

TEST_F(EntrypointTest, CleansUpOnlyWhenAskedAndOnlyItsOwn) {  // UPGRADE-45, ORDER-43
  start();
  run(2s);
  EXPECT_EQ(entrypoint->stop(), kExitOk);
  EXPECT_TRUE(host.bytes(kConf));
  start({"--cleanup-config-on-exit"});
  run(2s);
  EXPECT_EQ(entrypoint->stop(), kExitOk);
  EXPECT_FALSE(host.bytes(kConf));
  EXPECT_TRUE(host.bytes(kKubeconfig) && host.bytes(kPlugin) && host.bytes(kNet + "/10-flannel.conf"));

  start({"--cleanup-config-on-exit"});
  run(2s);
  host.put(kConf, *host.bytes(kConf), 0600);  // a newer instance's
  EXPECT_EQ(entrypoint->stop(), kExitOk);
  EXPECT_TRUE(host.bytes(kConf));

  host.put(kManualFile, kManual);
  start_manual({"--cleanup-config-on-exit"});
  run(2s);
  EXPECT_EQ(entrypoint->stop(), kExitOk);
  EXPECT_FALSE(host.bytes(kNet + "/70-multus.conf"));
}

TEST_F(EntrypointTest, StopsCleanlyBeforeAnything) {  // LIFE-58
  start({"--cleanup-config-on-exit"});
  host.put(kConf, "from before");
  EXPECT_EQ(entrypoint->stop(), kExitOk);
  EXPECT_EQ(host.bytes(kConf), "from before");
  EXPECT_TRUE(host.changes.empty());
}

TEST_F(EntrypointTest, RenamingThePrimaryIsIdempotent) {  // UPGRADE-48
  std::string configuration;
  for (int i = 0; i < 5; ++i) {
    start({"--rename-conf-file", "--cleanup-config-on-exit=false"});
    run(5s);
    EXPECT_EQ(delegate(), kFlannel);
    EXPECT_FALSE(host.bytes(kNet + "/10-flannel.conf"));
    EXPECT_EQ(host.bytes(kNet + "/10-flannel.conf.old"), kFlannel);
    if (configuration.empty()) configuration = *host.bytes(kConf);
    EXPECT_EQ(host.bytes(kConf), configuration);
    entrypoint->stop();
  }
  start({"--rename-conf-file"});
  run(2s);
  const std::string next = R"({"cniVersion":"0.4.0","name":"cbr0","type":"flannel"})";
  host.put(kNet + "/10-flannel.conf", next);  // its owner restarts
  run(3s);
  EXPECT_EQ(delegate(), next);
  EXPECT_EQ(host.bytes(kNet + "/10-flannel.conf.old"), next);
  host.changes.clear();
  run(10s);
  EXPECT_TRUE(host.changes.empty());
}

TEST_F(EntrypointTest, KubeconfigPolicies) {
  host.put(kKubeconfig, "somebody else's", 0640);
  start({"--kubeconfig-policy=if-missing"});
  run(5s);
  EXPECT_EQ(host.bytes(kKubeconfig), "somebody else's");
  host.remove_all(kKubeconfig);
  run(2s);
  EXPECT_TRUE(has_token("first-token"));

  host.remove_all(kKubeconfig);
  host.remove_all(kConf);
  host.remove_all(kAccount);
  start({"--kubeconfig-policy=never"}, {});
  run(5s);
  EXPECT_FALSE(host.bytes(kConf));  // ORDER-37: it would name a file that is not there
  host.put(kKubeconfig, "somebody else's");
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
}

TEST_F(EntrypointTest, GoesOnWithAUsablePluginIfItCannotBeCopied) {  // SECURE-56
  host.put(kPlugin, "older program", 0755);
  host.before = [](std::string_view verb, const std::string& path) -> std::optional<int> {
    return verb == "open" && path.ends_with(".tmp") && path.starts_with(kBin) ? std::optional(EROFS) : std::nullopt;
  };
  start();
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_TRUE(said("EROFS"));
  entrypoint->stop();
  host.remove_all(kPlugin);
  host.remove_all(kConf);
  start();
  run(60s);
  EXPECT_FALSE(host.bytes(kConf));  // ORDER-37
  EXPECT_EQ(exit, kExitOutput);
}

// ATOM-28, ORDER-37, UPGRADE-45: one call fails at a time; what is visible is always usable, and the next turns heal everything.
TEST_F(EntrypointTest, SurvivesAnyFailingCall) {
  for (const int number : {ENOSPC, EIO, EACCES}) {
    bool reached = true;
    for (int nth = 1; reached; ++nth) {
      host.remove_all(kNet + "/multus.d");
      host.remove_all(kPlugin);
      host.remove_all(kConf);
      int count = 0;
      host.before = [&](std::string_view, const std::string&) { return ++count == nth ? std::optional(number) : std::nullopt; };
      start({"--cleanup-config-on-exit"});
      host.now = entrypoint->turn().wait_until;
      reached = count >= nth;
      if (host.bytes(kConf)) {
        EXPECT_TRUE(has_token("first-token") && host.bytes(kPlugin) == "program") << nth;
      }
      host.before = nullptr;
      run(3s);
      ASSERT_EQ(delegate(), kFlannel) << nth;
      ASSERT_TRUE(has_token("first-token")) << nth;
      ASSERT_FALSE(litter()) << nth;
      ASSERT_EQ(host.open_descriptors(), 0) << nth;
    }
  }
}

// The same with an old installation in place and new content to write: nothing may become worse.
TEST_F(EntrypointTest, AFailingCallNeverWorsensWhatWasThere) {
  start();
  run(2s);
  for (int nth = 1, count = nth; count >= nth; ++nth) {
    const std::string token = "token-" + std::to_string(nth);
    const std::string old = *host.bytes(kKubeconfig);
    host.project(kAccount, token, kPem);
    count = 0;
    host.before = [&](std::string_view, const std::string&) {
      ++count;
      EXPECT_TRUE(host.bytes(kKubeconfig) == old || has_token(token)) << nth;
      EXPECT_EQ(delegate(), kFlannel) << nth;
      return count == nth ? std::optional(ENOSPC) : std::nullopt;
    };
    host.now = entrypoint->turn().wait_until;
    host.before = nullptr;
    run(2s);
    ASSERT_TRUE(has_token(token)) << nth;
    ASSERT_FALSE(litter()) << nth;
  }
}

TEST_F(EntrypointTest, NoTokenInAnyOutput) {  // SECURE-54
  for (const char* token : {"canary-signature", "canary signature", "canary-signature\x01"}) {
    for (int nth = 1; nth < 120; nth += 3) {
      host.project(kAccount, token, kPem);
      host.remove_all(kKubeconfig);
      host.before = [&, count = 0](std::string_view, const std::string&) mutable {
        return ++count == nth ? std::optional(EIO) : std::nullopt;
      };
      start();
      run(2s);
      host.before = nullptr;
    }
  }
  EXPECT_FALSE(said("canary"));
}

TEST_F(EntrypointTest, SweepsWhatAKilledLifeLeft) {  // ATOM-22
  for (const std::string& directory : {kNet, kNet + "/multus.d", kBin})
    host.put(directory + "/.thin_entrypoint.00000000000000ff.tmp", "first-tok");
  start();
  run(0s);
  EXPECT_FALSE(litter());
}

}  // namespace
}  // namespace reference
