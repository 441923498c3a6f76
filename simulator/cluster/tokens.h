// Tokens: service-account JWTs as a kube-apiserver issues them for a Pod.
//
// header.claims.signature in base64url, ES256. The claims depend on nothing but the request; the signature is ECDSA and differs from run to
// run, at constant length. All are signed by one key of the process, which is the simulated cluster's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "simulator/base/result.h"

namespace entryproof::cluster {

struct TokenRequest {
  std::uint64_t seed = 0;        // the world's
  std::uint64_t generation = 0;  // which token of the world; another one gives another jti
  std::int64_t wall_ns = 0;      // when it is issued, nanoseconds since the epoch
  std::string pod_name = "kube-multus-ds-x7k2p";
};

// What a verified token says. Times are seconds since the epoch.
struct Claims {
  std::string issuer;
  std::string subject;
  std::string audience;
  std::string id;  // jti
  std::string pod_name;
  std::string pod_uid;
  std::int64_t issued_at = 0;
  std::int64_t not_before = 0;
  std::int64_t expires = 0;
};

inline constexpr std::string_view kTokenSubject = "system:serviceaccount:kube-system:multus";
inline constexpr std::string_view kTokenIssuer = "https://kubernetes.default.svc.cluster.local";
// What kubelet asks for in a projected volume: an hour and seven seconds.
inline constexpr std::int64_t kTokenLifeSeconds = 3607;

// Equal requests of one process get one token. Thread-safe.
std::string issue_token(const TokenRequest& request);

// Checks form and signature, not times: those depend on whose clock is asked. Untrusted input; kInvalidInput says what is wrong.
Result<Claims> verify_token(std::string_view token);

}  // namespace entryproof::cluster
