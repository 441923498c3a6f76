// ControlPlane: what the simulated cluster knows and believes: which Pods live, which signing keys count, what its API server serves with,
// who may do what, and whether it answers at all.
//
// It is state, without a socket: an API server that listens asks it at every request, and handshake.h asks it what a client would
// experience. All of it is thread-safe: a scenario changes it while requests come in. Times are those of the world's clock. Making one
// costs no key and no signature; a serving certificate is made, from the pools, when somebody first asks for it.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "simulator/cluster/authority.h"
#include "simulator/cluster/objects.h"
#include "simulator/cluster/tokens.h"

namespace entryproof::cluster {

// Where the API server is reached from a Pod and from the node, and the names that its certificates carry.
inline constexpr std::string_view kServiceAddress = "10.96.0.1";
inline constexpr std::string_view kServiceAddress6 = "fd00:10:96::1";
inline constexpr std::uint16_t kServicePort = 443;
ServingRequest usual_serving_request();

struct Endpoint {
  std::string address;  // IPv4 or IPv6 as text, no brackets
  std::uint16_t port = kServicePort;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// What the API server's certificate is to be: issued by which authority, and how.
struct ServingPlan {
  std::size_t authority = 0;  // Authority::pooled
  KeyType authority_key = KeyType::kEcP256;
  Validity authority_validity = {};
  bool through_intermediate = false;  // the chain has one intermediate, which clients' bundles do not hold
  ServingRequest request = usual_serving_request();

  const Authority& root() const { return Authority::pooled(authority, authority_key, authority_validity); }
  friend auto operator<=>(const ServingPlan&, const ServingPlan&) = default;
};

struct Availability {
  enum class Mode : std::uint8_t {
    kUp,
    kDown,       // connections are refused
    kSlow,       // every answer takes `latency`
    kResetting,  // connections are accepted and reset after `latency`
  };
  Mode mode = Mode::kUp;
  std::chrono::nanoseconds latency{};
  friend bool operator==(const Availability&, const Availability&) = default;
};

struct Pod {
  std::string name_space = "kube-system";
  std::string name = "kube-multus-ds-x7k2p";
  std::string uid;  // "" when it is created: made of the seed and the name
};

// Whom a request comes from.
struct Identity {
  std::string username;  // "system:serviceaccount:kube-system:multus"
  std::string uid;
  std::vector<std::string> groups;
  std::string pod_name;  // "" of a legacy token
  std::string pod_uid;
  std::uint64_t generation = 0;  // of the service account's generations; 0 = this token was never projected
};

// Why a bearer token does not count. All of them are a 401 to the client.
enum class TokenFault : std::uint8_t {
  kMissing,
  kMalformed,   // no JWT, or no bearer token
  kForeign,     // signed by a key that this cluster never had
  kKeyDropped,  // signed by a key that it no longer believes
  kIssuer,
  kAudience,
  kExpired,
  kNotYet,       // nbf or iat lies in the future
  kPodGone,      // bound to a Pod that is gone, or that is another one of that name
  kAccountGone,  // the service account, or the Secret of a legacy token
};

struct Unauthenticated {
  TokenFault fault = TokenFault::kMissing;
  std::string reason;            // in words, without token bytes
  std::uint64_t generation = 0;  // of the token, if it was projected once: evidence
};

// One line of a ClusterRole. "*" stands for every one.
struct Rule {
  std::set<std::string, std::less<>> verbs;
  std::set<std::string, std::less<>>
      resources;  // "pods", "pods/status", "network-attachment-definitions"; or non-resource paths "/version"
};
// What a Multus-like ClusterRole allows.
std::vector<Rule> multus_rules();

class ControlPlane {
 public:
  // A cluster with one living Pod (Pod{}, whose account "multus" has multus_rules()), which believes signing key 0 and serves by authority
  // 0.
  ControlPlane(std::uint64_t seed, std::function<std::int64_t()> wall_ns);

  std::uint64_t seed() const { return seed_; }
  std::int64_t wall_ns() const { return wall_ns_(); }

  // --- judging requests ---

