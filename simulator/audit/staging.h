// Staging: the world that a manifest describes, for worlds that play it.
//
// Volumes become mounts, ConfigMaps and Secrets the files of kubelet's volumes, arguments and environment are as given, init containers
// that copy the plugin have done so, before the entrypoint starts. What is not mounted is not there. The node is an ordinary one with
// flannel as its primary, and with the readiness file that the flags name. What cannot be played (sockets, volumes of drivers, what other
// init containers do) is left out, and named.
#pragma once

#include <string>
#include <vector>

#include "simulator/audit/deployment.h"
#include "simulator/audit/manifest.h"
#include "simulator/base/result.h"
#include "simulator/runner/scenario.h"

namespace entryproof::audit {

struct Staged {
  std::string title;  // of the workload
  std::string file;
  int line = 0;
  runner::Given given;
  std::vector<std::string> arguments;
  bool manual = false;
  std::string manual_name;            // of the published copy
  std::string plugin;                 // where the container sees the installed plugin; "" if this deployment copies none
  std::vector<std::string> left_out;  // "volume logs (a Socket)" …
};

// The entrypoint of the manifests; kInvalidInput if there is none or more than one, or if its manual configuration is not among them.
Result<Staged> stage(const Manifests& manifests, const std::string& name);

// Changes with whatever a story of it depends on.
std::string fingerprint(const Staged& staged);

// The stories that everybody lives through, on that deployment, as ordinary scenarios "manifest/install", "manifest/restart",
// "manifest/rotation", "manifest/reboot" and "manifest/upgrade" (from 3.9.3).
std::vector<runner::Scenario> stories(const Staged& staged);

}  // namespace entryproof::audit
