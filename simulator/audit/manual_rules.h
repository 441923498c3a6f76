// The rules for what a user gives himself: a manual configuration, and credentials.
#pragma once

#include "simulator/audit/deployment.h"
#include "simulator/audit/finding.h"
#include "simulator/audit/manifest_audit.h"

namespace entryproof::audit {

// `written`: where the kubeconfig will be, in the host's view; empty if that is not known.
void judge_manual_file(const Deployment& deployment, const ManualFile& manual, const std::string& written, Report& report);
void judge_credentials(const Manifests& manifests, const Deployment& deployment, Report& report);

}  // namespace entryproof::audit
