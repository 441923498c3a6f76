#include "simulator/subjects/network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace entryproof::subjects {
namespace {

// ioctl(2)'s argument for an IPv6 address; the kernel's header for it cannot be included beside <net/if.h>.
struct Ipv6Request {
  in6_addr address;
  std::uint32_t prefix_length;
  int interface_index;
};

ifreq loopback(const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  return request;
}

sockaddr_storage as_storage(const sockaddr_in& address) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return storage;
}

// The address with its port; family 0 if it is neither IPv4 nor IPv6.
sockaddr_storage parse(const std::string& text, std::uint16_t port) {
  sockaddr_in v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return as_storage(v4);
  }
  sockaddr_storage storage{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&storage, &v6, sizeof v6);
  }
  return storage;
}

Result<> add_address(const std::string& text, unsigned label) {
  const auto address = parse(text, 0);
  if (address.ss_family == 0) return fail(ErrorCode::kInvalidInput, "\"" + text + "\" is not an address");
  const Descriptor control(socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control) return fail_errno("socket", text, errno);
  if (address.ss_family == AF_INET) {
    auto request = loopback(("lo:" + std::to_string(label)).c_str());
    std::memcpy(&request.ifr_addr, &address, sizeof(sockaddr_in));
    if (ioctl(control.get(), SIOCSIFADDR, &request) != 0) return fail_errno("set the address of lo to", text, errno);
    sockaddr_in mask{};
    mask.sin_family = AF_INET;
    mask.sin_addr.s_addr = 0xffffffffU;
    std::memcpy(&request.ifr_netmask, &mask, sizeof mask);
    if (ioctl(control.get(), SIOCSIFNETMASK, &request) != 0) return fail_errno("set the netmask of", text, errno);
    return {};
  }
  auto index = loopback("lo");
  if (ioctl(control.get(), SIOCGIFINDEX, &index) != 0) return fail_errno("find", "lo", errno);
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  Ipv6Request request{v6.sin6_addr, 128, index.ifr_ifindex};
  if (ioctl(control.get(), SIOCSIFADDR, &request) != 0 && errno != EEXIST) return fail_errno("add to lo", text, errno);
  return {};
}

Result<Descriptor> listen_on(const NetworkSpec::Endpoint& endpoint) {
  const auto what = endpoint.address + " port " + std::to_string(endpoint.port);
  const auto address = parse(endpoint.address, endpoint.port);
  if (address.ss_family == 0) return fail(ErrorCode::kInvalidInput, "\"" + endpoint.address + "\" is not an address");
  Descriptor listener(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return fail_errno("socket", what, errno);
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // The kernel makes a new IPv6 address usable in a work queue; bind(2) shall not have to win that race.
  if (address.ss_family == AF_INET6) setsockopt(listener.get(), SOL_IPV6, IPV6_FREEBIND, &on, sizeof on);
  const auto size = static_cast<socklen_t>(address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return fail_errno("bind", what, errno);
  if (listen(listener.get(), 128) != 0) return fail_errno("listen", what, errno);
  return listener;
}

}  // namespace

int raise_loopback() {
  const Descriptor control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control) return errno;
  auto request = loopback("lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ioctl(control.get(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

Result<std::vector<Descriptor>> prepare_network(const NetworkSpec& spec) {
  if (const int error = raise_loopback(); error != 0) return fail_errno("bring up", "lo", error);
  unsigned label = 0;
  for (const auto& address : spec.addresses) {
    if (auto added = add_address(address, label++); !added) return std::unexpected(added.error());
  }
  std::vector<Descriptor> listeners;
  for (const auto& endpoint : spec.listen) {
    auto listener = listen_on(endpoint);
    if (!listener) return std::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

Result<std::vector<Descriptor>> open_sockets(int family, unsigned count) {
  std::vector<Descriptor> sockets;
  for (; count > 0; --count) {
    sockets.emplace_back(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!sockets.back()) return fail_errno("socket", "in the world's network", errno);
  }
  return sockets;
}

}  // namespace entryproof::subjects
