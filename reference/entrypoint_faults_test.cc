// Calls that fail, once and for ever, in every mode and on every kind of node: what is published never gets worse, nothing of ours is left
// lying about, and what heals is healed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "reference/entrypoint_test_support.h"
#include "reference/kubeconfig.h"

namespace reference {
namespace {

const std::string kCopy = kNet + "/70-multus.conf";

std::string kubeconfig_of(const std::string& token) {
  return render_kubeconfig({.protocol = "https", .host = "10.96.0.1", .port = 443}, token, kPem);
}

// ATOM-28, UPGRADE-45, ORDER-37: every call fails once, with what its man page lists, in every mode and on every kind of node.
class FaultTest : public EntrypointTest {
 protected:
  static const std::vector<int>& errors_of(std::string_view verb) {
    static const std::vector<int> kRead{EIO, EACCES, ENOMEM};
    static const std::vector<int> kOpen{EACCES, EMFILE, ENOSPC, EROFS, EINTR};
    static const std::vector<int> kWrite{ENOSPC, EDQUOT, EFBIG, EIO};
    static const std::vector<int> kSync{EIO, ENOSPC, EROFS};
    static const std::vector<int> kChange{EPERM, EIO, EROFS};
    static const std::vector<int> kName{ENOSPC, EROFS, EACCES, EBUSY, EIO};
    if (verb == "open") return kOpen;
    if (verb == "write" || verb == "close") return kWrite;
    if (verb == "fsync") return kSync;
    if (verb == "fchmod" || verb == "fchown") return kChange;
    if (verb == "rename" || verb == "unlink" || verb == "mkdir") return kName;
    return kRead;
  }

