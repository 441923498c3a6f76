// UPGRADE-46: the way back from every state, twice, with every call failing once.
#include "reference/uninstall.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "reference/entrypoint_test_support.h"

namespace reference {
namespace {

class UninstallTest : public EntrypointTest {
 protected:
  int remove(std::vector<std::string> args = {}) {
    auto options = parse_options(args, {});
    EXPECT_TRUE(options);
    entrypoint.reset();
    return uninstall(host, *options);
  }
  std::string everything() const {
    std::string text;
    for (const std::string& name : host.tree("/host")) text += name + " " + host.bytes("/host/" + name).value_or("") + "\n";
    return text;
  }
  std::vector<std::string> changed(const std::string& verb) const {
    std::vector<std::string> paths;
    for (const std::string& change : host.changes) {
      if (change.starts_with(verb + " ")) paths.push_back(change.substr(verb.size() + 1));
    }
    return paths;
  }
};

TEST_F(UninstallTest, BesideARunningEntrypointItDoesNothing) {  // UPGRADE-46
  host.marks_supported = true;
  start();
  run(2s);
  const std::string before = everything();
  host.changes.clear();
  EXPECT_EQ(uninstall(host, *parse_options({}, {})), kExitTimeout);
  EXPECT_TRUE(said("is running"));
  EXPECT_TRUE(host.changes.empty());
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_FALSE(host.bytes(kConf));
}

TEST_F(UninstallTest, RemovesConfigurationKubeconfigPluginInThisOrder) {  // UPGRADE-46
  const std::string before = everything();
  start();
  run(2s);
  entrypoint->stop();
  for (const std::string& directory : {kNet, kNet + "/multus.d", kBin})
    host.put(directory + "/.thin_entrypoint.00000000000000ff.tmp", "first-token");
  host.changes.clear();
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(everything().find("first-token"), std::string::npos);
  const auto gone = changed("unlink");
  ASSERT_EQ(gone.size(), 6U);
  EXPECT_EQ(gone.front(), kConf);
  EXPECT_EQ(gone[1], kKubeconfig);
  EXPECT_EQ(gone.back(), kPlugin);
  EXPECT_EQ(changed("rmdir"), std::vector<std::string>{kNet + "/multus.d"});
  EXPECT_FALSE(said("no other CNI configuration"));

  host.changes.clear();
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_TRUE(host.changes.empty());
}

TEST_F(UninstallTest, WarnsIfNothingRemains) {  // UPGRADE-46
  start();
  run(2s);
  host.remove_all(kNet + "/10-flannel.conf");
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_TRUE(said("no other CNI configuration remains in " + kNet));
  host.remove_all("/host");
  EXPECT_EQ(remove(), kExitOk);  // a node that has nothing at all
}

TEST_F(UninstallTest, LeavesWhatIsNotOurs) {  // UPGRADE-46, ORDER-43
  host.put(kList, R"({"cniVersion":"1.0.0","name":"x","plugins":[{"type":"bridge"}]})");
  host.put(kNet + "/multus.d/mine", "kept");
  host.put(kNet + "/.other.tmp", "kept");
  host.put(kBin + "/bridge", "kept");
  host.put_directory(kConf);
  const std::string before = everything();
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_EQ(everything(), before);

  host.remove_all(kConf);
  host.put(kNet + "/70-multus.conf", kManual);  // somebody's own, and it uses our plugin
  host.put(kPlugin, "program", 0755);
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), kManual);
  EXPECT_TRUE(host.bytes(kPlugin));
  EXPECT_TRUE(said("still calls Multus"));
  host.remove_all(kNet + "/70-multus.conf");
  EXPECT_EQ(remove({"--skip-multus-binary-copy"}), kExitOk);
  EXPECT_TRUE(host.bytes(kPlugin));
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_FALSE(host.bytes(kPlugin));
}

TEST_F(UninstallTest, RemovesDamagedFilesUnderItsOwnNames) {  // UPGRADE-46, ATOM-22
  start();
  run(2s);
  host.put(kConf, "");
  host.put(kKubeconfig, "half of a tok");
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_FALSE(host.bytes(kConf));
  EXPECT_FALSE(host.bytes(kKubeconfig));
}

TEST_F(UninstallTest, RemovesTheManualCopyButNotTheUsersFile) {  // UPGRADE-46, ATOM-29
  const std::string copy = kNet + "/70-multus.conf";
  host.put(kManualFile, kManual);
  start_manual();
  run(2s);
  EXPECT_EQ(remove({"--multus-conf-file=" + kManualFile}), kExitOk);
  EXPECT_FALSE(host.bytes(copy));
  EXPECT_TRUE(host.bytes(kManualFile));

  host.put(copy, kManual);
  EXPECT_EQ(remove({"--multus-conf-file=" + copy}), kExitOk);
  EXPECT_EQ(host.bytes(copy), kManual);

  host.remove_all(kManualFile);  // the ConfigMap went first; the copy names our kubeconfig
  EXPECT_EQ(remove({"--multus-conf-file=" + kManualFile}), kExitOk);
  EXPECT_FALSE(host.bytes(copy));
  host.put(copy, R"({"cniVersion":"0.3.1","name":"x","type":"bridge"})");
  EXPECT_EQ(remove({"--multus-conf-file=" + kManualFile}), kExitOk);
  EXPECT_TRUE(host.bytes(copy));
}

