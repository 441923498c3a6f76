// Upgrade: one build takes the place of another on a node, and what a user of the node would notice, before and after.
//
// Both are played on one deployment in one world: the old build starts, a token changes, it is restarted, it is stopped; token and CA
// change; the new build starts over what was left and lives through the same. What is noticed is a fact about the node, never a message.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "simulator/audit/staging.h"
#include "simulator/base/result.h"
#include "simulator/runner/case.h"

namespace entryproof::audit {

struct Notice {
  std::string what;    // "kubeconfig", "attach" …
  std::string before;  // with the old build
  std::string after;   // with the new one
  bool worse = false;
};

struct UpgradeRequest {
  const runner::Suite& suite;
  const Staged& staged;
  const runner::Build& from;
  const runner::Build& to;
  runner::WorldKind world = runner::WorldKind::kFuse;
  const runner::RunOptions& options;
  const std::atomic<bool>& interrupted;
};

// An error means that it could not be played to its end.
Result<std::vector<Notice>> play_upgrade(const UpgradeRequest& request, const runner::WorldMaker& make_world);

// What everybody is taken to have who gives no manifest: the usual Pod, in automatic mode with default flags, or with a manual
// configuration under a name that sorts first.
Staged usual_deployment(bool manual);

}  // namespace entryproof::audit
