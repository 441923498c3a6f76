// The control plane's judgement of tokens and rights, and what a client experiences: each case by which a credential dies in the field.
#include "simulator/cluster/control_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/cluster/handshake.h"
#include "simulator/cluster/service_account.h"

namespace entryproof::cluster {
namespace {

using testing::HasSubstr;
using Kind = Experience::Kind;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;

// A cluster whose clock is moved by hand, and the account of its Pod.
struct World {
  explicit World(TokenOptions options = {}) : account(control, now, std::move(options)) {}

  std::optional<TokenFault> fault(const std::string& token) const {
    const auto identity = control->authenticate(token);
    return identity ? std::nullopt : std::optional(identity.error().fault);
  }
  std::optional<TokenFault> fault() const { return fault(account.current().token); }
  ClientConfig client() const {
    ClientConfig config;
    config.host = kServiceAddress;
    config.ca_pem = account.current().ca_pem;
    config.token = account.current().token;
    return config;
  }
  Experience experience(const ClientConfig& config) const { return attempt(config, *control); }
  Kind kind(const ClientConfig& config) const { return experience(config).kind; }
  Kind kind() const { return kind(client()); }

  std::int64_t now = VirtualClock::kDefaultEpochNs;
  std::shared_ptr<ControlPlane> control = std::make_shared<ControlPlane>(1, [this] { return now; });
  ServiceAccount account;
};

TokenOptions life(std::int64_t seconds) {
  TokenOptions options;
  options.life_seconds = seconds;
  return options;
}

// --- tokens ---

TEST(ControlPlane, KnowsWhoseTokenItIs) {
  const World world;
  const auto identity = world.control->authenticate(world.account.current().token);
  ASSERT_TRUE(identity) << identity.error().reason;
  EXPECT_EQ(identity->username, kTokenSubject);
  EXPECT_EQ(identity->pod_name, "kube-multus-ds-x7k2p");
  EXPECT_EQ(identity->pod_uid, world.control->pod("kube-system", identity->pod_name)->uid);
  EXPECT_THAT(identity->groups, testing::Contains("system:authenticated"));
  EXPECT_EQ(identity->generation, 1U);
}

TEST(ControlPlane, ATokenLivesForItsLifeAndNoLonger) {
  World world;
  world.now += 3607 * kSecond;
  EXPECT_EQ(world.fault(), std::nullopt);
  world.now += kSecond;
  EXPECT_EQ(world.fault(), TokenFault::kExpired);
  EXPECT_EQ(world.control->authenticate(world.account.current().token).error().generation, 1U);
}

TEST(ControlPlane, AStretchedTokenLivesAYear) {
  TokenOptions options;
  options.stretched = true;
  World world(options);
  const auto claims = verify_token(world.account.current().token);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->warn_after, claims->issued_at + 3607);
  EXPECT_EQ(claims->expires, claims->issued_at + 365 * 24 * 3600);
  EXPECT_EQ(world.account.current().life_seconds, 3607);  // what kubelet believes
  world.now += 364 * 24 * kHour;
  EXPECT_EQ(world.fault(), std::nullopt);
  world.now += 2 * 24 * kHour;
  EXPECT_EQ(world.fault(), TokenFault::kExpired);
}

TEST(ControlPlane, ALegacyTokenLivesAsLongAsItsSecret) {
  TokenOptions options;
  options.legacy = true;
  World world(options);
  world.now += 20 * 365 * 24 * kHour;
  EXPECT_EQ(world.fault(), std::nullopt);
  EXPECT_EQ(world.account.current().expires, std::nullopt);
  EXPECT_EQ(world.control->authenticate(world.account.current().token)->pod_name, "");
  world.control->set_legacy_secret("multus", false);
  EXPECT_EQ(world.fault(), TokenFault::kAccountGone);
  world.control->set_legacy_secret("multus", true);
  EXPECT_EQ(world.fault(), std::nullopt);
}

TEST(ControlPlane, ATokenFromTheFutureDoesNotCountYet) {
  TokenOptions options;
  options.skew_seconds = 90;
  World world(options);
  EXPECT_EQ(world.fault(), TokenFault::kNotYet);
  world.now += 90 * kSecond;
  EXPECT_EQ(world.fault(), std::nullopt);
}

TEST(ControlPlane, ATokenDiesWithItsPod) {
  World world;
  const std::string old = world.account.current().token;
  const std::string old_name = world.account.pod().name;
  world.account.replace_pod(world.now);
  EXPECT_NE(world.account.pod().name, old_name);
  EXPECT_EQ(world.fault(old), TokenFault::kPodGone);
  EXPECT_EQ(world.fault(), std::nullopt);
  EXPECT_EQ(world.account.generations().size(), 2U);
}

TEST(ControlPlane, APodOfTheSameNameIsAnotherPod) {
  World world;
  Pod again = world.account.pod();
  again.uid = "11111111-2222-4333-8444-555555555555";
  world.control->create_pod(again);
  EXPECT_EQ(world.fault(), TokenFault::kPodGone);
}

TEST(ControlPlane, ADroppedSigningKeyKillsAnUnexpiredToken) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048}) {
    World world;
    const std::string old = world.account.current().token;
    world.account.rotate_signing_key(true, world.now, type);
    EXPECT_EQ(world.fault(old), std::nullopt);
    EXPECT_EQ(world.fault(), std::nullopt);
    world.control->drop_old_signing_keys();
    EXPECT_EQ(world.fault(old), TokenFault::kKeyDropped);
    EXPECT_EQ(world.fault(), std::nullopt);
    const std::string second = world.account.current().token;
    world.account.rotate_signing_key(false, world.now, type);
    EXPECT_EQ(world.fault(second), TokenFault::kKeyDropped);
    EXPECT_EQ(world.fault(), std::nullopt);
  }
}

