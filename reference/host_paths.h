// HostPaths: one file, two names. What this container calls /host/etc/cni/net.d is /etc/cni/net.d to the plugin, which runs on the host.
//
// The configuration names the kubeconfig as the host sees it; we must write that very file. So the place to write to is derived from the
// name, by a rule, and a name that the rule cannot place is refused before anything is published.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reference/host.h"
#include "reference/options.h"

namespace reference {

class HostPaths {
 public:
  // `directories` are those of the container that are volumes of the host; `known` is a file of the host that is in one of them, from which
  // the container's prefix is learnt. `mount_table` is the text of /proc/self/mountinfo, or empty.
  HostPaths(std::vector<std::string> directories, const std::string& known, std::string_view mount_table);

  // Where a file of the host is found in this container; none if it is below no directory of ours.
  std::optional<std::string> in_container(const std::string& host_path) const;

  // How the host calls a path that begins with the container's prefix ("/host"); any other path is the host's already.
  std::string on_host(const std::string& path) const;

  // What this container puts before the names of the host ("/host"); empty if it uses the same ones.
  const std::string& prefix() const { return prefix_; }

 private:
  struct Volume {
    std::string directory;
    std::string root;  // the part of the host's name that the mount table tells; empty: nothing
  };
  std::vector<Volume> volumes_;
  std::string prefix_;
};

// By the options; the mount table is read only if the names do not tell enough.
HostPaths make_host_paths(Host& host, const Options& options);

}  // namespace reference
