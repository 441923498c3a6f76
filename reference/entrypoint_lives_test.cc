// What happens from one life to the next, in manual mode, at the end, and when calls fail.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "reference/entrypoint_test_support.h"

namespace reference {
namespace {

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

TEST_F(EntrypointTest, RenamingOneOfTwoPrimariesLeavesTheOtherAlone) {  // UPGRADE-48, CONF-33
  host.put(kNet + "/20-calico.conflist", kCalico);
  for (int i = 0; i < 3; ++i) {
    start({"--rename-conf-file", "--cleanup-config-on-exit=false"});
    run(5s);
    EXPECT_EQ(delegate(), kFlannel) << i;
    EXPECT_EQ(host.bytes(kNet + "/20-calico.conflist"), kCalico);
    EXPECT_FALSE(host.bytes(kList));
    entrypoint->stop();
  }
  start({"--rename-conf-file"});
  run(5s);
  host.put(kNet + "/20-calico.conflist", kCalico);  // its owner writes it anew
  run(5s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_EQ(host.bytes(kNet + "/20-calico.conflist"), kCalico);
}

TEST_F(EntrypointTest, AfterAPrimaryWasSetAsideANewOneTakesItsPlace) {  // UPGRADE-48
  start({"--rename-conf-file", "--cleanup-config-on-exit=false"});
  run(5s);
  entrypoint->stop();
  start({"--rename-conf-file"});
  run(3s);
  EXPECT_EQ(delegate(), kFlannel);
  host.put(kNet + "/20-calico.conflist", kCalico);  // the cluster moves to another network
  run(5s);
  EXPECT_TRUE(host.bytes(kList));
  EXPECT_EQ(host.bytes(kNet + "/20-calico.conflist.old"), kCalico);
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