TEST_F(UninstallTest, RestoresARenamedPrimaryFirst) {  // UPGRADE-48
  for (const bool flag : {true, false}) {
    start({"--rename-conf-file"});
    run(2s);
    entrypoint->stop();
    ASSERT_FALSE(host.bytes(kNet + "/10-flannel.conf"));
    host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
      if (verb == "unlink" && path == kConf) {
        EXPECT_EQ(host.bytes(kNet + "/10-flannel.conf"), kFlannel);
      }
      return std::nullopt;
    };
    EXPECT_EQ(remove(flag ? std::vector<std::string>{"--rename-conf-file"} : std::vector<std::string>{}), kExitOk);
    host.before = nullptr;
    EXPECT_EQ(host.bytes(kNet + "/10-flannel.conf"), kFlannel);
    EXPECT_FALSE(host.bytes(kNet + "/10-flannel.conf.old"));
  }
  host.put(kNet + "/20-x.conf.old", kFlannel);  // somebody's own
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_TRUE(host.bytes(kNet + "/20-x.conf.old"));
}

TEST_F(UninstallTest, KeepsToThePolicy) {  // UPGRADE-46, ORDER-43
  host.put(kKubeconfig, "somebody else's");
  EXPECT_EQ(remove({"--kubeconfig-policy=never"}), kExitOk);
  EXPECT_EQ(remove({"--kubeconfig-policy=if-missing"}), kExitOk);
  EXPECT_EQ(host.bytes(kKubeconfig), "somebody else's");
  host.remove_all(kKubeconfig);
  start({"--kubeconfig-policy=if-missing"});
  run(2s);
  EXPECT_EQ(remove({"--kubeconfig-policy=if-missing"}), kExitOk);
  EXPECT_FALSE(host.bytes(kKubeconfig));
}

TEST_F(UninstallTest, KeepsThePluginThatTheSystemProvides) {  // SECURE-56
  start();
  run(2s);
  host.before = [](std::string_view verb, const std::string& path) -> std::optional<int> {
    return verb == "unlink" && path == kPlugin ? std::optional(EROFS) : std::nullopt;
  };
  EXPECT_EQ(remove(), kExitOk);
  EXPECT_TRUE(host.bytes(kPlugin));
}

// UPGRADE-46, ORDER-37: whichever call fails, a configuration that is still there still works, and the next try finishes.
TEST_F(UninstallTest, AnyFailureLeavesAWorkingNodeOrNone) {
  for (const int number : {EIO, EACCES, EROFS, EMFILE}) {
    for (int nth = 1, count = nth; count >= nth; ++nth) {
      start({"--rename-conf-file"});
      run(3s);
      entrypoint->stop();
      ASSERT_TRUE(host.bytes(kConf)) << nth;
      count = 0;
      host.before = [&](std::string_view, const std::string&) {
        if (host.bytes(kConf)) {
          EXPECT_TRUE(has_token("first-token") && host.bytes(kPlugin)) << nth;
        } else {
          EXPECT_TRUE(host.bytes(kNet + "/10-flannel.conf")) << nth;
        }
        return ++count == nth ? std::optional(number) : std::nullopt;
      };
      remove({"--rename-conf-file"});
      EXPECT_EQ(host.open_descriptors(), 0) << nth;
      host.before = nullptr;
      ASSERT_EQ(remove({"--rename-conf-file"}), kExitOk) << nth;
      ASSERT_EQ(everything().find("first-token"), std::string::npos) << nth;
      ASSERT_FALSE(host.bytes(kConf) || host.bytes(kPlugin)) << nth;
      ASSERT_EQ(host.bytes(kNet + "/10-flannel.conf"), kFlannel) << nth;
    }
  }
}

// UPGRADE-46, ATOM-22: power may go at any call; what is left after it still works or is gone.
TEST_F(UninstallTest, APowerCutLeavesNoDeadConfiguration) {
  for (int nth = 1, count = nth; count >= nth; ++nth) {
    for (unsigned kept = 0; kept < 8; ++kept) {
      start();
      run(3s);
      entrypoint->stop();
      count = 0;
      host.before = [&](std::string_view, const std::string&) {
        ++count;
        return count >= nth ? std::optional(EIO) : std::nullopt;  // dead from here on
      };
      remove();
      host.before = nullptr;
      host.cut_power(kept, true);
      if (host.bytes(kConf)) {
        ASSERT_TRUE(has_token("first-token") && host.bytes(kPlugin)) << nth << " " << kept;
      }
    }
  }
}

TEST_F(UninstallTest, AWrongFlagTouchesNothing) {  // EXIST-03
  start();
  run(2s);
  host.changes.clear();
  EXPECT_EQ(remove({"--multus-kubeconfig-file-host=/elsewhere/x"}), kExitConfiguration);
  EXPECT_TRUE(host.changes.empty());
}

}  // namespace
}  // namespace reference
