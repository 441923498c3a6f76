#include "simulator/cluster/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/cluster/api_test_support.h"

namespace entryproof::cluster {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Experience::Kind;

class ClientTest : public ::testing::Test {
 protected:
  ApiServer server;
  ServedCluster cluster{server};
  Client client{connect_on_loopback, [this] { return cluster.wall_ns.load(); }};
};

TEST_F(ClientTest, ResumesSessionsAndVerifiesAllTheSame) {
  const auto first = client.get(cluster.config(), "/version");
  EXPECT_EQ(first.kind, Kind::kAuthenticated) << first.cause;
  EXPECT_FALSE(first.resumed);
  EXPECT_THAT(first.body, HasSubstr("gitVersion"));
  const auto second = client.get(cluster.config(), "/version");
  EXPECT_EQ(second.kind, Kind::kAuthenticated) << second.cause;
  EXPECT_TRUE(second.resumed);
  // A session that a good configuration left says nothing for a bad one.
  auto wrong = cluster.config();
  wrong.ca_pem = Authority::pooled(9).certificate_pem();
  EXPECT_EQ(client.get(wrong, "/version").kind, Kind::kUntrusted);
  cluster.wall_ns = Validity{}.until * 1'000'000'000 + 1'000'000'000;
  EXPECT_EQ(client.get(cluster.config(), "/version").kind, Kind::kUntrusted);
}

TEST_F(ClientTest, AsksWhatIsPredicted) {
  for (const Question& question :
       {Question{}, Question{"list", "pods", "kube-system"}, Question{"get", "/version", ""},
        Question{"get", "network-attachment-definitions", "default"}, Question{"get", "pods/status", "kube-system"}}) {
    EXPECT_EQ(client.ask(cluster.config(), question).kind, Kind::kAuthenticated) << question.verb << ' ' << question.resource;
  }
  cluster.plane->set_rules("multus", {});
  EXPECT_EQ(client.ask(cluster.config()).kind, Kind::kForbidden);
  EXPECT_EQ(client.ask(cluster.config(), {"get", "/version", ""}).kind, Kind::kAuthenticated);
}

TEST_F(ClientTest, RefusesItsOwnConfigurationBeforeItConnects) {
  auto bad = cluster.config();
  bad.token += "\n";
  EXPECT_EQ(client.get(bad, "/version").kind, Kind::kMalformed);
  EXPECT_EQ(cluster.attachment->evidence().total, 0U);
}

using Case = std::pair<std::string, Kind>;

// Whatever listens where a kubeconfig points.
class StrangeServer : public ::testing::TestWithParam<Case> {};
TEST_P(StrangeServer, IsAnOutcomeAndNoMore) {
  auto [listener, port] = listen_on_loopback();
  const std::string bytes = GetParam().first;
  std::thread serving([&, socket = listener.get()] {
    int accepted = -1;
    eventually([&] { return (accepted = accept4(socket, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; });
    const Descriptor connection(accepted);
    std::array<char, 4096> buffer;
    if (recv(connection.get(), buffer.data(), buffer.size(), 0) <= 0) return;
    send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    shutdown(connection.get(), SHUT_WR);
    while (recv(connection.get(), buffer.data(), buffer.size(), 0) > 0) continue;
  });
  const ClientConfig config{.scheme = bytes.starts_with("HTTP") ? "http" : "https",
                            .host = "127.0.0.1",
                            .port = port,
                            .ca_pem = {},
                            .insecure = true,
                            .token = "secret-token"};
  {
    Client client(connect_on_loopback, [] { return kTestNow; });
    const auto contact = client.get(config, "/version");
    EXPECT_EQ(contact.kind, GetParam().second) << contact.cause;
    EXPECT_THAT(contact.cause, Not(HasSubstr("secret")));
    EXPECT_THAT(contact.cause, Not(HasSubstr("\n")));
  }
  serving.join();
}
INSTANTIATE_TEST_SUITE_P(Client, StrangeServer,
                         ::testing::Values(Case("SSH-2.0-OpenSSH_9.2\r\n", Kind::kMalformed), Case("", Kind::kUnreachable),
                                           Case(std::string("\x15\x03\x03\x00\x02\x02\x28", 7), Kind::kMalformed),
                                           Case("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", Kind::kMalformed),
                                           Case("HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n", Kind::kMalformed),
                                           Case("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n", Kind::kUnreachable),
                                           Case("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Kind::kMalformed),
                                           Case("HTTP/1.1 200 OK\r\n\r\n{}", Kind::kAuthenticated)));

TEST_F(ClientTest, GivesUpOnASilentServerInTime) {
  auto [listener, port] = listen_on_loopback();
  ClientConfig config{.host = "127.0.0.1", .port = port, .ca_pem = {}, .insecure = true, .token = "t", .timeout = 20ms};
  const auto contact = client.get(config, "/version");
  EXPECT_EQ(contact.kind, Kind::kUnreachable);
  EXPECT_THAT(contact.cause, HasSubstr("no answer in time"));
  config.host = "kubernetes.default.svc";
  EXPECT_THAT(client.get(config, "/version").cause, HasSubstr("no such host"));
}

}  // namespace
}  // namespace entryproof::cluster
