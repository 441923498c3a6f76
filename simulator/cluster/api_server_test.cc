#include "simulator/cluster/api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/resource.h>

#include "simulator/cluster/api_test_support.h"
#include "simulator/cluster/tls_stream.h"

namespace entryproof::cluster {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = Experience::Kind;
using Outcome = TlsStream::Outcome;

std::shared_ptr<SSL_CTX> any_client() { return {SSL_CTX_new(TLS_client_method()), SSL_CTX_free}; }
std::shared_ptr<SSL_CTX> usual_client() {
  static const auto kContext = any_client();
  return kContext;
}

// A raw TLS connection, to misbehave on.
struct Raw {
  explicit Raw(const ServedCluster& cluster, bool tls = true)
      : context(tls ? usual_client() : nullptr),
        stream(std::move(*connect_on_loopback("127.0.0.1", cluster.port, 1s)), context.get(), clock, clock.now() + 100s) {
    if (tls) {
      EXPECT_EQ(stream.shake_hands(), Outcome::kDone) << stream.problem();
    }
  }
  // All that comes until the server is done with us.
  std::string rest() {
    std::string all;
    while (stream.read(all) == Outcome::kDone) continue;
    return all;
  }
  // What comes until this is in it.
  std::string until(std::string_view mark) {
    std::string all;
    while (all.find(mark) == std::string::npos && stream.read(all) == Outcome::kDone) continue;
    return all;
  }
  RealClock clock;
  std::shared_ptr<SSL_CTX> context;
  TlsStream stream;
};

std::string request(const ServedCluster& cluster, const std::string& more = {}) {
  return "GET /version HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + cluster.token() + "\r\n" + more + "\r\n";
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class ApiServerTest : public ::testing::Test {
 protected:
  static ApiServer::Limits limits() {
    ApiServer::Limits small;
    small.http = {.head_bytes = 16U << 10, .headers = 50, .body_bytes = 64U << 10};
    small.connections = 40;
    small.request = 300ms;
    small.idle = 20s;
    small.evidence = 200;
    return small;
  }
  void expect_well() {
    auto client = cluster.client();
    const auto contact = client.get(cluster.config(), "/version");
    EXPECT_EQ(contact.kind, Kind::kAuthenticated) << contact.cause;
  }
  // Whether evidence has this problem, soon.
  bool noted(std::string_view problem) const {
    return eventually([&] {
      const auto evidence = cluster.attachment->evidence();
      return std::ranges::any_of(evidence.exchanges, [&](const Exchange& each) { return each.problem.contains(problem); });
    });
  }
  ApiServer server{limits()};
  ServedCluster cluster{server};
};

TEST_F(ApiServerTest, AnswersAndKeepsEvidenceWithoutTokens) {
  expect_well();
  const auto evidence = cluster.attachment->evidence();
  ASSERT_EQ(evidence.total, 1U);
  EXPECT_EQ(evidence.exchanges[0].what, "get /version");
  EXPECT_EQ(evidence.exchanges[0].status, 200);
  EXPECT_EQ(evidence.exchanges[0].generation, 1U);
  EXPECT_EQ(evidence.exchanges[0].wall_ns, kTestNow);
}

TEST_F(ApiServerTest, KeepsAConnectionAliveAndAnswersInOrder) {
  Raw raw(cluster);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(raw.stream.write(request(cluster)), Outcome::kDone);
    EXPECT_THAT(raw.until("gitVersion"), StartsWith("HTTP/1.1 200"));
  }
  // Three at once, the last of which is the end.
  ASSERT_EQ(raw.stream.write(request(cluster) + "GET /nowhere HTTP/1.1\r\n\r\n" + request(cluster, "Connection: close\r\n")),
            Outcome::kDone);
  const auto answers = raw.rest();
  EXPECT_EQ(count(answers, "HTTP/1.1 200"), 2U);
  EXPECT_EQ(count(answers, "HTTP/1.1 401"), 1U);
  EXPECT_EQ(cluster.attachment->evidence().total, 6U);
}

TEST_F(ApiServerTest, SaysGoOnToThoseWhoWait) {
  Raw raw(cluster);
  ASSERT_EQ(raw.stream.write("POST /version HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"),
            Outcome::kDone);
  EXPECT_THAT(raw.until("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  ASSERT_EQ(raw.stream.write("{}"), Outcome::kDone);
  EXPECT_THAT(raw.rest(), StartsWith("HTTP/1.1 401"));
}

TEST_F(ApiServerTest, ServesManyWorldsApart) {
  ServedCluster other(server, 8);
  auto client = cluster.client();
  EXPECT_EQ(client.get(other.config(), "/version").kind, Kind::kAuthenticated);
  auto foreign = cluster.config();
  foreign.token = other.token();
  EXPECT_EQ(client.get(foreign, "/version").kind, Kind::kUnauthorized);
  EXPECT_EQ(other.attachment->evidence().total, 1U);
}

TEST_F(ApiServerTest, DetachingEndsAWorldWithItsConnections) {
  auto other = std::make_unique<ServedCluster>(server, 8);
  const auto port = other->port;
  Raw raw(*other);
  other.reset();
  EXPECT_EQ(raw.rest(), "");
  const auto refused = connect_on_loopback("127.0.0.1", port, 1s);
  Raw still(cluster);  // and the others stay
  if (refused) {
    std::string nothing;
    pollfd wait{refused->get(), POLLIN, 0};
    poll(&wait, 1, 10'000);
    char byte = 0;
    EXPECT_LE(read(refused->get(), &byte, 1), 0);
  }
  expect_well();
}

// --- availability ---

TEST_F(ApiServerTest, WhatIsDownRefusesAndComesBack) {
  Raw kept(cluster);
  cluster.plane->set_availability({Availability::Mode::kDown});
  cluster.attachment->refresh();
  EXPECT_EQ(kept.rest(), "");
  auto client = cluster.client();
  const auto contact = client.get(cluster.config(), "/version");
  EXPECT_EQ(contact.kind, Kind::kUnreachable);
  EXPECT_THAT(contact.cause, HasSubstr("ECONNREFUSED"));
  cluster.plane->set_availability({});
  cluster.attachment->refresh();
  expect_well();
}

TEST_F(ApiServerTest, AnOutageThatNobodyAnnouncedIsSeenAtTheNextConnection) {
  expect_well();
  cluster.plane->set_availability({Availability::Mode::kDown});
  EXPECT_EQ(cluster.client().get(cluster.config(), "/version").kind, Kind::kUnreachable);
  cluster.plane->set_availability({});
  expect_well();
}

TEST_F(ApiServerTest, SlowAnswersComeLateAndResetsReset) {
  cluster.plane->set_availability({Availability::Mode::kSlow, 50ms});
  const auto before = std::chrono::steady_clock::now();
  expect_well();
  EXPECT_GE(std::chrono::steady_clock::now() - before, 50ms);
  auto hasty = cluster.config();
  hasty.timeout = 10ms;
  cluster.plane->set_availability({Availability::Mode::kSlow, 10s});
  const auto late = cluster.client().get(hasty, "/version");
  EXPECT_EQ(late.kind, Kind::kUnreachable);
  EXPECT_THAT(late.cause, HasSubstr("no answer in time"));
  cluster.plane->set_availability({Availability::Mode::kResetting, 1ms});
  EXPECT_EQ(cluster.client().get(cluster.config(), "/version").kind, Kind::kUnreachable);
  cluster.plane->set_availability({});
  expect_well();
}

TEST_F(ApiServerTest, ANewCertificateIsServedToTheNextConnection) {
  auto client = cluster.client();
  ASSERT_EQ(client.get(cluster.config(), "/version").kind, Kind::kAuthenticated);
  auto plan = cluster.plane->serving_plan();
  plan.authority = 5;
  cluster.plane->serve(plan);
  // The session of before is worth nothing now.
  const auto contact = client.get(cluster.config(), "/version");
  EXPECT_EQ(contact.kind, Kind::kUntrusted);
  auto renewed = cluster.config();
  renewed.ca_pem = plan.root().certificate_pem();
  EXPECT_EQ(client.get(renewed, "/version").kind, Kind::kAuthenticated);
}

TEST_F(ApiServerTest, OldVersionsOfTlsAreRefused) {
  const auto context = any_client();
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
  RealClock clock;
  TlsStream stream(std::move(*connect_on_loopback("127.0.0.1", cluster.port, 1s)), context.get(), clock, clock.now() + 10s);
  EXPECT_EQ(stream.shake_hands(), Outcome::kFailed);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  TlsStream older(std::move(*connect_on_loopback("127.0.0.1", cluster.port, 1s)), context.get(), clock, clock.now() + 10s);
  EXPECT_EQ(older.shake_hands(), Outcome::kDone) << older.problem();
}

// --- hostile clients ---

TEST_F(ApiServerTest, PlainHttpIsToldSo) {
  Raw raw(cluster, false);
  raw.stream.write("GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(raw.rest(), StartsWith("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server."));
  EXPECT_TRUE(noted("http request"));
  expect_well();
}

TEST_F(ApiServerTest, GarbageEndsTheConnection) {
  std::uint32_t random = 1;
  for (int i = 0; i < 20; ++i) {
    Raw raw(cluster, false);
    std::string bytes;
    for (int k = 0; k < 4000; ++k) bytes += static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
    if (i % 2 == 0) bytes.replace(0, 3, "\x16\x03\x01");
    raw.stream.write(bytes);
    raw.rest();
  }
  EXPECT_TRUE(eventually([&] { return cluster.attachment->connections() == 0; }));
  expect_well();
}

TEST_F(ApiServerTest, SlowAndHalfOpenClientsAreDropped) {
  Raw silent(cluster, false);  // never shakes hands
  Raw idle(cluster);           // never asks
  Raw trickles(cluster);
  Raw half(cluster);
  half.stream.write("GET /version HTTP/1.1\r\n");
  const std::string head = "GET / HTTP/1.1\r\nA: " + std::string(10'000, 'a');
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (trickles.stream.write(head.substr(i, 1)) != Outcome::kDone) break;
    std::string nothing;
    if (cluster.attachment->connections() == 0) break;
  }
  EXPECT_EQ(silent.rest(), "");
  EXPECT_EQ(idle.rest(), "");
  EXPECT_EQ(half.rest(), "");
  EXPECT_TRUE(eventually([&] { return cluster.attachment->connections() == 0; }));
  EXPECT_TRUE(noted("no whole request in time"));
  expect_well();
}

TEST_F(ApiServerTest, OversizedMessagesAreRefusedWithAnAnswer) {
  {
    Raw raw(cluster);
    raw.stream.write("GET / HTTP/1.1\r\nA: " + std::string(100'000, 'a'));
    EXPECT_THAT(raw.rest(), StartsWith("HTTP/1.1 431"));
  }
  {
    Raw raw(cluster);
    raw.stream.write("POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n" + std::string(200'000, 'a'));
    EXPECT_THAT(raw.rest(), StartsWith("HTTP/1.1 413"));
  }
  {
    Raw raw(cluster);
    raw.stream.write("\r\n\r\n");
    EXPECT_THAT(raw.rest(), StartsWith("HTTP/1.1 400"));
  }
  EXPECT_TRUE(noted("the headers are too long"));
  expect_well();
}

TEST_F(ApiServerTest, AClientThatFetchesNoAnswersIsNotAnsweredForEver) {
  {
    Raw raw(cluster);
    const auto flags = 8192;
    std::string many;
    for (int i = 0; i < 40; ++i) many += request(cluster);
    // More than the server holds back and the kernel buffers: the write stops, and times out.
    RealClock clock;
    TlsStream greedy(std::move(*connect_on_loopback("127.0.0.1", cluster.port, 1s)), raw.context.get(), clock, clock.now() + 2s);
    ASSERT_EQ(greedy.shake_hands(), Outcome::kDone);
    auto outcome = Outcome::kDone;
    for (int i = 0; i < flags && outcome == Outcome::kDone; ++i) outcome = greedy.write(many);
    EXPECT_NE(outcome, Outcome::kDone);
  }
  EXPECT_TRUE(eventually([&] { return cluster.attachment->connections() == 0; }));
  expect_well();
}

TEST_F(ApiServerTest, MoreConnectionsThanAllowedAreReset) {
  std::vector<std::unique_ptr<Raw>> kept;
  for (std::size_t i = 0; i < limits().connections; ++i) {
    kept.push_back(std::make_unique<Raw>(cluster));
    ASSERT_EQ(kept.back()->stream.write(request(cluster)), Outcome::kDone);
    ASSERT_THAT(kept.back()->until("gitVersion"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(cluster.attachment->connections(), limits().connections);
  EXPECT_EQ(cluster.client().get(cluster.config(), "/version").kind, Kind::kUnreachable);
  kept.clear();
  EXPECT_TRUE(eventually([&] { return cluster.attachment->connections() == 0; }));
  expect_well();
}

TEST(ApiServerLimits, OneWorldsConnectionsLeaveRoomForTheProcess) {
  ApiServer server({.connections_in_all = 3});
  ServedCluster greedy(server);
  std::vector<std::unique_ptr<Raw>> kept;
  for (int i = 0; i < 3; ++i) kept.push_back(std::make_unique<Raw>(greedy));
  EXPECT_EQ(greedy.client().get(greedy.config(), "/version").kind, Kind::kUnreachable);
  kept.clear();
  EXPECT_TRUE(eventually([&] { return greedy.attachment->connections() == 0; }));
  ServedCluster other(server, 8);
  EXPECT_EQ(other.client().get(other.config(), "/version").kind, Kind::kAuthenticated);
}

TEST_F(ApiServerTest, EvidenceIsCapped) {
  Raw raw(cluster);
  for (std::size_t i = 0; i < limits().evidence + 20; ++i) {
    ASSERT_EQ(raw.stream.write(request(cluster)), Outcome::kDone);
    raw.until("gitVersion");
  }
  const auto evidence = cluster.attachment->evidence();
  EXPECT_EQ(evidence.total, limits().evidence + 20);
  EXPECT_EQ(evidence.exchanges.size(), limits().evidence);
}

TEST(ApiServerLoad, HoldsTwoThousandConnections) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  constexpr std::size_t kConnections = 2000;
  if (files.rlim_cur < 2 * kConnections + 200) GTEST_SKIP() << "only " << files.rlim_cur << " open files are allowed here";
  ApiServer server({.request = 60s});
  ServedCluster cluster(server);
  std::vector<std::unique_ptr<Raw>> kept;
  for (std::size_t i = 0; i < kConnections; ++i) {
    kept.push_back(std::make_unique<Raw>(cluster));
    ASSERT_EQ(kept.back()->stream.write(request(cluster)), Outcome::kDone);
    ASSERT_THAT(kept.back()->until("gitVersion"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(cluster.attachment->connections(), kConnections);
  for (auto& each : kept) {
    ASSERT_EQ(each->stream.write(request(cluster)), Outcome::kDone);
    ASSERT_THAT(each->until("gitVersion"), StartsWith("HTTP/1.1 200"));
  }
}

}  // namespace
}  // namespace entryproof::cluster
