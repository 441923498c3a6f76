// Any bytes as a fault plan: a plan that prints as itself, as lines and as JSON, or one line that says what is wrong and where.
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/faults/plan.h"

namespace entryproof::fuzz {

void fault_plan(std::string_view bytes) {
  const auto plan = faults::parse(bytes);
  if (!plan) {
    demand(!plan.error().message.empty() && plan.error().line().find('\n') == std::string::npos);
    return;
  }
  demand(plan->size() <= faults::kMostRules);
  demand(faults::parse(faults::to_string(*plan)) == *plan);
  demand(faults::parse(faults::to_json(*plan)) == *plan);
}

}  // namespace entryproof::fuzz
