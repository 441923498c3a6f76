// Any bytes as a manifest that somebody wants audited, and played: objects whose lines are in the file, findings that are one printable
// line each, a document that tools can read, and stories that are the same each time; or one line that says why not.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "fuzz/audit_report.h"
#include "fuzz/targets.h"
#include "simulator/audit/manifest.h"
#include "simulator/audit/manifest_audit.h"
#include "simulator/audit/staging.h"

namespace entryproof::fuzz {

void manifest(std::string_view bytes) {
  using namespace audit;  // NOLINT: a target of one folder
  const auto lines = static_cast<std::size_t>(std::ranges::count(bytes, '\n')) + 1;
  Manifests manifests;
  if (const auto read = read_manifest(bytes, "fuzzed.yaml", manifests); !read) {
    demand(is_line(read.error().line()));
    demand(manifests.workloads.empty() && manifests.config_maps.empty() && manifests.service_accounts.empty());
    return;
  }
  for (const auto& workload : manifests.workloads) {
    demand(workload.line >= 1 && workload.line <= lines);
    for (const auto& container : workload.containers) demand(container.line >= workload.line && container.line <= lines);
  }
  const auto reports = audit_manifests(manifests);
  for (const auto& report : reports) demand_sound(report, lines);
  demand_rendered(reports);

  const auto staged = stage(manifests, "fuzzed.yaml");
  if (!staged) return demand(is_line(staged.error().line()));
  demand(!reports.empty());  // what can be played can be audited
  demand(fingerprint(*staged) == fingerprint(stage(manifests, "fuzzed.yaml").value()));
  for (const auto& story : stories(*staged)) demand(story.id.starts_with("manifest/") && !story.steps.empty());
}

}  // namespace entryproof::fuzz
