// The API server and its client: what an authentication check costs, what many connections get, what a world costs that attaches.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "simulator/cluster/api_server.h"
#include "simulator/cluster/client.h"
#include "simulator/cluster/service_account.h"
#include "simulator/cluster/tls_stream.h"

namespace entryproof::cluster {
namespace {

constexpr std::int64_t kNow = VirtualClock::kDefaultEpochNs;

std::expected<Descriptor, int> connect_to(const std::string&, std::uint16_t port, Duration) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Descriptor made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
    return std::unexpected(errno);
  return made;
}

std::pair<Descriptor, std::uint16_t> listener() {
  Descriptor made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(made.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(made.get(), 1024) != 0 ||
      getsockname(made.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    std::abort();
  return {std::move(made), ntohs(address.sin_port)};
}

struct Served {
  explicit Served(ApiServer& server) {
    auto [socket, its_port] = listener();
    port = its_port;
    auto plan = plane->serving_plan();
    plan.request.addresses.emplace_back("127.0.0.1");
    plane->serve(plan);
    plane->set_endpoints({{"127.0.0.1", port}});
    std::vector<Descriptor> sockets;
    sockets.push_back(std::move(socket));
    attachment = server.attach(*plane, std::move(sockets));
  }
  ClientConfig config() const {
    return {.host = "127.0.0.1", .port = port, .ca_pem = account.current().ca_pem, .token = account.current().token};
  }
  std::shared_ptr<ControlPlane> plane = std::make_shared<ControlPlane>(7, [] { return kNow; });
  ServiceAccount account{plane, kNow};
  std::uint16_t port = 0;
  std::unique_ptr<ApiServer::Attachment> attachment;
};

void check(benchmark::State& state, bool resumed) {
  ApiServer server;
  Served served(server);
  Client client(connect_to, [] { return kNow; });
  const auto config = served.config();
  client.ask(config);
  for (auto _ : state) {
    if (!resumed) client.forget_sessions();
    const auto contact = client.ask(config);
    if (contact.kind != Experience::Kind::kAuthenticated || contact.resumed != resumed) return state.SkipWithError(contact.cause.c_str());
  }
}
void BM_CheckCold(benchmark::State& state) { check(state, false); }
void BM_CheckResumed(benchmark::State& state) { check(state, true); }
BENCHMARK(BM_CheckCold)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(BM_CheckResumed)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Requests in turn over that many connections that are all kept.
void BM_KeptConnections(benchmark::State& state) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  ApiServer server({.request = std::chrono::minutes(10), .idle = std::chrono::minutes(10)});
  Served served(server);
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const RealClock clock;
  const std::string request = "GET /version HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + served.account.current().token + "\r\n\r\n";
  std::vector<std::unique_ptr<TlsStream>> streams;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    auto socket = connect_to("", served.port, {});
    if (!socket) return state.SkipWithError("connect: is `ulimit -n` too low?");
    streams.push_back(std::make_unique<TlsStream>(std::move(*socket), context.get(), clock, clock.now() + std::chrono::minutes(10)));
    if (streams.back()->shake_hands() != TlsStream::Outcome::kDone) return state.SkipWithError("no handshake");
  }
  std::size_t next = 0;
  for (auto _ : state) {
    auto& stream = *streams[next++ % streams.size()];
    std::string answer;
    if (stream.write(request) != TlsStream::Outcome::kDone || stream.read(answer) != TlsStream::Outcome::kDone ||
        !answer.starts_with("HTTP/1.1 200"))
      return state.SkipWithError("no answer");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_KeptConnections)->Arg(1)->Arg(2000)->Unit(benchmark::kMicrosecond)->UseRealTime();

// A world that attaches a listening socket and goes, without a client.
void BM_AttachAndDetach(benchmark::State& state) {
  ApiServer server;
  ControlPlane plane(7, [] { return kNow; });
  const auto [socket, port] = listener();
  plane.set_endpoints({{"127.0.0.1", port}});
  for (auto _ : state) {
    std::vector<Descriptor> sockets;
    sockets.emplace_back(dup(socket.get()));
    server.attach(plane, std::move(sockets));
  }
}
BENCHMARK(BM_AttachAndDetach)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace entryproof::cluster
