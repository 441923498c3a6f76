#include "simulator/explore/tale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <utility>

#include "simulator/explore/teller.h"
#include "simulator/runner/features.h"

namespace entryproof::explore {

using namespace std::chrono_literals;
using namespace runner;

Scenario Teller::tell(const History& history) {
  scenario_.title = "A history";
  scenario_.why = "Found by a search through random histories.";
  scenario_.tags = {"history"};
  plain_ = history.plain;
  if (plain_) scenario_.given.credentials = "hostpath";
  for (const auto& command : history.commands) tell(command);
  quiet();
  add(expect_no_secret());
  if (manual_used_) scenario_.given.tree.emplace(std::string(kManualFile), json_object(manual_text(0)));
  return std::move(scenario_);
}

void Teller::tell(const Command& command) {
  const auto [letter, a, b] = command;
  switch (letter) {
    case Letter::kQuiet:
      return quiet();
    case Letter::kStart:
      return start(a, b, std::nullopt);
    case Letter::kStop:
      return stop_asking();
    case Letter::kKill:
      return kill();
    case Letter::kStartToKill:
      return start(b, 0, a + 1);
    case Letter::kOnce:
      return once(a);
    case Letter::kReboot:
      return reboot(a);
    case Letter::kRotate:
      return rotate(a, b == 3);
    case Letter::kVolumeAway:
      return volume_away();
    case Letter::kCredentials:
      return spoil_credentials(a);
    case Letter::kClock:
      return set_clock(a);
    case Letter::kPrimary:
      return primary(kBodies.at(a % kBodies.size()), b == 1);
    case Letter::kPrimaryHalf:
      return primary_half(a, b);
    case Letter::kPrimaryGone:
      return primary_gone(a);
    case Letter::kPrimaryMoved:
      return primary_moved(a, b);
    case Letter::kForeign:
      return foreign(a);
    case Letter::kKubeconfig:
      return spoil_kubeconfig(a);
    case Letter::kConfiguration:
      return spoil_configuration(a);
    case Letter::kPlugin:
      return spoil_plugin(a);
    case Letter::kManual:
      return edit_manual(a, b == 1);
    case Letter::kManualBroken:
      return break_manual(a, b == 1);
    case Letter::kFailing:
      fail_calls(failing_calls(a, b % 2 == 1), b >= 2);
      if (b < 4) return;
      add(WaitStep{6s});
      return cut_power(a, 0);
    case Letter::kDiskFull:
      return fail_calls(full_disk(), b == 1);
    case Letter::kFaultsOver:
      return end_faults();
    case Letter::kHold:
      return hold();
    case Letter::kWait:
      return add(WaitStep{std::array<Duration, 6>{10ms, 150ms, 500ms, 1s, 3s, 11s}.at(a % 6)});
    case Letter::kOlder:
      return older(a);
    case Letter::kPowerCut:
      return cut_power(a, b);
    case Letter::kStartToCut:
      start(usual_options(), 0, a + 1);
      return cut_power(b % 4, b / 4);
    case Letter::kCount:
      return;
  }
}

void Teller::add(decltype(Step::action) action) {
  Step step;
  step.action = std::move(action);
  step.pointer = fmt::format("/steps/{}", scenario_.steps.size());
  scenario_.steps.push_back(std::move(step));
}

void Teller::disturb(std::optional<Held> held) {
  held_ = calm_ && !held_ ? std::move(held) : std::nullopt;
  if (!held_) calm_ = false;
}

// --- what is demanded ---

void Teller::hold() {
  if (!calm_ || !held_ || options_ == nullptr) return;
  add(expect_held(*held_, calm_name(), options_->manual, chosen_type()));
}

std::string Teller::calm_name() const { return fmt::format("calm-{}", calms_); }

std::string Teller::chosen_type() const { return !options_->manual && chosen_ && !doubtful_ ? std::string(chosen_->body->type) : ""; }

void Teller::mend() {
  const bool was_broken = away_ || spoiled_;
  end_faults();
  mend_credentials(true);
  mend_primaries();
  if (!manual_good_) edit_manual(manual_, false);
  if (std::exchange(blocked_, false)) remove_kubeconfig();
  if (options_ != nullptr && options_->policy == Policy::kNever && !brought_) bring_kubeconfig();
  if (was_broken && !running_) rotated_while_down_ = true;
}

std::uint32_t Teller::usual_options() const {
  return options_ == nullptr || options_->refused ? 0 : static_cast<std::uint32_t>(options_ - kOptions.data());
}

void Teller::quiet() {
  mend();
  if (!running_ || doubtful_ || !environment_->good) {
    const bool was_first = environment_ == nullptr && !known_to_lint_;
    start(usual_options(), 0, std::nullopt);
    if (was_first) about_.started(options_->manual, "", false);
  }
  State state{.manual = options_->manual, .within = takings_ > 4 ? Duration(30s) : Duration(15s), .about = about_};
  if (!brought_) {
    state.server = environment_->server;
    state.server_check = environment_->check;
  }
  if (options_->manual) state.manual_text = manual_text(manual_);
  if (!options_->manual && chosen_) {
    state.delegate = chosen_->body->type;
    state.primary = in_net(chosen_->name);
  }
  state.one_own_file = !options_->manual && !switched_;
  state.brought = brought_;
  state.own_modes = !upgraded_ && !brought_;
  state.foreign = foreign_;
  const auto world = world_names();
  if (names_ == world) state.names_since = names_name_;
  for (auto& step : demands_of(state)) {
    if (step.quiet) leave_alone(state);
    add(std::move(step));
  }
  add(RememberStep{fmt::format("calm-{}", ++calms_)});
  if (names_ != world) {
    names_ = world;
    names_name_ = calm_name();
  }
  calm_ = true;
  held_.reset();
  hurried_ = false;
  strange_ = clock_set_ = false;
  takings_ = 0;
}

void Teller::leave_alone(const State& state) {
  const bool certain = state.manual || chosen_;
  add(WaitStep{certain && takings_ <= 4 ? Duration(3s) : state.within});
  add(RestStep{10s});
}

std::string Teller::world_names() const {
  std::string all = options_->manual ? "manual" : published_name();
  for (const auto& [name, primary] : primaries_) all += " " + name;
  if (switched_ || upgraded_ || !(options_->manual || chosen_))
    all += fmt::format(" {}", scenario_.steps.size());  // what an earlier one left may be tidied up
  return all;
}

Known Known::of(const Build& build, const std::map<std::string, std::string>& spelled) {
  Known known{build.in_process(), {}};
  if (build.in_process()) known.features = all_features();
  for (const auto& [feature, spelling] : spelled) known.features.insert(feature);
  return known;
}

Scenario tell(const History& history, const Known& known) { return Teller(known).tell(history); }

}  // namespace entryproof::explore
