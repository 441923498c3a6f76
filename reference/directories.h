// Directories: where we really write, with the links in between followed by us, once per turn.
//
// Somebody may have made /etc/cni/net.d a link, or flip one while we run. The kernel would follow it anew at every call, so that a
// temporary file and its rename might end up in two places; and it would follow an absolute link in this container's root and not the
// host's, so that files would be written where nobody looks. So a link's target is read as the host reads it, and one that leads out of
// what the container has of the host is an error.
#pragma once

#include <map>
#include <string>

#include "reference/host.h"
#include "reference/host_paths.h"
#include "reference/problem.h"

namespace reference {

class Directories {
 public:
  Directories(Host& host, const HostPaths& paths) : host_(host), paths_(paths) {}

  // The directory itself, without a link in its name. It need not exist (yet), but no link may dangle. The answer holds for the turn.
  Result<std::string> find(const std::string& directory);

  // From now on links are looked at anew.
  void begin_turn() { found_.clear(); }

 private:
  Result<std::string> look(const std::string& directory);
  Result<std::string> walk(const std::string& directory) const;
  Result<std::string> target_of(const std::string& link, const std::string& target) const;

  Host& host_;
  const HostPaths& paths_;
  std::map<std::string, std::string> found_;
  std::map<std::string, FileStatus> plain_;  // by name: directories in whose names there was no link
};

}  // namespace reference
