// ServiceAccount: the credentials that the cluster has given to the Pod, generation by generation.
//
// A generation is a token and a CA bundle that were projected together. The newest one is what a build must publish after a start; the list
// is what oracles need to say which generation a published kubeconfig holds, and whether it is a mixture of two. Whatever is done here is
// done to the control plane, too: a new CA is one that the API server serves by, a new Pod is one that lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/cluster/control_plane.h"
#include "simulator/cluster/tokens.h"
#include "simulator/cluster/volume.h"

namespace entryproof::cluster {

struct Generation {
  std::uint64_t id = 0;                           // from 1, in order of issue
  std::string token;                              // without a final newline, as kubelet writes it
  std::string ca_pem;                             // one certificate or several, the newest last
  std::int64_t issued_at = 0;                     // of the token: seconds since the epoch
  std::optional<std::int64_t> expires = {};       // its exp; none of a legacy token
  std::int64_t life_seconds = kTokenLifeSeconds;  // nominal: what kubelet asked for and times its refreshes by
};

// How tokens are issued from now on.
struct TokenOptions {
  std::int64_t life_seconds = kTokenLifeSeconds;
  bool stretched = false;
  bool legacy = false;
  std::int64_t skew_seconds = 0;             // the API server's clock runs so much ahead of the world's
  std::optional<std::int64_t> expires = {};  // exp itself, seconds since the epoch
  std::string account = "multus";
  std::string audience = std::string(kTokenIssuer);
};

// The steps of a CA rotation.
enum class CaStep : std::uint8_t {
  kReplace,  // no overlap: the API server serves by a new CA, the bundle holds nothing else
  kAdd,      // the bundle holds the old CA and a new one; the API server serves by the old one still
  kSwitch,   // the API server serves by the newest CA of the bundle; the bundle stays
  kDropOld,  // the bundle holds nothing but the newest CA
};

class ServiceAccount {
 public:
  // The account of the control plane's first Pod; the first generation is issued at wall time `wall_ns`.
  ServiceAccount(std::shared_ptr<ControlPlane> control, std::int64_t wall_ns, TokenOptions options = {});
  // The same in a cluster of its own, of that seed, whose clock stands still.
  ServiceAccount(std::uint64_t seed, std::int64_t wall_ns);

  const Generation& current() const { return generations_.back(); }
  const std::vector<Generation>& generations() const { return generations_; }
  ControlPlane& control() { return *control_; }
  const ControlPlane& control() const { return *control_; }
  const Pod& pod() const { return pod_; }

  void set_options(TokenOptions options) { options_ = std::move(options); }
  const TokenOptions& options() const { return options_; }

  // A new generation with a new token, a new CA without overlap, or both; the other part stays. With neither, nothing happens. Returns the
  // current one.
  const Generation& rotate(bool token, bool ca, std::int64_t wall_ns);
  // One step of a CA rotation; a new generation if it changes the bundle.
  const Generation& rotate_ca(CaStep step, std::int64_t wall_ns);
  // A new signing key, and a token by it. Without `keep_old` every earlier token is worthless at once, unexpired as it may be.
  const Generation& rotate_signing_key(bool keep_old, std::int64_t wall_ns, KeyType type = KeyType::kEcP256);
  // The Pod is deleted (its tokens die) and another of its DaemonSet takes its place, with a new name, uid and token.
  const Generation& replace_pod(std::int64_t wall_ns);

  // The files of the service-account volume for a generation: token, ca.crt, namespace.
  static Payload files(const Generation& generation);

 private:
  void issue(Generation& next, std::int64_t wall_ns);
  std::string bundle() const;

  std::shared_ptr<ControlPlane> control_;
  TokenOptions options_;
  Pod pod_;
  std::uint64_t tokens_ = 0;
  std::uint64_t pods_ = 0;
  std::vector<std::size_t> authorities_ = {0};  // of the bundle, oldest first
  std::size_t newest_authority_ = 0;
  std::vector<Generation> generations_;
};

}  // namespace entryproof::cluster
