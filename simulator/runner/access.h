// Access: whether the published kubeconfig gets an answer from the cluster, at every moment at which that could change.
//
// It hears of each file that appeared where the plugin reads (captured while the operation was answered, asked about later, off that
// thread) and of each change of the cluster, and asks the world's client. Two invariants come out of it, charged to the operation of the
// build: once the cluster has accepted a published file, the build never replaces it by one that is refused while the old one still would
// be accepted; and a token that kubelet has replaced in time is not left in the file until it dies.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/cluster/handshake.h"
#include "simulator/cluster/service_account.h"
#include "simulator/node/types.h"
#include "simulator/oracles/check.h"
#include "simulator/oracles/kubeconfig.h"

namespace entryproof::runner {

// A valid kubeconfig that came to be where the plugin reads.
struct Publication {
  node::Actor actor = node::Actor::kWorld;
  oracles::Place place;
  std::string operation;  // in words
  std::shared_ptr<const oracles::KubeconfigFacts> facts;
  Moment at;
};

// What the client that the file describes would be told.
cluster::ClientConfig client_of(const oracles::KubeconfigFacts& facts);

class Access {
 public:
  using Ask = std::function<cluster::Experience(const cluster::ClientConfig&)>;
  // The live checks.
  static constexpr std::string_view kRefused = "FRESH-06/never-refused";
  static constexpr std::string_view kDead = "FRESH-06/never-dead";
  static bool judges(std::string_view check) { return check == kRefused || check == kDead; }
  static constexpr Duration kGrace = std::chrono::seconds(5);  // how long a build has to publish what has been projected

  Access(Ask ask, const cluster::ServiceAccount& account) : ask_(std::move(ask)), account_(account) {}

  // What a client of this file experiences now. Not asked again within a second while file and cluster are the same.
  cluster::Experience of(const std::shared_ptr<const oracles::KubeconfigFacts>& facts);
  // The least life left: of any token that the build has replaced, and of this one. nullopt: none of them ever ends.
  std::optional<Duration> margin(std::string_view token) const;

  // `wall_ns`: the wall time at publication.at.
  void heard(const Publication& publication, std::int64_t wall_ns);
  // The moment at which a projected token dies. `projected`: what a build finds in its volume; `alive_ns`: since when it has been running.
  void died(const cluster::Generation& generation, std::string_view projected, std::optional<std::int64_t> alive_ns, std::int64_t now_ns);

  const std::vector<oracles::Finding>& findings() const { return findings_; }

 private:
  void report(std::string_view check, std::string expected, std::string actual, oracles::Place place);
  const cluster::Generation* generation_of(std::string_view token) const;

  struct Answer {
    std::shared_ptr<const oracles::KubeconfigFacts> facts;
    std::uint64_t version = 0;
    std::int64_t second = 0;
    cluster::Experience experience;
  };

  Ask ask_;
  const cluster::ServiceAccount& account_;
  std::optional<Answer> last_;
  std::optional<Publication> published_;
  std::optional<Duration> margin_;
  std::vector<oracles::Finding> findings_;
};

}  // namespace entryproof::runner
