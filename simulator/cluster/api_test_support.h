// For tests of the API server: a cluster whose clock stands still, and what its clients need.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "simulator/cluster/api_server.h"
#include "simulator/cluster/client.h"
#include "simulator/cluster/service_account.h"

namespace entryproof::cluster {

inline constexpr std::int64_t kTestNow = VirtualClock::kDefaultEpochNs;

struct TestCluster {
  explicit TestCluster(std::uint64_t seed = 7)
      : plane(std::make_shared<ControlPlane>(seed, [this] { return wall_ns.load(); })), account(plane, kTestNow) {}
  std::atomic<std::int64_t> wall_ns{kTestNow};
  std::shared_ptr<ControlPlane> plane;
  ServiceAccount account;
  std::string token() const { return account.current().token; }
};

// A socket bound to this machine's loopback, and the port; not yet listening.
inline std::pair<Descriptor, std::uint16_t> bind_on_loopback(std::uint16_t port) {
  Descriptor made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  if (bind(made.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(made.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return {};
  return {std::move(made), ntohs(address.sin_port)};
}

// A listening socket. Its port was asked for by number, as 443 is: the kernel takes a port of its own choice back when listening ends.
inline std::pair<Descriptor, std::uint16_t> listen_on_loopback() {
  for (int tries = 0; tries < 100; ++tries) {
    const auto port = bind_on_loopback(0).second;  // and free again
    auto bound = bind_on_loopback(port);
    if (bound.first && listen(bound.first.get(), 1024) == 0) return bound;
  }
  ADD_FAILURE() << "no loopback here";
  return {};
}

inline std::expected<Descriptor, int> connect_on_loopback(const std::string& host, std::uint16_t port, Duration) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::unexpected(ENOENT);
  Descriptor made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
    return std::unexpected(errno);
  return made;
}

// A cluster that is served on loopback.
struct ServedCluster : TestCluster {
  explicit ServedCluster(ApiServer& server, std::uint64_t seed = 7) : TestCluster(seed) {
    auto [listener, its_port] = listen_on_loopback();
    port = its_port;
    auto plan = plane->serving_plan();
    plan.request.addresses.emplace_back("127.0.0.1");
    plane->serve(plan);
    plane->set_endpoints({{"127.0.0.1", port}});
    std::vector<Descriptor> listeners;
    listeners.push_back(std::move(listener));
    attachment = server.attach(*plane, std::move(listeners));
  }
  ClientConfig config() const { return {.host = "127.0.0.1", .port = port, .ca_pem = account.current().ca_pem, .token = token()}; }
  Client client() const {
    return Client(connect_on_loopback, [this] { return wall_ns.load(); });
  }
  std::uint16_t port = 0;
  std::unique_ptr<ApiServer::Attachment> attachment;
};

// Waits for a condition, a little at a time; false after ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace entryproof::cluster
