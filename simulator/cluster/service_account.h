// ServiceAccount: the credentials that the cluster has given to the Pod, generation by generation.
//
// A generation is a token and a CA that were projected together. The newest one is what a build must publish after a start; the list is
// what oracles need to say which generation a published kubeconfig holds, and whether it is a mixture of two.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/cluster/volume.h"

namespace entryproof::cluster {

struct Generation {
  std::uint64_t id = 0;  // from 1, in order of issue
  std::string token;     // without a final newline, as kubelet writes it
  std::string ca_pem;
};

class ServiceAccount {
 public:
  // `seed` is the world's; the first generation is issued at wall time `wall_ns`.
  ServiceAccount(std::uint64_t seed, std::int64_t wall_ns);

  const Generation& current() const { return generations_.back(); }
  const std::vector<Generation>& generations() const { return generations_; }

  // A new generation with a new token, a new CA, or both; the other part stays. With neither, nothing happens. Returns the current one.
  const Generation& rotate(bool token, bool ca, std::int64_t wall_ns);

  // The files of the service-account volume for a generation: token, ca.crt, namespace.
  static Payload files(const Generation& generation);

 private:
  std::uint64_t seed_;
  std::uint64_t tokens_ = 0;
  std::size_t authorities_ = 0;
  std::vector<Generation> generations_;
};

}  // namespace entryproof::cluster
