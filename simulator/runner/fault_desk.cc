#include "simulator/runner/fault_desk.h"

#include <string>

namespace entryproof::runner {

Result<> FaultDesk::add(const faults::Plan& rules) {
  const std::lock_guard lock(mutex_);
  if (rules_.size() + rules.size() > faults::kMostRules) {
    return fail(ErrorCode::kLimit, "more than " + std::to_string(faults::kMostRules) + " rules; clear first");
  }
  for (World* world : worlds_) {
    if (auto set = world->add_faults(rules, faults::Owner::kRun); !set) return set;
  }
  rules_.insert(rules_.end(), rules.begin(), rules.end());
  return {};
}

void FaultDesk::clear() {
  const std::lock_guard lock(mutex_);
  for (World* world : worlds_) world->clear_faults(faults::Owner::kRun);
  rules_.clear();
}

faults::Plan FaultDesk::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

void FaultDesk::join(World& world) {
  const std::lock_guard lock(mutex_);
  static_cast<void>(world.add_faults(rules_, faults::Owner::kRun));  // who plays in a world without faults has refused the desk
  worlds_.push_back(&world);
}

void FaultDesk::leave(World& world) {
  const std::lock_guard lock(mutex_);
  std::erase(worlds_, &world);
}

}  // namespace entryproof::runner
