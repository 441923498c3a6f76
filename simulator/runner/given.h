// Given: the node that a scenario begins with, and the Pod's environment.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/cluster/change.h"
#include "simulator/cluster/volume.h"
#include "simulator/node/tree.h"
#include "simulator/runner/credentials.h"
#include "simulator/runner/scenario.h"
#include "simulator/runner/site.h"
#include "simulator/runner/suite.h"

namespace entryproof::runner {

// The volumes that kubelet fills from ConfigMaps (Given::projected), each by an atomic writer of its own.
class ProjectedVolumes {
 public:
  explicit ProjectedVolumes(std::uint64_t seed) : seed_(seed) {}
  // The steps that bring the volume at a host path to these files.
  Result<std::vector<cluster::Change>> update(const std::string& node_path, const std::map<std::string, Object>& files, const Suite& suite,
                                              std::int64_t wall_ns);

 private:
  std::uint64_t seed_;
  std::map<std::string, cluster::AtomicVolume> volumes_;
};

// The site's image with the scenario's primary, credentials and objects. kInvalidInput with the object that could not be made.
Result<node::Tree> make_node(const Scenario& scenario, const Suite& suite, const Site& site, Credentials& credentials,
                             ProjectedVolumes& volumes, std::int64_t wall_ns);

// Removes what is in a directory, but not what something is mounted on (host paths).
std::vector<cluster::Change> emptied(const node::Tree& tree, const std::string& path, const std::vector<std::string>& mount_points);

// What makes a directory (host path) anew where it is no more: its files, symlinks and directories, with their modes.
std::vector<cluster::Change> copied(const node::Tree& tree, const std::string& path);

// What a boot does to the disk: these directories (host paths) are empty, and the ones that the Pod mounts are there again.
std::vector<cluster::Change> boot(const node::Tree& tree, const Site& site, const std::vector<std::string>& lost);

// How an object is put at a node path while programs run: whole, by a rename, or `in_place`. kInvalidInput for an owner, which a running
// world cannot give.
Result<std::vector<cluster::Change>> put(const std::string& node_path, const Object& object, const Suite& suite, bool in_place);
// A name that such a put uses on its way; a crash may leave one behind, which is nobody's business.
bool is_of_a_put(std::string_view name);

// What the Pod's containers get: kubelet's service variables and an ordinary PATH, with the scenario's and the step's own on top.
std::map<std::string, std::string> environment(const Given& given, const std::map<std::string, std::optional<std::string>>& more);

}  // namespace entryproof::runner
