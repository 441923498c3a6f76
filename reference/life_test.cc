// How the entrypoint lives: how often it looks, what wakes it, who else may live beside it, and what others can learn of it.
#include <gtest/gtest.h>

#include <cerrno>

#include "reference/certificate.h"
#include "reference/entrypoint_test_support.h"
#include "reference/health.h"

namespace reference {
namespace {

constexpr const char* kHealth = "/run/entrypoint/health";

std::string jwt(const std::string& claims) {
  std::string payload = encode_base64(claims);
  std::erase(payload, '=');
  return "header." + payload + ".signature";
}

class LifeTest : public EntrypointTest {
 protected:
  int status(std::vector<std::string> args = {}) {
    args.insert(args.begin(), {"status", std::string("--health-file=") + kHealth});
    return report_health(host, *parse_options(args, {}));
  }
  Turn turn() {
    const Turn done = entrypoint->turn();
    if (!done.exit) host.now = done.wait_until;
    return done;
  }
};

// Issue 3: a quiet turn costs at most 12 system calls (one is the wait), and everything is compared at least every 5 s.
TEST_F(LifeTest, AQuietTurnLooksAtStatusesOnly) {
  for (const bool manual : {false, true}) {
    host.put(kManualFile, kManual);
    manual ? start_manual() : start();
    run(10s);
    int fewest = 1000;
    int full_looks = 0;
    for (int i = 0; i < 30; ++i) {
      host.calls = 0;
      turn();
      fewest = std::min(fewest, host.calls);
      full_looks += host.calls > 11 ? 1 : 0;
    }
    EXPECT_LE(fewest, 11);
    EXPECT_GE(full_looks, 6);
    EXPECT_LE(full_looks, 10);
  }
}

// EXIST-04, FRESH-06: statuses are enough to notice whatever happens within one poll interval.
TEST_F(LifeTest, AQuietTurnStillNoticesEverything) {
  start();
  run(20s);
  const std::string kubeconfig = *host.bytes(kKubeconfig);
  for (int i = 0; i < 8; ++i) {
    std::string damaged = kubeconfig;
    damaged.back() = 'x';
    host.put(kKubeconfig, damaged, 0600);
    turn();
    turn();
    EXPECT_EQ(host.bytes(kKubeconfig), kubeconfig) << i;
    for (int quiet = 0; quiet < i; ++quiet) turn();
  }
  host.project(kAccount, "second-token", kPem);
  turn();
  turn();
  EXPECT_TRUE(has_token("second-token"));
}

TEST_F(LifeTest, EventsBringTheNextTurnForward) {  // FRESH-15, FRESH-16
  host.events_error = 0;
  start();
  run(20s);
  for (const std::string& directory : {kAccount, kNet, kNet + "/multus.d", kBin})
    EXPECT_TRUE(host.watched.contains(directory)) << directory;
  Turn last = turn();
  EXPECT_LE(last.events_from - (last.wait_until - 1s), 10ms);
  host.project(kAccount, "second-token", kPem);
  host.events = true;
  host.watched.clear();
  entrypoint->turn();
  EXPECT_TRUE(has_token("second-token"));
  EXPECT_TRUE(host.watched.contains(kAccount));  // asked for again, before everything was looked at
  // Somebody who makes noise all the time costs no more than the polling does.
  for (int i = 0; i < 30; ++i) {
    host.events = true;
    last = turn();
  }
  EXPECT_EQ(last.events_from, last.wait_until);
  turn();
  last = turn();
  EXPECT_LE(last.events_from - (last.wait_until - 1s), 10ms);
}

TEST_F(LifeTest, WithoutEventsItSaysSoOnceAndPolls) {  // FRESH-15
  host.events_error = EMFILE;
  start();
  run(10min);
  EXPECT_EQ(std::ranges::count_if(host.error, [](const std::string& line) { return line.find("EMFILE") != std::string::npos; }), 1);
  host.project(kAccount, "second-token", kPem);
  run(1100ms);
  EXPECT_TRUE(has_token("second-token"));
}

TEST_F(LifeTest, WaitsForTheReadinessFile) {  // ORDER-40
  host.put_directory(kNet + "/ready");
  start({"--readiness-indicator-file=/etc/cni/net.d/ready/file"});
  run(700s);
  EXPECT_FALSE(exit);
  EXPECT_FALSE(host.bytes(kConf));
  EXPECT_LE(host.error.size(), 13U);
  host.project(kAccount, "second-token", kPem);
  run(2s);
  EXPECT_TRUE(has_token("second-token"));
  host.put(kNet + "/ready/file", "");
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_NE(host.bytes(kConf)->find("\"readinessindicatorfile\": \"/etc/cni/net.d/ready/file\""), std::string::npos);
}

TEST_F(LifeTest, AReadinessFileThatCannotBeSeenIsThePluginsBusiness) {  // ORDER-40
  start({"--readiness-indicator-file=/run/flannel/subnet.env"});
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_TRUE(said("cannot see the directory of the readiness file"));
}

TEST_F(LifeTest, LostVariablesLeaveTheServerThatIsThere) {  // FRESH-19
  start({"--api-server=https://10.0.0.9:6443"});
  run(2s);
  host.project(kAccount, "second-token", kPem);
  start({}, {});
  run(2s);
  EXPECT_FALSE(exit);
  EXPECT_TRUE(has_token("second-token"));
  EXPECT_NE(host.bytes(kKubeconfig)->find("server: https://10.0.0.9:6443\n"), std::string::npos);
  EXPECT_TRUE(said("KUBERNETES_SERVICE_HOST"));
  for (const std::string& left : {std::string("junk"), host.bytes(kKubeconfig)->substr(0, 300)}) {  // nothing to go on with
    host.put(kKubeconfig, left, 0600);
    start({}, {});
    run(2s);
    EXPECT_EQ(exit, kExitConfiguration);
    EXPECT_EQ(host.bytes(kKubeconfig), left);
  }
}

TEST_F(LifeTest, TellsWhenTheTokenExpiresAndWhenItsEndIsNear) {  // FRESH-09
  host.project(kAccount, jwt(R"({"iat":1700000000,"exp":1700003600})"), kPem);
  start();
  run(2s);
  EXPECT_TRUE(said("its token expires 2023-11-14T23:13:20Z, in 60 min"));
  host.wall += 3500;
  run(2s);
  EXPECT_FALSE(said("at its end"));  // there is nothing newer to publish
  host.before = [](std::string_view verb, const std::string& path) {
    return verb == "open" && path.ends_with(".tmp") ? std::optional(ENOSPC) : std::nullopt;
  };
  host.project(kAccount, jwt(R"({"iat":1700003000,"exp":1700006600})"), kPem);
  run(5s);
  EXPECT_TRUE(said("the published token is at its end"));
}

TEST_F(LifeTest, TellsOfTheEndOfATokenThatOthersProvide) {  // FRESH-09
  for (const char* policy : {"never", "if-missing"}) {
    host.put(kKubeconfig, "users: [{name: n, user: {token: " + jwt(R"({"iat":1700000000,"exp":1700003600})") + "}}]", 0600);
    host.wall = 1'700'000'000;
    start({std::string("--kubeconfig-policy=") + policy});
    run(5s);
    EXPECT_FALSE(said("which is left to others")) << policy;
    host.wall += 3500;
    const std::size_t lines = host.error.size() + host.out.size();
    run(20s);
    EXPECT_TRUE(said("is at its end: its token expires 2023-11-14T23:13:20Z")) << policy;
    EXPECT_EQ(host.error.size() + host.out.size(), lines + 1) << policy;  // once
    host.out.clear();
    host.error.clear();
  }
}

TEST_F(LifeTest, APipeInPlaceOfTheTokenBlocksNothing) {  // FRESH-17
  host.remove_all(kAccount);
  host.put(kAccount + "/token", "first-token");
  host.put(kAccount + "/ca.crt", kPem);
  start();
  run(2s);
  host.remove_all(kAccount + "/token");
  host.put_fifo(kAccount + "/token");
  run(2s);
  EXPECT_TRUE(said("it is not a regular file"));
  const std::string old = *host.bytes(kKubeconfig);
  host.put(kAccount + "/ca.crt", kPem + kPem);
  run(2s);
  EXPECT_NE(host.bytes(kKubeconfig), old);
  EXPECT_TRUE(has_token("first-token"));
}

TEST_F(LifeTest, TheHeartbeatTellsWhoAsks) {  // FRESH-17
  host.put_directory("/run/entrypoint");
  EXPECT_EQ(status(), kExitUnavailable);
  host.remove_all(kNet + "/10-flannel.conf");
  host.project(kAccount, jwt(R"({"iat":1700000000,"exp":1700003600})"), kPem);
  start({std::string("--health-file=") + kHealth});
  run(2s);
  EXPECT_EQ(status(), kExitOk);
  EXPECT_EQ(status({"--ready"}), kExitTimeout);
  host.put(kNet + "/10-flannel.conf", kFlannel);
  run(2s);
  EXPECT_EQ(status({"--ready"}), kExitOk);
  EXPECT_TRUE(said("token expires 2023-11-14T23:13:20Z"));
  const auto document = json::Document::parse(*host.bytes(kHealth));
  ASSERT_TRUE(document) << *host.bytes(kHealth);
  EXPECT_EQ(document->root().find("tokenMarginSeconds")->source(), "3600");
  EXPECT_EQ(document->root().find("lastPublish")->text(), "2023-11-14T22:13:20Z");
  host.wall += 48 * 3600;  // FRESH-12: the wall clock is nothing to go by
  EXPECT_EQ(status(), kExitOk);
  run(1min);
  EXPECT_EQ(status(), kExitOk);
  host.now += 60s;  // nobody has turned
  EXPECT_EQ(status(), kExitUnavailable);
  host.now = 1s;  // a file from before a reboot
  EXPECT_EQ(status(), kExitUnavailable);
  for (const char* junk : {"", "{}", "[", "{\"lastCheckMonotonicMs\":true,\"intervalMs\":1}"}) {
    host.put(kHealth, junk);
    EXPECT_EQ(status(), kExitUnavailable);
  }
}

TEST_F(LifeTest, AHeartbeatThatCannotBeWrittenIsNoReasonToStop) {  // FRESH-17
  start({std::string("--health-file=") + kHealth});
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_TRUE(said(std::string("cannot write ") + kHealth));
}

class TwoInstancesTest : public LifeTest {
 protected:
  // Another Pod's instance on the same volume, with a token and a configuration of its own.
  void start_other(const std::string& token) {
    host.put("/other/token", token);
    host.put("/other/ca.crt", kPem);
    host.now += 100ms;
    std::vector<std::string> args{"--token-file=/other/token", "--ca-file=/other/ca.crt", "--cleanup-config-on-exit"};
    if (host.marks_supported) args.emplace_back("--namespace-isolation");
    other = std::make_unique<Entrypoint>(host, *parse_options(args, kEnvironment));
  }
  void run_both(std::chrono::nanoseconds time) {
    for (const auto end = host.now + time; host.now < end; host.now += 500ms) {
      for (const auto& each : {entrypoint.get(), other.get()}) {
        if (each != nullptr) {
          EXPECT_FALSE(each->turn().exit);
        }
      }
    }
  }
  std::unique_ptr<Entrypoint> other;
};

TEST_F(TwoInstancesTest, TheNewerOneIsInChargeUntilItLeaves) {  // ORDER-43, ATOM-26
  host.marks_supported = true;
  start({"--cleanup-config-on-exit"});
  run(2s);
  start_other("other-token");
  run_both(5s);
  EXPECT_TRUE(has_token("other-token"));
  EXPECT_NE(host.bytes(kConf)->find("namespaceIsolation"), std::string::npos);
  host.changes.clear();
  const std::size_t lines = host.out.size() + host.error.size();
  run_both(60s);
  EXPECT_TRUE(host.changes.empty()) << host.changes.front();
  EXPECT_EQ(host.out.size() + host.error.size(), lines);
  host.put(kKubeconfig, "damaged", 0600);  // EXIST-04 holds for two as for one
  run_both(2s);
  EXPECT_TRUE(has_token("other-token") || has_token("first-token"));
  run_both(2s);
  host.project(kAccount, "second-token", kPem);
  run_both(5s);
  EXPECT_TRUE(has_token("other-token"));
  // Its token dies with its Pod.
  other.reset();
  run_both(5s);
  EXPECT_TRUE(has_token("second-token"));
  EXPECT_EQ(host.bytes(kConf)->find("namespaceIsolation"), std::string::npos);
}

TEST_F(TwoInstancesTest, TheOneThatLeavesTakesNothingAlong) {  // ORDER-43
  host.marks_supported = true;
  start({"--cleanup-config-on-exit"});
  run(2s);
  start_other("first-token");
  run_both(5s);
  EXPECT_EQ(entrypoint->stop(), kExitOk);
  EXPECT_TRUE(host.bytes(kConf));
  entrypoint.reset();
  run_both(5s);
  EXPECT_EQ(other->stop(), kExitOk);
  EXPECT_FALSE(host.bytes(kConf));
}

TEST_F(TwoInstancesTest, WithoutMarksTheLaterTokenStays) {  // ORDER-43, ATOM-26
  for (const bool ours_is_later : {false, true}) {
    const std::string early = jwt(R"({"iss":"i","sub":"s","iat":1700000000,"exp":1700003600,"pod":"a"})");
    const std::string late = jwt(R"({"iss":"i","sub":"s","iat":1700000009,"exp":1700003609,"pod":"b"})");
    host.project(kAccount, ours_is_later ? late : early, kPem);
    start();
    run(2s);
    start_other(ours_is_later ? early : late);
    run_both(5s);
    EXPECT_TRUE(has_token(late));
    host.changes.clear();
    run_both(30s);
    EXPECT_TRUE(host.changes.empty()) << host.changes.front();
    other.reset();
  }
}

// SECURE-54, LIFE-58: a stop that is asked for at any call leaves what is visible usable, and nothing lies about.
TEST_F(LifeTest, AStopAtAnyCallLeavesNothingHalfDone) {
  for (int nth = 1, count = nth; count >= nth; ++nth) {
    host.remove_all(kNet + "/multus.d");
    host.remove_all(kPlugin);
    host.remove_all(kConf);
    host.stopping = false;
    count = 0;
    int after = 0;
    host.before = [&](std::string_view, const std::string&) -> std::optional<int> {
      host.stopping = ++count >= nth;
      after += host.stopping ? 1 : 0;
      return std::nullopt;
    };
    start();
    const Turn done = entrypoint->turn();
    host.before = nullptr;
    if (host.stopping) {
      EXPECT_FALSE(done.exit);
      EXPECT_LE(after, 64) << nth;  // it comes to an end soon
      EXPECT_EQ(entrypoint->stop(), kExitOk);
    }
    EXPECT_FALSE(litter()) << nth;
    EXPECT_EQ(host.open_descriptors(), 0) << nth;
    if (host.bytes(kConf)) {
      EXPECT_TRUE(has_token("first-token") && host.bytes(kPlugin) == "program") << nth;
    }
  }
  host.stopping = false;
  start();
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
}

// SECURE-54: whatever fails, with whatever token, in text, JSON and health file.
TEST_F(LifeTest, NoOutputHoldsATokenWhateverFails) {
  host.put_directory("/run/entrypoint");
  const std::string signature = "canarycanary";
  const std::string good = jwt(R"({"iat":1700000000,"exp":1700003600})") + signature;
  for (const std::string& token : {good, signature + " " + signature, signature + "\x01", signature + std::string(70'000, 'x')}) {
    for (const char* format : {"--log-format=text", "--log-format=json"}) {
      for (const int number : {EIO, ENOSPC, EACCES}) {
        for (int nth = 1, count = nth; count >= nth; ++nth) {
          host.project(kAccount, nth % 2 == 0 ? token : "plain", kPem);
          host.remove_all(kKubeconfig);
          host.remove_all(kConf);
          start({format, std::string("--health-file=") + kHealth});
          count = 0;
          host.before = [&](std::string_view, const std::string&) { return ++count == nth ? std::optional(number) : std::nullopt; };
          entrypoint->turn();
          host.project(kAccount, token, kPem);
          entrypoint->turn();
          host.before = nullptr;
          ASSERT_EQ(host.bytes(kHealth).value_or("").find("canary"), std::string::npos);
        }
      }
    }
  }
  EXPECT_FALSE(said("canary"));
}

}  // namespace
}  // namespace reference
