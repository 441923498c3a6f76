// What is done with programs: starts, ends, boots.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <utility>

#include "simulator/explore/teller.h"

namespace entryproof::explore {

using namespace std::chrono_literals;
using namespace runner;

bool Teller::inputs_good() const {
  if (faulty_ || away_ || spoiled_ || blocked_ || options_->refused) return false;
  if (options_->policy == Policy::kNever && !brought_) return false;
  return (options_->manual ? manual_good_ : !names_of(primaries_, true).empty());
}

const Options* Teller::take_options(std::uint32_t which) {
  const auto* wanted = &kOptions.at(which % kOptions.size());
  if (wanted->policy != Policy::kAlways && !known_.features.contains("kubeconfig-policy")) wanted = &kOptions.front();
  const auto* old = std::exchange(options_, wanted);
  take_policy();
  manual_used_ = manual_used_ || options_->manual;
  switched_ = switched_ || (old != nullptr && old->manual != options_->manual);
  // A copy that is no configuration any more could be anybody's primary, half-written.
  if (!options_->manual && std::exchange(copy_spoiled_, false)) add(RemoveStep{std::string(kManualCopy)});
  return old;
}

// Before a start, so that nobody can doubt whose the kubeconfig is.
void Teller::take_policy() {
  if (options_->policy == Policy::kNever) {
    if (!brought_) bring_kubeconfig();
  } else if (options_->policy == Policy::kAlways) {
    strange_ = strange_ || brought_;
    forget_brought();
  } else if (std::exchange(strange_, false)) {
    remove_kubeconfig();
    ++takings_;
    blocked_ = false;
  }
}

void Teller::start(std::uint32_t options, std::uint32_t surroundings, std::optional<std::uint32_t> killed_at) {
  const bool hurry = surroundings % 2 == 1;
  const auto* surrounded = &kEnvironments.at(surroundings / 2 % kEnvironments.size());
  if (!surrounded->flag.empty() && !known_.features.contains("api-server")) surrounded = &kEnvironments.front();
  const auto& environment = *surrounded;
  const bool before = options_ != nullptr;
  if (running_) add(StopStep{"build"});
  const auto* old = take_options(options);
  if (killed_at) add(KillStep{"build", *killed_at});
  add(start_step(*options_, environment));
  const bool calm = calm_ && before && !held_ && old == options_ && !options_->clean_up;
  running_ = true;
  doubtful_ = killed_at || !environment.good || !inputs_good();
  environment_ = &environment;
  choose();
  const auto* after = cut_ ? "power-cut" : killed_ ? "kill" : rebooted_ ? "boot" : before ? "restart" : "";
  about_.started(options_->manual, after, rotated_while_down_);
  rotated_while_down_ = rebooted_ = cut_ = false;
  killed_ = killed_at.has_value();
  if (killed_at && calm) {
    disturb(Held{.check = "ORDER-39/kept-after-kill"});
  } else if (options_->refused && calm_ && !held_ && !old->clean_up && !old->manual) {
    disturb(Held{.check = "UPGRADE-45/errors-keep"});
  } else if (!environment.good && calm) {
    disturb(Held{.check = "FRESH-19/good-file-kept"});
  } else if (calm && !doubtful_) {
    disturb(Held{.check = "LIFE-59/identical-left-alone", .same_plugin = true});
  } else {
    disturb();
  }
  hurried_ = hurry;
  if (options_->refused) return add(expect_failure("UPGRADE-47/unknown-flag", 5s));
  if (!hurry) add(RestStep{10s});
  if (!hurry && doubtful_ && !killed_at) add(expect_no_false_success());
}

void Teller::stop() {
  if (running_) add(StopStep{"build"});
  running_ = false;
}

void Teller::stop_asking() {
  if (!running_) return;
  const bool kept = calm_ && !held_ && !options_->clean_up;
  if (!doubtful_ && inputs_good()) {
    add(RestStep{10s});
    add(SignalStep{"build", SIGTERM});
    add(expect_running("LIFE-58/stops-in-time", false, 1s));
    add(expect_success("LIFE-57/stop-is-zero"));
  }
  add(StopStep{"build"});
  running_ = false;
  if (kept) {
    disturb(Held{.check = "UPGRADE-45/stop-keeps"});
  } else {
    disturb();
  }
}

void Teller::kill() {
  if (!running_) return;
  add(KillStep{"build", std::nullopt});
  running_ = false;
  killed_ = true;
  disturb(Held{.check = "ORDER-39/kept-after-kill"});
}

void Teller::once(std::uint32_t options) {
  if (!known_.features.contains("once")) return;
  stop();
  take_options(options);
  auto step = start_step(*options_, kEnvironments.front());
  step.wait = true;
  step.within = 40s;
  step.features["once"] = "true";
  add(std::move(step));
  known_to_lint_ = true;
  const bool whole_again = inputs_good() && names_of(primaries_, false).empty();
  disturb();
  if (!whole_again) return;
  ExpectStep ended = expect_success("LIFE-60/one-shot");
  ended.kubeconfig = kubeconfig_that_is(brought_ ? "valid" : "current");
  add(std::move(ended));
}

void Teller::reboot(std::uint32_t which) {
  static const std::array kLost{"", "/host/etc/cni/net.d/multus.d", "/host/etc/cni/net.d", "/host/opt/cni/bin"};
  const std::string lost = kLost.at(which % kLost.size());
  add(lost.empty() ? RebootStep{} : RebootStep{{lost}});
  if (lost == kNetDirectory) {
    primaries_.clear();
    foreign_.clear();
  }
  if (which % 4 == 1 || which % 4 == 2) {
    forget_brought();
    strange_ = blocked_ = false;
  }
  if (!lost.empty()) ++takings_;
  if (which % 4 == 3) std::erase_if(foreign_, [](const auto& file) { return file.first.starts_with("/host/opt"); });
  names_.clear();
  boot();
  disturb();
}

void Teller::cut_power(std::uint32_t model, std::uint32_t state) {
  static constexpr std::array kModels{"ext4", "xfs", "btrfs", "posix"};
  faults::PowerCut cut{kModels.at(model % kModels.size())};
  if (state != 0) cut.seed = state;
  add(PowerCutStep{cut, {}});
  boot();
  cut_ = true;
  // What was in place is there at once, before anybody could put it right.
  if (calm_ && options_ != nullptr) {
    auto kept = expect_held({.check = "ATOM-22/survives-a-power-cut"}, calm_name(), options_->manual, {});
    kept.hold_for.reset();
    add(std::move(kept));
  }
  if (takings_ == 0 && !brought_ && !upgraded_) add(expect_no_dangling_name());
  strange_ = strange_ || brought_;  // what others wrote is there, if the directory is that a build had made for it
  forget_brought();
  disturb();
}

void Teller::boot() {
  if (!plain_) {
    away_ = false;
    rotated_while_down_ = true;
  }
  running_ = false;
  rebooted_ = true;
  chosen_.reset();
}

void Teller::older(std::uint32_t which) {
  stop();
  static constexpr std::array kVersions{"3.9.3", "4.0.2", "4.2.2", "4.3.0"};
  StartStep step;
  step.what = fmt::format("predecessor:{}", kVersions.at(which % 4));
  step.as = "old";
  const bool manual = which / 4 % 2 == 1;
  step.args = kOptions.at(manual ? kFirstManual : 0).arguments;
  manual_used_ = manual_used_ || manual;
  add(std::move(step));
  add(RestStep{10s});
  add(StopStep{"old"});
  upgraded_ = switched_ = true;
  if (brought_) strange_ = true;
  forget_brought();
  disturb();
}

}  // namespace entryproof::explore