  // `prepare` makes the node, `begin` starts the life, `usable` says whether what is visible can be used at this moment.
  void fail_everywhere(const std::function<void()>& prepare, const std::function<void()>& begin, const std::function<bool()>& usable,
                       const std::function<bool()>& healed) {
    std::size_t choices = 1;
    for (std::size_t choice = 0; choice < choices; ++choice) {
      bool reached = true;
      for (int nth = 1; reached; ++nth) {
        prepare();
        int count = 0;
        std::string what;
        std::size_t changes = 0;
        host.changes.clear();
        host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
          if (std::exchange(changes, host.changes.size()) != host.changes.size()) {
            EXPECT_TRUE(usable()) << what << ", then " << verb << " " << path;
          }
          if (++count != nth) return std::nullopt;
          const std::vector<int>& errors = errors_of(verb);
          choices = std::max(choices, errors.size());
          const int error = errors[std::min(choice, errors.size() - 1)];
          what = std::string(verb) + " " + path + " fails with " + strerrorname_np(error);
          return error;
        };
        begin();
        for (int i = 0; i < 2 && !exit; ++i) {
          const Turn turn = entrypoint->turn();
          exit = turn.exit;
          host.now = turn.wait_until;
        }
        reached = count >= nth;
        host.before = nullptr;
        ASSERT_FALSE(exit) << what;
        ASSERT_EQ(host.open_descriptors(), 0) << what;
        run(3s);
        ASSERT_TRUE(healed()) << what;
        ASSERT_FALSE(litter()) << what;
        ASSERT_FALSE(HasFailure()) << what;
      }
    }
  }
  bool configuration_is_served() const { return has_token("first-token") && host.bytes(kPlugin) == "program"; }
};

TEST_F(FaultTest, FreshAutomatic) {
  fail_everywhere(
      [&] {
        host.remove_all(kNet);
        host.remove_all(kPlugin);
        host.put_directory("/host/etc/cni");
      },
      [&] {
        start({"--cleanup-config-on-exit"});
        static_cast<void>(entrypoint->turn());
        host.put(kNet + "/10-flannel.conf", kFlannel);
      },
      [&] { return !host.bytes(kConf) || configuration_is_served(); }, [&] { return delegate() == kFlannel && configuration_is_served(); });
}

TEST_F(FaultTest, FreshManual) {
  host.put(kManualFile, kManual);
  fail_everywhere(
      [&] {
        host.remove_all(kNet);
        host.remove_all(kPlugin);
        host.put_directory(kNet);
      },
      [&] { start_manual({"--cleanup-config-on-exit"}); },
      [&] { return !host.bytes(kCopy) || (configuration_is_served() && host.bytes(kCopy) == kManual); },
      [&] { return host.bytes(kCopy) == kManual && configuration_is_served(); });
}

TEST_F(FaultTest, UpgradeWithANewFormAndARename) {  // CONF-31, UPGRADE-48
  const std::string old = R"({"cniVersion":"0.3.1","name":"m","type":"multus","delegates":[)" + kFlannel + "]}";
  fail_everywhere(
      [&] {
        host.remove_all(kNet);
        host.put(kNet + "/10-calico.conflist", kCalico);
        host.put(kConf, old);
        host.put(kKubeconfig, kubeconfig_of("old-token"), 0644);
        host.put(kPlugin, "old program", 0755);
      },
      [&] { start({"--rename-conf-file"}); },
      [&] {
        const bool kubeconfig = has_token("first-token") || host.bytes(kKubeconfig) == kubeconfig_of("old-token");
        const bool plugin = host.bytes(kPlugin) == "program" || host.bytes(kPlugin) == "old program";
        const bool configuration = host.bytes(kConf) == old || (host.bytes(kList) && delegate() == kCalico);
        return kubeconfig && plugin && configuration;
      },
      [&] {
        return !host.bytes(kConf) && delegate() == kCalico && configuration_is_served() && host.bytes(kNet + "/10-calico.conflist.old");
      });
}

// ATOM-28, LIFE-57: one kind of call fails for as long as it likes.
class LastingFaultTest : public FaultTest, public testing::WithParamInterface<std::string> {
 protected:
  void break_it(int error) {
    host.before = [error](std::string_view verb, const std::string& path) -> std::optional<int> {
      const bool ours = path.starts_with("/host");
      return ours && verb == GetParam() ? std::optional(error) : std::nullopt;
    };
  }
};

TEST_P(LastingFaultTest, NothingGetsWorseAndAllHealsAfterwards) {
  int number = 0;
  for (const int error : errors_of(GetParam())) {
    host.before = nullptr;
    start({"--cleanup-config-on-exit"});
    run(3s);
    const std::string old = *host.bytes(kKubeconfig);
    const std::string configuration = *host.bytes(kConf);
    const auto names = host.tree("/host");
    const std::string token = "token-" + std::to_string(++number);
    host.project(kAccount, token, kPem);
    host.put(kSource, "program " + token, 0755);
    break_it(error);
    run(60s);
    EXPECT_FALSE(exit);  // a node with old credentials is better off than one without a keeper
    EXPECT_TRUE(host.bytes(kKubeconfig) == old || has_token(token)) << error;
    EXPECT_EQ(host.bytes(kConf), configuration) << error;
    EXPECT_TRUE(host.bytes(kPlugin)) << error;
    if (GetParam() != "unlink") {
      EXPECT_EQ(host.tree("/host"), names) << error;  // N failing attempts leave no more than none
    }
    EXPECT_EQ(host.open_descriptors(), 0);
    host.before = nullptr;
    run(12s);
    EXPECT_TRUE(has_token(token)) << error;
    EXPECT_EQ(host.bytes(kPlugin), "program " + token) << error;
    EXPECT_EQ(host.tree("/host"), names) << error;
  }
}

TEST_P(LastingFaultTest, AFreshNodeGivesUpWithAReasonOrWorks) {
  for (const int error : errors_of(GetParam())) {
    host.remove_all(kNet);
    host.remove_all(kPlugin);
    host.put(kNet + "/10-flannel.conf", kFlannel);
    break_it(error);
    start();
    run(60s);
    if (exit) {
      EXPECT_TRUE(exit == kExitOutput || exit == kExitBadInput || exit == kExitNoInput) << *exit;
      EXPECT_NE(host.error.back().find("/host"), std::string::npos) << host.error.back();
      EXPECT_FALSE(host.bytes(kConf)) << error;
    } else if (host.bytes(kConf)) {
      EXPECT_TRUE(configuration_is_served()) << error;
    }
    host.before = nullptr;
    start();
    run(3s);
    EXPECT_EQ(delegate(), kFlannel) << error;
    EXPECT_TRUE(configuration_is_served()) << error;
    EXPECT_FALSE(litter()) << error;
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, LastingFaultTest,
                         testing::Values("open", "read", "write", "close", "fsync", "fchmod", "fstat", "stat", "lstat", "readlink", "list",
                                         "mkdir", "rename", "unlink"),
                         [](const auto& verb) { return verb.param; });

}  // namespace
}  // namespace reference
