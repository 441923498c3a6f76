// Credentials: what the cluster gives to the Pod in one case: the service account behind the scenario, and how kubelet lays it on the node.
//
// A scenario's `rotate`, `reboot` and `cluster` steps arrive here; what comes out are the changes that kubelet makes to the volume.
// Kubelet's own clock is here, too: with a cluster behind the node it asks for a new token when four fifths of the old one's life are over.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/cluster/change.h"
#include "simulator/cluster/service_account.h"
#include "simulator/cluster/token_manager.h"
#include "simulator/runner/scenario.h"
#include "simulator/runner/site.h"

namespace entryproof::runner {

class Credentials {
 public:
  // `wall_ns`: the world's clock; asked from any thread once a world serves the control plane.
  Credentials(const Given& given, const Site& site, std::uint64_t seed, std::function<std::int64_t()> wall_ns);

  const cluster::ServiceAccount& account() const { return account_; }
  const std::shared_ptr<cluster::ControlPlane>& control() const { return control_; }

  // Steps that bring the volume to the current generation: the first fill, or an update. Node paths without the leading "/".
  std::vector<cluster::Change> project();
  std::vector<cluster::Change> rotate(const RotateStep& step);
  // After a boot kubelet's volumes are empty and what it had been given is forgotten. `tree`: the node as it was found.
  std::vector<cluster::Change> reboot(const node::Tree& tree);
  // The last step of the volume's last update once more: nothing changes by it, but watchers are woken.
  std::vector<cluster::Change> announce() const;
  // What the cluster's operator does; nothing of it touches the node.
  void operate(const ClusterStep& step);

  // When kubelet will refresh the token: wall time in nanoseconds; nullopt: it will not.
  std::optional<std::int64_t> refresh_due() const;
  std::vector<cluster::Change> refresh();

  // The directory of the node in which the files of the current generation lie.
  std::string data_directory() const;

 private:
  std::int64_t now() const { return wall_ns_(); }
  void serve(const std::string& certificate);

  const std::function<std::int64_t()> wall_ns_;
  const std::string kind_;
  const std::string suffix_;
  const std::string ca_form_;
  const std::string directory_;
  const std::uint64_t seed_;
  const bool refreshes_;
  const cluster::TokenManager kubelet_;
  std::uint64_t boots_ = 0;
  bool projected_ = false;
  std::shared_ptr<cluster::ControlPlane> control_;
  cluster::ServiceAccount account_;
  cluster::AtomicVolume volume_;
};

}  // namespace entryproof::runner