TEST(ControlPlane, ANewTokenMayExpireWithOrBeforeTheOldOne) {
  World world;
  const auto first = world.account.current();
  for (const std::int64_t earlier : {0, 600}) {
    TokenOptions options;
    options.expires = *first.expires - earlier;
    world.account.set_options(options);
    world.now += 10 * kSecond;
    const auto& next = world.account.rotate(true, false, world.now);
    EXPECT_NE(next.token, first.token);
    EXPECT_EQ(verify_token(next.token)->expires, *first.expires - earlier);
    EXPECT_EQ(next.expires, *first.expires - earlier);
    EXPECT_EQ(world.fault(), std::nullopt);
  }
}

TEST(ControlPlane, RefusesTokensOfOthers) {
  const World world;
  TokenRequest request;
  request.seed = 1;
  request.wall_ns = world.now;
  EXPECT_EQ(world.fault(issue_token(request)), std::nullopt);

  TokenRequest foreign = request;
  foreign.key.number = 77;
  EXPECT_EQ(world.fault(issue_token(foreign)), TokenFault::kForeign);
  TokenRequest audience = request;
  audience.audience = "vault";
  EXPECT_EQ(world.fault(issue_token(audience)), TokenFault::kAudience);
  TokenRequest issuer = request;
  issuer.issuer = "https://elsewhere.example";
  EXPECT_EQ(world.fault(issue_token(issuer)), TokenFault::kIssuer);
  TokenRequest cluster = request;
  cluster.seed = 2;  // another cluster with, by chance, the same key: its Pod has another uid
  EXPECT_EQ(world.fault(issue_token(cluster)), TokenFault::kPodGone);
  TokenRequest account = request;
  account.account = "default";
  EXPECT_EQ(world.fault(issue_token(account)), TokenFault::kAccountGone);
  EXPECT_EQ(world.fault("not-a-jwt"), TokenFault::kMalformed);
  EXPECT_EQ(world.fault("a.b.c"), TokenFault::kForeign);
  EXPECT_EQ(world.fault(""), TokenFault::kMissing);
  EXPECT_EQ(world.control->authenticate(std::nullopt).error().fault, TokenFault::kMissing);
}

TEST(ControlPlane, SaysNothingOfTheTokenWhenItRefuses) {
  World world;
  const std::string token = world.account.current().token;
  world.now += 2 * kHour;
  for (const std::string& bad : {token, token.substr(1), token + "x", std::string("secret.secret.secret")}) {
    const auto refused = world.control->authenticate(bad);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().reason, testing::Not(HasSubstr(bad.substr(0, 6))));
    EXPECT_FALSE(refused.error().reason.empty());
  }
}

TEST(ControlPlane, TheHeaderIsReadAsKubeApiserverReadsIt) {
  EXPECT_EQ(bearer_of("Bearer abc"), "abc");
  EXPECT_EQ(bearer_of("  bEARER abc\r\n"), "abc");
  EXPECT_EQ(bearer_of("Bearer abc def"), "abc");
  EXPECT_EQ(bearer_of("Bearer  abc"), std::nullopt);
  EXPECT_EQ(bearer_of("Basic abc"), std::nullopt);
  EXPECT_EQ(bearer_of("Bearer"), std::nullopt);
  EXPECT_EQ(bearer_of("Bearer "), std::nullopt);
  EXPECT_EQ(bearer_of(""), std::nullopt);
  EXPECT_EQ(bearer_of("Bearerabc"), std::nullopt);
}

