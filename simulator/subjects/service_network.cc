#include "simulator/subjects/service_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace entryproof::subjects {
namespace {

constexpr unsigned kStock = 8;

int poll_ms(Duration timeout) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 3'600'000));
}

}  // namespace

Result<std::unique_ptr<ServiceNetwork>> ServiceNetwork::make(Launcher& launcher) {
  const NetworkSpec v4{{kServiceAddress}, {{kServiceAddress, kServicePort}}};
  NetworkSpec both = v4;
  both.addresses.emplace_back(kServiceAddress6);
  both.listen.push_back({kServiceAddress6, kServicePort});
  auto network = launcher.make_network(both);
  const bool has_ipv6 = network.has_value();
  if (!has_ipv6) network = launcher.make_network(v4);  // a kernel without IPv6, or with it switched off
  if (!network) return std::unexpected(network.error());
  return std::unique_ptr<ServiceNetwork>(new ServiceNetwork(launcher, std::move(*network), has_ipv6));
}

std::expected<Descriptor, int> ServiceNetwork::connect(const std::string& host, std::uint16_t port, Duration timeout) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const bool is_v4 = inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::unexpected(ENOENT);

  auto made = take_socket(is_v4 ? AF_INET : AF_INET6);
  if (!made) return made;
  const int on = 1;
  setsockopt(made->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* address = is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  if (::connect(made->get(), address, is_v4 ? sizeof v4 : sizeof v6) == 0) return made;
  if (errno != EINPROGRESS) return std::unexpected(errno);

  pollfd wait{made->get(), POLLOUT, 0};
  if (poll(&wait, 1, poll_ms(timeout)) <= 0) return std::unexpected(ETIMEDOUT);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(made->get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return std::unexpected(error);
  return made;
}

std::expected<Descriptor, int> ServiceNetwork::take_socket(int family) {
  const std::lock_guard lock(mutex_);
  if (family == AF_INET && !stock_.empty()) {
    auto taken = std::move(stock_.back());
    stock_.pop_back();
    return taken;
  }
  auto sockets = launcher_.make_sockets(name_space(), family, family == AF_INET ? kStock : 1);
  if (!sockets || sockets->empty()) return std::unexpected(EIO);
  auto taken = std::move(sockets->back());
  sockets->pop_back();
  for (auto& spare : *sockets) stock_.push_back(std::move(spare));
  return taken;
}

}  // namespace entryproof::subjects
