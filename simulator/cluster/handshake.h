// Handshake: what a real client would experience that is configured like this, against this cluster, now; without a network.
//
// Judged in the order in which a client meets it: its own configuration, the way to the server, the server's certificate (verified by
// OpenSSL with the rules of Go's crypto/x509: any certificate of the bundle is an anchor, addresses match IP entries only, the common name
// counts for nothing), then the token and the rights. Chains are judged once per content and span of time, so that asking again costs
// microseconds. A memory world, which has neither sockets nor real time, knows by this whether a published kubeconfig authenticates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "simulator/cluster/client_config.h"
#include "simulator/cluster/control_plane.h"

namespace entryproof::cluster {

// What the client asks for. The default is what the CNI plugin does first.
struct Question {
  std::string verb = "get";
  std::string resource = "pods";  // or a path: "/version"
  std::string name_space = "kube-system";
};

struct Experience {
  enum class Kind : std::uint8_t {
    kAuthenticated,  // 200 (or 404: somebody who may ask was told that there is nothing)
    kForbidden,      // 403
    kUnauthorized,   // 401
    kUntrusted,      // the client does not believe the server's certificate
    kUnreachable,    // refused, reset, unknown host, or no answer in time
    kMalformed,      // the client cannot use its own configuration, or speaks what the server does not
  };
  Kind kind = Kind::kMalformed;
  std::string cause;                      // one line, without token bytes; "" if authenticated
  std::optional<TokenFault> fault = {};   // of kUnauthorized
  std::optional<Identity> identity = {};  // of kAuthenticated and kForbidden
};
std::string_view to_string(Experience::Kind kind);  // "authenticated", "forbidden", …

// What a client refuses of its own configuration before it sends anything, in the words of client-go; "" if nothing.
std::string own_defect(const ClientConfig& client);

Experience attempt(const ClientConfig& client, const ControlPlane& cluster, const Question& question = {});

}  // namespace entryproof::cluster
