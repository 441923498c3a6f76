// Manifest audit: what is wrong, or will be, with a deployment of an entrypoint, before it is applied.
//
// Looks at each entrypoint of the manifests by itself, with the ConfigMaps and service accounts that come along. What a manifest cannot
// tell (a ConfigMap that is not among the files, an image whose version nothing tells) is a fact, never a finding.
#pragma once

#include <vector>

#include "simulator/audit/deployment.h"
#include "simulator/audit/finding.h"
#include "simulator/audit/manifest.h"

namespace entryproof::audit {

// One report for each entrypoint; none if there is no entrypoint.
std::vector<Report> audit_manifests(const Manifests& manifests);

// The manual configuration of a deployment, as far as the manifests have it.
struct ManualFile {
  std::string name;                      // that it will have on the node
  const std::string* content = nullptr;  // null: not among the manifests
  std::string file;                      // the manifest that holds it
  std::size_t line = 0;
  std::string missing;  // why it will not be there at all; empty if it may
};
ManualFile manual_file(const Manifests& manifests, const Deployment& deployment);

}  // namespace entryproof::audit
