// Kubelet: when it replaces a Pod's token, and what it does to the Pod's volume then.
//
// A token is replaced when 80 % of the life that kubelet asked for has passed (a stretched one as if it were not), or a day, or when its
// time of issue lies in the future; up to ten seconds of jitter, made of the seed, keep nodes from asking all at once. Nothing here reads a
// clock: the world asks with its own time, so an hour of rotation plays in virtual time as in real time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "simulator/cluster/change.h"
#include "simulator/cluster/service_account.h"
#include "simulator/cluster/volume.h"

namespace entryproof::cluster {

class TokenManager {
 public:
  explicit TokenManager(std::uint64_t seed) : seed_(seed) {}

  // Wall time, in nanoseconds, from which the generation's token is to be replaced; nullopt for one that kubelet does not manage (legacy).
  // For lives shorter than Kubernetes grants (600 s) the jitter shrinks with the life.
  std::optional<std::int64_t> refresh_at(const Generation& generation) const;
  // Whether it is to be replaced at this wall time.
  bool due(const Generation& generation, std::int64_t wall_ns) const;

 private:
  std::uint64_t seed_;
};

// A service-account volume and kubelet's care for it.
class ProjectedVolume {
 public:
  // `account` must outlive this.
  ProjectedVolume(ServiceAccount& account, std::uint64_t seed) : account_(account), manager_(seed), volume_(seed) {}

  // One pass over the Pod at wall time `wall_ns`: a token that is due is replaced, and the volume is brought to the account's current
  // generation. The first pass fills it. The changes are relative to the volume's directory; none if there is nothing to do.
  std::vector<Change> sync(std::int64_t wall_ns);
  // When the next pass will have a token to replace; nullopt if never.
  std::optional<std::int64_t> next_due() const { return manager_.refresh_at(account_.current()); }

  const AtomicVolume& volume() const { return volume_; }

 private:
  ServiceAccount& account_;
  TokenManager manager_;
  AtomicVolume volume_;
};

}  // namespace entryproof::cluster
