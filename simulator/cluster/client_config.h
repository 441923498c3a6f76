// ClientConfig: what a client of the API server is told: where to go, whom to trust, who to say it is. A kubeconfig, read.
//
// Our TLS client and the prediction of what a client experiences (handshake.h) take the same struct, so that they can be compared.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace entryproof::cluster {

struct ClientConfig {
  std::string scheme = "https";      // or "http"
  std::string host;                  // an address or a name; IPv6 without brackets
  std::uint16_t port = 443;          // resolved: a URL without one means 443 with https, 80 with http
  std::string ca_pem;                // the bundle, decoded; empty: the system's roots, which do not know the cluster
  bool insecure = false;             // certificates are not verified; together with ca_pem, client-go refuses the configuration
  std::string tls_server_name = {};  // verified (and sent as SNI) instead of `host`; "" = host
  std::string token;                 // as it would follow "Bearer "; "" = none is sent
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);  // for one whole request
};

}  // namespace entryproof::cluster
