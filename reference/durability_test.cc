// The power may go at any call. The entrypoint's calls are recorded as a file system keeps them: what was synced stays, the rest may or may
// not (MemoryHost::cut_power). After every cut the node is usable as it lies, and the next life makes it whole.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "reference/entrypoint_test_support.h"

namespace reference {
namespace {

class DurabilityTest : public EntrypointTest {
 protected:
  // Lives once for each call that can be the last, and once for each way in which the unsynced may be lost.
  void cut_everywhere(const std::function<void()>& prepare, const std::function<void()>& live, const std::function<void(bool)>& judge) {
    for (int nth = 1, count = nth; count >= nth; ++nth) {
      unsigned ways = 1;
      for (unsigned kept = 0; kept < ways; ++kept) {
        for (const bool data : {false, true}) {
          prepare();
          count = 0;
          host.before = [&](std::string_view, const std::string&) { return ++count >= nth ? std::optional(EIO) : std::nullopt; };
          live();
          const bool announced = host.bytes(kKubeconfig).has_value() && said("everything is in place");
          host.before = nullptr;
          ways = 1U << host.cut_power(kept, data);
          SCOPED_TRACE("call " + std::to_string(nth) + " kept " + std::to_string(kept) + (data ? " with data" : " without data"));
          judge(announced);
          if (HasFailure()) return;
        }
      }
    }
  }
  void one_turn() {
    const Turn turn = entrypoint->turn();
    if (!turn.exit) host.now = turn.wait_until;
  }
  void next_life_heals(const std::string& token) {
    start();
    run(3s);
    EXPECT_TRUE(has_token(token));
    EXPECT_EQ(delegate(), kFlannel);
    EXPECT_EQ(host.bytes(kPlugin), "program");
    EXPECT_FALSE(litter());
    entrypoint->stop();
  }
};

TEST_F(DurabilityTest, AFreshInstallation) {  // ATOM-22, ORDER-37, EXIST-05
  cut_everywhere(
      [&] {
        host.remove_all("/host");
        host.put_directory("/host/etc/cni");
        host.put_directory(kBin);
        host.out.clear();
      },
      [&] {
        start();
        one_turn();
        host.put(kNet + "/10-flannel.conf", kFlannel);
        for (int i = 0; i < 3; ++i) one_turn();
      },
      [&](bool announced) {
        if (host.bytes(kKubeconfig)) {
          EXPECT_TRUE(has_token("first-token"));
        }
        if (host.bytes(kPlugin)) {
          EXPECT_EQ(host.bytes(kPlugin), "program");
        }
        if (host.bytes(kConf) || announced) {
          EXPECT_EQ(delegate(), kFlannel);
          EXPECT_TRUE(has_token("first-token"));
          EXPECT_EQ(host.bytes(kPlugin), "program");
          EXPECT_EQ(host.status(kKubeconfig).mode & 07777U, 0600U);
        }
        host.put(kNet + "/10-flannel.conf", kFlannel);
        next_life_heals("first-token");
      });
}

TEST_F(DurabilityTest, ARotationAndANewPlugin) {  // ATOM-22, ORDER-38
  int number = 0;
  std::string old;
  std::string now;
  cut_everywhere(
      [&] {
        host.put(kSource, "old program", 0755);
        start();
        run(3s);
        entrypoint->stop();
        old = *host.bytes(kKubeconfig);
        now = "token-" + std::to_string(++number);
        host.project(kAccount, now, kPem);
        host.put(kSource, "program", 0755);
      },
      [&] {
        start();
        one_turn();
      },
      [&](bool) {
        EXPECT_TRUE(has_token(now) || host.bytes(kKubeconfig) == old);
        EXPECT_EQ(delegate(), kFlannel);
        const std::string plugin = host.bytes(kPlugin).value_or("none");
        EXPECT_TRUE(plugin == "program" || plugin == "old program") << plugin;
        if (plugin == "program") {
          EXPECT_TRUE(has_token(now));  // the new plugin never meets the old kubeconfig
        }
        next_life_heals(now);
      });
}

// CONF-31, UPGRADE-M7: the sibling goes only when the new one is durable, so there is always one of the two.
TEST_F(DurabilityTest, AChangeOfTheForm) {
  bool list = false;
  cut_everywhere(
      [&] {
        list = !list;
        host.put(kNet + "/10-flannel.conf", list ? R"({"cniVersion":"1.0.0","name":"cbr0","type":"flannel"})" : kFlannel);
        start();
        run(3s);
        entrypoint->stop();
        host.put(kNet + "/10-flannel.conf", list ? kFlannel : R"({"cniVersion":"1.0.0","name":"cbr0","type":"flannel"})");
      },
      [&] {
        start();
        one_turn();
      },
      [&](bool) {
        EXPECT_NE(delegate(), "none");
        start();
        run(3s);
        EXPECT_EQ(host.bytes(kConf).has_value(), list);
        EXPECT_EQ(host.bytes(kList).has_value(), !list);
        entrypoint->stop();
      });
}

TEST_F(DurabilityTest, APrimarySetAside) {  // UPGRADE-48
  cut_everywhere(
      [&] {
        host.remove_all(kNet);
        host.put(kNet + "/10-flannel.conf", kFlannel);
      },
      [&] {
        start({"--rename-conf-file"});
        one_turn();
      },
      [&](bool) {
        EXPECT_TRUE(host.bytes(kNet + "/10-flannel.conf") || delegate() == kFlannel);
        start({"--rename-conf-file"});
        run(3s);
        EXPECT_EQ(delegate(), kFlannel);
        EXPECT_TRUE(host.bytes(kNet + "/10-flannel.conf.old"));
        entrypoint->stop();
      });
}

TEST_F(DurabilityTest, AManualFileInPlaceOfAGeneratedOne) {  // UPGRADE-M4, MANUAL-50
  host.put(kManualFile, kManual);
  cut_everywhere(
      [&] {
        host.remove_all(kNet + "/70-multus.conf");
        start();
        run(3s);
        entrypoint->stop();
      },
      [&] {
        start_manual();
        one_turn();
      },
      [&](bool) {
        EXPECT_TRUE(delegate() == kFlannel || host.bytes(kNet + "/70-multus.conf") == kManual);
        EXPECT_TRUE(has_token("first-token"));
        start_manual();
        run(3s);
        EXPECT_FALSE(host.bytes(kConf));
        EXPECT_EQ(host.bytes(kNet + "/70-multus.conf"), kManual);
        entrypoint->stop();
      });
}

}  // namespace
}  // namespace reference
