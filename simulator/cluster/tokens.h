// Tokens: service-account JWTs as a kube-apiserver issues them for a Pod, and as it used to keep them in Secrets.
//
// header.claims.signature in base64url, ES256 or RS256 by the type of the signing key. The claims depend on nothing but the request; an
// ECDSA signature differs from run to run, at constant length. Signing keys are numbered and pooled by the process; which of them an API
// server believes is its own affair (control_plane.h).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/cluster/keys.h"

namespace entryproof::cluster {

inline constexpr std::string_view kTokenSubject = "system:serviceaccount:kube-system:multus";
inline constexpr std::string_view kTokenIssuer = "https://kubernetes.default.svc.cluster.local";
inline constexpr std::string_view kLegacyTokenIssuer = "kubernetes/serviceaccount";
// What kubelet asks for in a projected volume: an hour and seven seconds. An API server that stretches lives does so for exactly this
// value.
inline constexpr std::int64_t kTokenLifeSeconds = 3607;
inline constexpr std::int64_t kStretchedLifeSeconds = 365 * 24 * 3600;

// Which key signs.
struct SigningKey {
  std::size_t number = 0;
  KeyType type = KeyType::kEcP256;

  std::string id() const;  // "kid" of the header
  friend auto operator<=>(const SigningKey&, const SigningKey&) = default;
};

struct TokenRequest {
  std::uint64_t seed = 0;        // the world's
  std::uint64_t generation = 0;  // which token of the world; another one gives another jti
  std::int64_t wall_ns = 0;      // when it is issued, nanoseconds since the epoch; may lie in the future
  std::string pod_name = "kube-multus-ds-x7k2p";
  std::string pod_uid = {};  // "" = made of the seed and the name
  SigningKey key = {};
  std::int64_t life_seconds = kTokenLifeSeconds;
  bool stretched = false;                    // exp a year out, and warnafter where exp would have been
  std::optional<std::int64_t> expires = {};  // exp itself, seconds since the epoch, whatever the life
  bool legacy = false;                       // a token of a Secret: no exp, no audience, bound to no Pod
  std::string account = "multus";            // of name space kube-system
  std::string audience = std::string(kTokenIssuer);
  std::string issuer = std::string(kTokenIssuer);  // a legacy token has its own

  friend auto operator<=>(const TokenRequest&, const TokenRequest&) = default;
};

// UID that a Pod of that name has in a world of that seed if nobody says otherwise.
std::string pod_uid_of(std::uint64_t seed, std::string_view pod_name);
// The same for a service account of kube-system.
std::string account_uid_of(std::uint64_t seed, std::string_view account);
// Name of the Secret that holds an account's legacy token.
std::string legacy_secret_of(std::string_view account);

// What a verified token says. Times are seconds since the epoch.
struct Claims {
  SigningKey key;
  std::string issuer;
  std::string subject;
  std::vector<std::string> audiences;
  std::string id;  // jti; "" in a legacy token, and so with all that it does not have
  std::string name_space;
  std::string account;
  std::string account_uid;
  std::string pod_name;
  std::string pod_uid;
  std::string secret;  // of a legacy token
  std::int64_t issued_at = 0;
  std::int64_t not_before = 0;
  std::optional<std::int64_t> expires;     // none: lives as long as its Secret
  std::optional<std::int64_t> warn_after;  // of a stretched one

  bool legacy() const { return !secret.empty(); }
};

// Equal requests of one process get one token. Thread-safe.
std::string issue_token(const TokenRequest& request);

// Checks form and signature, by whichever key of the process it names; not times, and not whether anybody believes that key. Untrusted
// input; kInvalidInput says what is wrong. Thread-safe; the last tokens are remembered.
Result<Claims> verify_token(std::string_view token);

}  // namespace entryproof::cluster