// --- rights ---

TEST(ControlPlane, AllowsWhatAMultusNeedsAndNothingElse) {
  World world;
  const auto identity = *world.control->authenticate(world.account.current().token);
  const auto may = [&](const char* verb, const char* resource) { return world.control->may(identity, verb, resource, "kube-system"); };
  EXPECT_TRUE(may("get", "pods"));
  EXPECT_TRUE(may("patch", "pods/status"));
  EXPECT_TRUE(may("list", "network-attachment-definitions"));
  EXPECT_TRUE(may("create", "events"));
  EXPECT_TRUE(may("get", "/version"));
  EXPECT_TRUE(may("get", "/apis/k8s.cni.cncf.io/v1"));
  EXPECT_TRUE(may("create", "selfsubjectreviews"));
  EXPECT_FALSE(may("delete", "pods"));
  EXPECT_FALSE(may("patch", "pods"));
  EXPECT_FALSE(may("get", "secrets"));
  EXPECT_FALSE(may("create", "tokenreviews"));
  EXPECT_FALSE(may("get", "/metrics"));
  world.control->set_rules("multus", {});
  EXPECT_FALSE(may("get", "pods"));
  EXPECT_TRUE(may("get", "/version"));
  EXPECT_EQ(world.kind(), Kind::kForbidden);
}

// --- objects ---

TEST(ControlPlane, ShowsLivingPodsAndPatchesTheirStatus) {
  World world;
  const ObjectKey key{"pods", "kube-system", world.account.pod().name};
  const auto pod = world.control->get(key);
  ASSERT_TRUE(pod);
  const auto json = nlohmann::json::parse(*pod);
  EXPECT_EQ(json["metadata"]["uid"], world.account.pod().uid);
  EXPECT_EQ(json["metadata"]["name"], key.name);
  const auto patched = world.control->patch(key, "status", "application/strategic-merge-patch+json",
                                            R"({"metadata":{"annotations":{"a":"b"},"uid":"x","name":"y"},"spec":{"nodeName":"other"},
                                                "status":{"podIP":"10.0.0.1"}})");
  ASSERT_TRUE(patched) << patched.error().reason;
  const auto after = nlohmann::json::parse(*patched);
  EXPECT_EQ(after["metadata"]["annotations"]["a"], "b");
  EXPECT_EQ(after["metadata"]["uid"], world.account.pod().uid);
  EXPECT_EQ(after["metadata"]["name"], key.name);
  EXPECT_EQ(after["spec"]["nodeName"], "node-1");
  EXPECT_EQ(after["status"]["podIP"], "10.0.0.1");
  EXPECT_NE(after["metadata"]["resourceVersion"], json["metadata"]["resourceVersion"]);
  EXPECT_EQ(world.control->list("pods", "").size(), 1U);
  world.account.replace_pod(world.now);
  EXPECT_FALSE(world.control->get(key));
  EXPECT_EQ(world.control->list("pods", "kube-system").size(), 1U);
  EXPECT_EQ(world.control->list("pods", "elsewhere").size(), 0U);
}

