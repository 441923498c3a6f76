// Any bytes as a scenario file: cases, or one refusal that says why and where.
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/runner/scenario_loader.h"

namespace entryproof::fuzz {

void scenario(std::string_view bytes) {
  const auto cases = runner::parse_scenario(bytes, "fuzzed.json", "fuzzed");
  demand(cases ? !cases->empty() : !cases.error().message.empty() && !cases.error().where.empty());
  if (!cases) return;
  for (const auto& each : *cases) demand(each.id.starts_with("fuzzed") && !each.title.empty());
}

}  // namespace entryproof::fuzz