  // Who sends this bearer token (what follows "Bearer " in the header; see bearer_of), at this moment.
  std::expected<Identity, Unauthenticated> authenticate(std::optional<std::string_view> bearer) const;
  // Whether they may: "get" "pods" "kube-system"; of what has no name space, and of paths ("/version"), the last is "".
  bool may(const Identity& identity, std::string_view verb, std::string_view resource, std::string_view name_space) const;

  // --- tokens ---

  // Says that this token is the one of that generation, for evidence in identities and refusals.
  void record(std::string_view token, std::uint64_t generation);
  // The key that new tokens are to be signed with.
  SigningKey signing_key() const;
  // A new key for new tokens. Without `keep_old` no token of an earlier key counts any more.
  SigningKey rotate_signing_key(bool keep_old, KeyType type = KeyType::kEcP256);
  void drop_old_signing_keys();

  // --- Pods and accounts ---

  // A Pod begins to live; its uid. Replaces one of that name (whose tokens die).
  std::string create_pod(const Pod& pod);
  // The Pod is gone and its tokens with it; false if there was none.
  bool delete_pod(std::string_view name_space, std::string_view name);
  std::optional<Pod> pod(std::string_view name_space, std::string_view name) const;
  // Accounts live in kube-system. One that does not exist has no tokens that count; one without rules may do what everybody may.
  void create_account(const std::string& account, std::vector<Rule> rules);
  void delete_account(std::string_view account);
  void set_rules(std::string_view account, std::vector<Rule> rules);
  // Deletes, or creates again, the Secret of an account's legacy token. It exists at first.
  void set_legacy_secret(std::string_view account, bool exists);

  // --- serving ---

  ServingPlan serving_plan() const;
  void serve(ServingPlan plan);
  struct Serving {
    std::shared_ptr<const ServingCertificate> certificate;
    std::uint64_t generation = 0;  // raised by every serve() that changes the plan
  };
  Serving serving() const;
  std::uint64_t serving_generation() const;

  std::vector<Endpoint> endpoints() const;  // at first: both service addresses
  void set_endpoints(std::vector<Endpoint> endpoints);
  Availability availability() const;
  void set_availability(Availability availability);

  // --- objects ---

  // As Objects has them; living Pods are among them.
  std::optional<std::string> get(const ObjectKey& key) const;
  std::vector<std::string> list(std::string_view resource, std::string_view name_space) const;
  std::expected<void, Refusal> put(const ObjectKey& key, std::string_view json);
  std::expected<std::string, Refusal> patch(const ObjectKey& key, std::string_view subresource, std::string_view content_type,
                                            std::string_view body);
  std::uint64_t resource_version() const;

  // Raised by whatever may change the answer to a client: a cheap way to see that nothing has happened. Time passes without it.
  std::uint64_t version() const;

 private:
  using PodKey = std::pair<std::string, std::string>;
  std::expected<Identity, Unauthenticated> judge(const Claims& claims, std::uint64_t generation) const;  // mutex_ is held
  void describe_pods() const;                                                                            // mutex_ is held

  const std::uint64_t seed_;
  const std::function<std::int64_t()> wall_ns_;

  mutable std::mutex mutex_;
  std::uint64_t version_ = 1;
  std::vector<SigningKey> keys_;  // believed; the last one signs
  std::set<SigningKey> dropped_;
  std::map<PodKey, std::string> pods_;    // uid
  mutable std::set<PodKey> undescribed_;  // living Pods that nobody has asked for yet, so that a world builds no JSON for nothing
  std::map<std::string, std::vector<Rule>, std::less<>> accounts_;
  std::set<std::string, std::less<>> lost_secrets_;
  std::unordered_map<std::string, std::uint64_t> generations_;
  ServingPlan plan_;
  std::uint64_t serving_generation_ = 1;
  mutable std::shared_ptr<const ServingCertificate> certificate_;
  std::vector<Endpoint> endpoints_;
  Availability availability_;
  mutable Objects objects_;
};

// The bearer token of an Authorization header's value, as kube-apiserver finds it: the scheme in any case, surrounding white space off,
// nothing after the next space. nullopt: there is none.
std::optional<std::string_view> bearer_of(std::string_view authorization);

}  // namespace entryproof::cluster
