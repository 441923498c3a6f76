// Staging: the world that a manifest describes, for worlds that play it.
//
// Volumes become mounts, ConfigMaps the files of kubelet's volumes, arguments and environment are as given, init containers that copy a
// program have done so. What is not mounted is not there. The node is an ordinary one with flannel as its primary. Volumes that a start
// does not depend on (logs, Secrets, volumes of drivers) are left out.
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
  std::string manual_name;  // of the published copy
  std::string plugin;       // where the container sees the installed plugin; "" if this deployment copies none
};

// The entrypoint of the manifests; kInvalidInput if there is none or more than one.
Result<Staged> stage(const Manifests& manifests, const std::string& name);

// Changes with whatever a story of it depends on.
std::string fingerprint(const Staged& staged);

// The stories that everybody lives through, on that deployment, as ordinary scenarios "manifest/install", "manifest/restart",
// "manifest/rotation", "manifest/reboot" and "manifest/upgrade" (from 3.9.3).
std::vector<runner::Scenario> stories(const Staged& staged);

}  // namespace entryproof::audit
