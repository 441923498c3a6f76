// Site: where things lie on a simulated node, and where the Pod's container sees them.
//
// The node's tree is the host's file system. The entrypoint's container sees parts of it as volumes, each a mount of its own, as its Pod
// would have them; everything else of its root file system is a directory of the node, too, so that whatever a build writes lands in the
// one tree and the one journal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/node/tree.h"
#include "simulator/node/view.h"

namespace entryproof::runner {

struct Volume {
  std::string inside;      // the container's path
  std::string node;        // the host's path of the directory
  bool read_only = false;  // to the container
};

struct Site {
  std::string net_dir = "/etc/cni/net.d";
  std::string bin_dir = "/opt/cni/bin";
  std::string plugin = "multus";                                         // name of the installed binary
  std::string kubeconfig = "/etc/cni/net.d/multus.d/multus.kubeconfig";  // where the default flags put and name it
  std::string service_account;                                           // the projected volume's directory
  std::string image_plugin;                                              // the binary that the image brings, to be installed
  std::string root;                                                      // the container's root file system
  std::vector<Volume> volumes;                                           // outer mounts before inner ones

  // The Pod that the shipped manifests of the field describe.
  static Site usual();
  // The same with other directories of the host, mounted at other places of the container; what is empty stays.
  Site with_directories(const std::string& net, const std::string& net_at, const std::string& bin, const std::string& bin_at) const;

  // One more of the host's directories, or another one at that place. What is mounted below it stays.
  void mount(const std::string& inside, const std::string& node);

  // The host's path of a scenario path: "node:/x" is /x; a path in a volume is mapped by the volume; any other lies in the container's
  // root.
  std::string to_node(std::string_view path) const;
  // Where the container sees a path of the host that lies in one of its volumes; "" if it sees it nowhere.
  std::string to_container(std::string_view node_path) const;
  // The host's paths of the directories that the volumes are mounted on, in their order: of the container's root, or of an outer volume.
  std::vector<std::string> mount_points() const;
  // The container's mounts over the tree, for a memory world.
  Result<node::View> view(const node::Tree& tree) const;
  // Whether `view`, that view() gave for a tree of before, is what it would give for this one.
  bool still(const node::View& view, const node::Tree& tree) const;
  // A node with all directories of the site and the image's plugin binary, and nothing else. Built once; copies are cheap.
  const node::Tree& image() const;
};

}  // namespace entryproof::runner