TEST(ControlPlane, RefusesPatchesThatAreNone) {
  World world;
  const ObjectKey key{"pods", "kube-system", world.account.pod().name};
  const auto status = [&](const char* type, const std::string& body) {
    const auto done = world.control->patch(key, "", type, body);
    return done ? 200 : done.error().status;
  };
  constexpr const char* kMerge = "application/merge-patch+json";
  EXPECT_EQ(status(kMerge, "{}"), 200);
  EXPECT_EQ(status(kMerge, "{"), 400);
  EXPECT_EQ(status(kMerge, "[]"), 400);
  EXPECT_EQ(status(kMerge, std::string(100'000, '[')), 400);
  EXPECT_EQ(status(kMerge, std::string(Objects::kMaximumBody + 1, ' ')), 413);
  EXPECT_EQ(status("text/plain", "{}"), 415);
  EXPECT_EQ(status("application/json-patch+json", R"([{"op":"remove","path":"/nothing"}])"), 422);
  EXPECT_EQ(status("application/json-patch+json", R"([{"op":"replace","path":"","value":3}])"), 422);
  EXPECT_EQ(world.control->patch({"pods", "kube-system", "nobody"}, "", kMerge, "{}").error().status, 404);
  EXPECT_EQ(world.control->put({"pods", "kube-system", "x"}, "3").error().status, 400);
}

// --- what a client experiences ---

TEST(Handshake, TheProjectedCredentialsAuthenticate) {
  const World world;
  const auto experience = world.experience(world.client());
  EXPECT_EQ(experience.kind, Kind::kAuthenticated) << experience.cause;
  EXPECT_EQ(experience.identity->generation, 1U);
  auto six = world.client();
  six.host = "fd00:10:96:0::1";  // another way to write it
  EXPECT_EQ(world.kind(six), Kind::kAuthenticated);
  six.host = "::ffff:10.96.0.1";
  EXPECT_EQ(world.kind(six), Kind::kAuthenticated);
}

TEST(Handshake, AWrongPlaceIsUnreachable) {
  const World world;
  for (const auto& [host, port] : std::vector<std::pair<std::string, std::uint16_t>>{
           {"10.96.0.2", 443}, {"10.96.0.1", 6443}, {"kubernetes.default.svc", 443}, {"10.96.0.1.", 443}, {"127.0.0.1", 443}}) {
    auto client = world.client();
    client.host = host;
    client.port = port;
    EXPECT_EQ(world.kind(client), Kind::kUnreachable) << host;
    EXPECT_FALSE(world.experience(client).cause.empty());
  }
}

TEST(Handshake, AServerThatIsDownIsUnreachableAndOneThatIsSlowMaybe) {
  World world;
  world.control->set_availability({Availability::Mode::kDown, {}});
  EXPECT_EQ(world.kind(), Kind::kUnreachable);
  world.control->set_availability({Availability::Mode::kResetting, {}});
  EXPECT_EQ(world.kind(), Kind::kUnreachable);
  world.control->set_availability({Availability::Mode::kSlow, std::chrono::seconds(3)});
  EXPECT_EQ(world.kind(), Kind::kAuthenticated);
  world.control->set_availability({Availability::Mode::kSlow, std::chrono::seconds(30)});
  EXPECT_EQ(world.kind(), Kind::kUnreachable);
  world.control->set_availability({});
  EXPECT_EQ(world.kind(), Kind::kAuthenticated);
}

TEST(Handshake, AConfigurationThatContradictsItselfIsMalformed) {
  const World world;
  const auto with = [&](auto change) {
    auto client = world.client();
    change(client);
    return world.kind(client);
  };
  EXPECT_EQ(with([](ClientConfig& c) { c.scheme = "ftp"; }), Kind::kMalformed);
  EXPECT_EQ(with([](ClientConfig& c) { c.scheme = "http"; }), Kind::kMalformed);
  EXPECT_EQ(with([](ClientConfig& c) { c.host = ""; }), Kind::kMalformed);
  EXPECT_EQ(with([](ClientConfig& c) { c.port = 0; }), Kind::kMalformed);
  EXPECT_EQ(with([](ClientConfig& c) { c.insecure = true; }), Kind::kMalformed);
  EXPECT_EQ(with([](ClientConfig& c) { c.ca_pem = "nothing"; }), Kind::kMalformed);
  EXPECT_EQ(with([](ClientConfig& c) { c.token += "\n"; }), Kind::kMalformed);
  EXPECT_EQ(with([](ClientConfig& c) { c.token += " "; }), Kind::kAuthenticated);  // trimmed on the way
  EXPECT_EQ(with([](ClientConfig& c) { c.token = ""; }), Kind::kUnauthorized);
  EXPECT_EQ(with([](ClientConfig& c) {
              c.ca_pem = "";
              c.insecure = true;
            }),
            Kind::kAuthenticated);
  EXPECT_EQ(with([](ClientConfig& c) { c.ca_pem = ""; }), Kind::kUntrusted);
}

TEST(Handshake, TheServersCertificateMustSuitTheClient) {
  World world;
  const auto cause = [&](auto change) {
    ServingPlan plan;
    change(plan);
    world.control->serve(plan);
    const auto experience = world.experience(world.client());
    EXPECT_EQ(experience.kind == Kind::kUntrusted, !experience.cause.empty()) << experience.cause;
    return experience.cause;
  };
  EXPECT_EQ(cause([](ServingPlan&) {}), "");
  EXPECT_EQ(cause([](ServingPlan& p) { p.through_intermediate = true; }), "");
  EXPECT_EQ(cause([](ServingPlan& p) { p.request.key = KeyType::kRsa2048; }), "");
  EXPECT_THAT(cause([](ServingPlan& p) { p.authority = 5; }), HasSubstr("unknown authority"));
  EXPECT_THAT(cause([](ServingPlan& p) { p.request.validity = Validity::expired(); }), HasSubstr("expired"));
  EXPECT_THAT(cause([](ServingPlan& p) { p.request.validity = Validity::not_yet_valid(); }), HasSubstr("time has not come"));
  EXPECT_THAT(cause([](ServingPlan& p) { p.request.addresses = {"10.0.0.1"}; }), HasSubstr("not valid for 10.96.0.1"));
  EXPECT_THAT(cause([](ServingPlan& p) { p.request.addresses = {}; }), HasSubstr("not valid for 10.96.0.1"));
  EXPECT_THAT(cause([](ServingPlan& p) {  // the common name counts for nothing
                p.request.addresses = {};
                p.request.names = {};
                p.request.common_name = "10.96.0.1";
              }),
              HasSubstr("not valid for 10.96.0.1"));
}

TEST(Handshake, ATlsServerNameIsVerifiedInsteadOfTheHost) {
  const World world;
  auto client = world.client();
  for (const char* name : {"kubernetes.default.svc", "KUBERNETES.default", "kubernetes.", "10.96.0.1"}) {
    client.tls_server_name = name;
    EXPECT_EQ(world.kind(client), Kind::kAuthenticated) << name;
  }
  for (const char* name : {"kubernetes.default.svc.example", "10.96.0.9", "*", "kube-apiserver"}) {
    client.tls_server_name = name;
    EXPECT_EQ(world.kind(client), Kind::kUntrusted) << name;
  }
}

TEST(Handshake, ACaRotationWithOverlapNeverShutsAnybodyOut) {
  World world;
  const auto old = world.client();
  world.account.rotate_ca(CaStep::kAdd, world.now);
  EXPECT_EQ(world.kind(old), Kind::kAuthenticated);
  const auto both = world.client();
  EXPECT_EQ(world.kind(both), Kind::kAuthenticated);
  world.account.rotate_ca(CaStep::kSwitch, world.now);
  EXPECT_EQ(world.kind(old), Kind::kUntrusted);
  EXPECT_EQ(world.kind(both), Kind::kAuthenticated);
  world.account.rotate_ca(CaStep::kDropOld, world.now);
  const auto fresh = world.client();
  EXPECT_NE(fresh.ca_pem, both.ca_pem);
  EXPECT_EQ(world.kind(both), Kind::kAuthenticated);
  EXPECT_EQ(world.kind(fresh), Kind::kAuthenticated);
  EXPECT_EQ(world.account.generations().size(), 3U);
}

TEST(Handshake, ACaRotationWithoutOverlapShutsOutWhoHoldsTheOldOne) {
  World world;
  const auto old = world.client();
  const auto generation = world.control->serving_generation();
  world.account.rotate(false, true, world.now);
  EXPECT_GT(world.control->serving_generation(), generation);
  EXPECT_EQ(world.kind(old), Kind::kUntrusted);
  EXPECT_EQ(world.kind(), Kind::kAuthenticated);
}

TEST(Handshake, TheHourOfAToken) {
  World world(life(3607));
  const auto published = world.client();
  world.now += 2886 * kSecond;  // 80 %
  world.account.rotate(true, false, world.now);
  EXPECT_EQ(world.kind(published), Kind::kAuthenticated);
  EXPECT_EQ(world.kind(), Kind::kAuthenticated);
  world.now += 722 * kSecond;
  const auto stale = world.experience(published);
  EXPECT_EQ(stale.kind, Kind::kUnauthorized);
  EXPECT_EQ(stale.fault, TokenFault::kExpired);
  EXPECT_EQ(world.kind(), Kind::kAuthenticated);
}

TEST(ControlPlane, MayBeChangedWhileItIsAsked) {
  World world;
  const auto client = world.client();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 200; ++turn) {
        EXPECT_EQ(world.kind(client), Kind::kAuthenticated);
        (void)world.control->list("pods", "");
      }
    });
  }
  for (int turn = 0; turn < 200; ++turn) {
    world.control->rotate_signing_key(true);
    auto plan = world.control->serving_plan();
    plan.through_intermediate = !plan.through_intermediate;
    world.control->serve(plan);
    world.control->create_pod({"kube-system", "other", ""});
    world.control->delete_pod("kube-system", "other");
  }
}

}  // namespace
}  // namespace entryproof::cluster
