// ServiceNetwork: the network that a world's containers and its API server share.
//
// A namespace whose lo has the service addresses, with a listening socket for each: nothing outside reaches it, and nothing inside reaches
// out. It outlives the containers, so a restarted build finds the same server. A case that needs none does not make one (half a
// millisecond). The harness connects from inside with sockets that the launcher opened there, so that no thread ever changes namespace and
// an ordinary user can do it too.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/subjects/launcher.h"

namespace entryproof::subjects {

inline constexpr const char* kServiceAddress = "10.96.0.1";
inline constexpr const char* kServiceAddress6 = "fd00:10:96::1";
inline constexpr std::uint16_t kServicePort = 443;

class ServiceNetwork {
 public:
  // Where the machine has no IPv6 the second address is left out (has_ipv6()). The launcher must outlive it.
  static Result<std::unique_ptr<ServiceNetwork>> make(Launcher& launcher);

  int name_space() const { return network_.name_space.get(); }  // for SandboxSpec::network
  bool has_ipv6() const { return has_ipv6_; }
  // The listening sockets, for the API server; once.
  std::vector<Descriptor> take_listeners() { return std::move(network_.listeners); }

  // Connects as a process in the namespace would; gives a non-blocking socket or the errno of connect(2). `host` is an address without
  // brackets; any other name gives ENOENT, for there is no resolver inside. ETIMEDOUT after `timeout`. Any thread.
  std::expected<Descriptor, int> connect(const std::string& host, std::uint16_t port, Duration timeout);

 private:
  ServiceNetwork(Launcher& launcher, Network network, bool has_ipv6)
      : launcher_(launcher), network_(std::move(network)), has_ipv6_(has_ipv6) {}
  std::expected<Descriptor, int> take_socket(int family);

  Launcher& launcher_;
  Network network_;
  bool has_ipv6_;
  std::mutex mutex_;
  std::vector<Descriptor> stock_;  // IPv4 sockets that wait for use; a trip to the launcher brings several
};

}  // namespace entryproof::subjects
