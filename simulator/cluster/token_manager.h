// TokenManager: when kubelet replaces a Pod's token.
//
// A token is replaced when 80 % of the life that kubelet asked for has passed (a stretched one as if it were not), or a day, or when its
// time of issue lies in the future; up to ten seconds of jitter, made of the seed, keep nodes from asking all at once. Nothing here reads a
// clock: the world asks with its own time, so an hour of rotation plays in virtual time as in real time.
#pragma once

#include <cstdint>
#include <optional>

#include "simulator/cluster/service_account.h"

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

}  // namespace entryproof::cluster
