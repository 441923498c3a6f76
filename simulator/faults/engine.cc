#include "simulator/faults/engine.h"

#include <algorithm>
#include <cerrno>

#include "simulator/faults/errnos.h"

namespace entryproof::faults {

using node::Actor;
using node::Operation;
using node::Ruling;
using node::Verb;

namespace {

Ruling refused(int error) { return {.error = node::Errno{error}, .short_write = {}, .delay = {}}; }

std::string subject_of(const Operation& operation) {
  std::string text = std::string(to_string(operation.verb)) + " of " + (operation.path.empty() ? "?" : operation.path);
  if (!operation.path2.empty()) text += " -> " + operation.path2;
  return text;
}

}  // namespace

void Engine::add(const Plan& plan, Owner owner) {
  for (const Rule& rule : plan) armed_.push_back({rule, owner, 0, false, Verb::kMark, {}});
}

void Engine::clear(Owner owner) {
  std::erase_if(armed_, [owner](const Armed& armed) { return armed.owner == owner; });
  later_.clear();
}

void Engine::set_plan(const Plan& plan) {
  clear(Owner::kScenario);
  add(plan, Owner::kScenario);
}

void Engine::disarm() {
  armed_.clear();
  later_.clear();
  injections_.clear();
  injected_ = 0;
  kill_operation_ = 0;
  appointments_.clear();
  due_.clear();
}

void Engine::kill_at(std::uint32_t session, std::uint64_t operation, std::function<void()> kill) {
  kill_session_ = session;
  kill_operation_ = operation;
  kill_ = std::move(kill);
}

void Engine::at(const Rule& moment, std::string what, std::function<void(const Operation&)> deed) {
  appointments_.push_back({{moment, Owner::kScenario, 0, false, Verb::kMark, {}}, std::move(what), std::move(deed)});
}

bool Engine::watches(Verb verb) const {
  return std::ranges::any_of(armed_, [verb](const Armed& armed) { return concerns(armed.rule, verb); }) ||
         std::ranges::any_of(appointments_, [verb](const Appointment& each) { return concerns(each.moment.rule, verb); });
}

// --- the two moments ---

Ruling Engine::before(const Operation& operation) {
  if (kill_operation_ != 0 && operation.session == kill_session_ && operation.index == kill_operation_) {
    kill_operation_ = 0;
    node_.seal(operation.actor, operation.session);
    kill_();
    return refused(EIO);
  }
  later_.clear();
  due_.clear();
  Ruling ruling;
  if (operation.actor != Actor::kBuild) return ruling;
  keep_appointments(operation);
  for (std::size_t i = 0; i < armed_.size(); ++i) {
    if (!hits(armed_[i], operation)) continue;
    if (armed_[i].rule.phase == Phase::kAfter) {
      later_.push_back(i);
    } else {
      strike(armed_[i], operation, ruling);
    }
  }
  return ruling;
}

Ruling Engine::after(const Operation& operation) {
  for (const auto& deed : std::exchange(due_, {})) deed(operation);
  Ruling ruling;
  for (const std::size_t i : std::exchange(later_, {})) strike(armed_[i], operation, ruling);
  return ruling;
}

void Engine::keep_appointments(const Operation& operation) {
  std::erase_if(appointments_, [&](Appointment& each) {
    if (!hits(each.moment, operation)) return false;
    if (!each.what.empty()) note(operation, each.what);
    if (each.moment.rule.phase == Phase::kAfter) {
      due_.push_back(std::move(each.deed));
    } else {
      each.deed(operation);
    }
    return true;
  });
}

// --- one rule ---

// Counts the operation if it matches, and says whether it is one of those that are meant.
bool Engine::hits(Armed& armed, const Operation& operation) {
  const Rule& rule = armed.rule;
  if (rule.then_error != 0 && operation.verb == Verb::kWrite && armed.cut_short.contains(operation.inode)) return true;
  if (!matches(rule, operation)) return false;
  ++armed.seen;
  if (armed.fired && rule.sticky) return rule.operation != "any" || operation.verb == armed.kind;
  const bool meant =
      rule.sequence.empty() ? armed.seen == rule.nth : armed.seen <= rule.sequence.size() && rule.sequence[armed.seen - 1] == 'x';
  if (meant && !armed.fired) armed.kind = operation.verb;
  armed.fired = armed.fired || meant;
  return meant;
}

// What is decided already stays: of several rules the first has the word, and delays add up.
void Engine::strike(Armed& armed, const Operation& operation, Ruling& ruling) {
  const Rule& rule = armed.rule;
  const bool cut_before = armed.cut_short.contains(operation.inode) && operation.verb == Verb::kWrite;
  if (rule.delay > Duration{}) {
    ruling.delay += rule.delay;
    note(operation, "takes " + std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(rule.delay).count()) + " us longer");
  }
  if (ruling.error || ruling.short_write) return;
  if (rule.error != 0 && operation.succeeded()) {
    ruling.error = node::Errno{rule.error};
    note(operation, std::string(errno_name(rule.error)) + (rule.phase == Phase::kAfter ? " injected after it took effect" : " injected"));
  } else if (rule.short_write && cut_before) {
    if (!rule.sticky) armed.cut_short.erase(operation.inode);
    ruling.error = node::Errno{rule.then_error};
    note(operation, std::string(errno_name(rule.then_error)) + " injected");
  } else if (rule.short_write) {
    ruling.short_write = *rule.short_write;
    if (rule.then_error != 0) armed.cut_short.insert(operation.inode);
    note(operation, "cut short to " + std::to_string(*rule.short_write) + " of " + std::to_string(operation.length) + " bytes");
  } else if (rule.kill || rule.power_cut) {
    end(rule, operation);
    ruling.error = node::Errno{EIO};
  }
}

void Engine::end(const Rule& rule, const Operation& operation) {
  const std::string moment = rule.phase == Phase::kAfter ? " after it" : " before it";
  if (rule.kill) {
    note(operation, "killed" + moment);
    node_.seal(operation.actor, operation.session);
    if (on_kill_) on_kill_(operation.actor, operation.session);
    return;
  }
  note(operation, "power cut" + moment);
  node_.seal(Actor::kBuild);
  node_.seal(Actor::kStage);
  if (on_power_cut_) on_power_cut_(rule, operation);
}

void Engine::note(const Operation& operation, const std::string& what) {
  ++injected_;
  if (injections_.size() == kMostInjections) return;
  injections_.push_back({operation.seq, operation.index, operation.at, subject_of(operation) + ": " + what});
}

}  // namespace entryproof::faults
