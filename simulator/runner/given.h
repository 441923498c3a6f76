// Given: the node that a scenario begins with, and the Pod's environment.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/cluster/change.h"
#include "simulator/cluster/service_account.h"
#include "simulator/node/tree.h"
#include "simulator/runner/scenario.h"
#include "simulator/runner/site.h"
#include "simulator/runner/suite.h"

namespace entryproof::runner {

// The credentials of the Pod, as the scenario wants them to lie in the service-account directory.
class Credentials {
 public:
  Credentials(const Given& given, const Site& site, std::uint64_t seed, std::int64_t wall_ns);

  // Steps that bring the directory to the current generation: the first fill, or an update after rotate(). Node paths without the leading
  // "/".
  std::vector<cluster::Change> project(std::int64_t wall_ns);
  void rotate(bool token, bool ca, std::int64_t wall_ns) { account_.rotate(token, ca, wall_ns); }
  // As kubelet does it after a boot: its volumes are empty, and what it had issued is forgotten. `volume`: what lies there still.
  std::vector<cluster::Change> reboot(const node::Tree& tree, std::int64_t wall_ns);
  const cluster::ServiceAccount& account() const { return account_; }

 private:
  std::string kind_;
  std::string suffix_;
  std::string directory_;
  std::uint64_t seed_;
  std::uint64_t boots_ = 0;
  cluster::ServiceAccount account_;
  cluster::AtomicVolume volume_;
};

// The site's image with the scenario's primary, credentials and objects. kInvalidInput with the object that could not be made.
Result<node::Tree> make_node(const Scenario& scenario, const Suite& suite, const Site& site, Credentials& credentials,
                             std::int64_t wall_ns);

// What a boot does to the disk: these directories (host paths) are empty, and the ones that the Pod mounts are there again.
std::vector<cluster::Change> boot(const node::Tree& tree, const Site& site, const std::vector<std::string>& emptied);

// How an object is put at a node path while programs run: whole, by a rename. kInvalidInput for an owner, which a running world cannot
// give.
Result<std::vector<cluster::Change>> put(const std::string& node_path, const Object& object, const Suite& suite);

// What the Pod's containers get: kubelet's service variables and an ordinary PATH, with the scenario's and the step's own on top.
std::map<std::string, std::string> environment(const Given& given, const std::map<std::string, std::optional<std::string>>& more);

}  // namespace entryproof::runner
