#include "simulator/explore/tale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "simulator/explore/tale_demands.h"
#include "simulator/explore/tale_primaries.h"
#include "simulator/explore/tale_words.h"

namespace entryproof::explore {

namespace {
using namespace std::chrono_literals;
using namespace runner;

class Teller {
 public:
  explicit Teller(bool known) : known_(known) {}

  Scenario tell(const History& history) {
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

 private:
  void tell(const Command& command) {
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
        return disturb(), add(ClockStep{std::array<Duration, 4>{1h, -1h, 24h, -5min}.at(a % 4)});
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
        return fail_calls(failing_calls(a, b % 2 == 1), b >= 2);
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
      case Letter::kCount:
        return;
    }
  }

  void add(decltype(Step::action) action) {
    Step step;
    step.action = std::move(action);
    step.pointer = fmt::format("/steps/{}", scenario_.steps.size());
    scenario_.steps.push_back(std::move(step));
  }

  // Something happens that leaves what is published to be looked at anew; with a reason, it may be asked for to stay meanwhile.
  void disturb(std::optional<Held> held = std::nullopt) {
    held_ = calm_ && !held_ ? std::move(held) : std::nullopt;
    if (!held_) calm_ = false;
  }

  // --- programs ---

  bool inputs_good() const {
    return !faulty_ && !away_ && !spoiled_ && (options_->manual ? manual_good_ : !names_of(primaries_, true).empty());
  }

  // Gives those of before.
  const Options* take_options(std::uint32_t which) {
    const auto* old = std::exchange(options_, &kOptions.at(which % kOptions.size()));
    manual_used_ = manual_used_ || options_->manual;
    switched_ = switched_ || (old != nullptr && old->manual != options_->manual);
    // A copy that is no configuration any more could be anybody's primary, half-written.
    if (!options_->manual && std::exchange(copy_spoiled_, false)) add(RemoveStep{std::string(kManualCopy)});
    return old;
  }

  void start(std::uint32_t options, std::uint32_t surroundings, std::optional<std::uint32_t> killed_at) {
    const bool hurry = surroundings % 2 == 1;
    const auto& environment = kEnvironments.at(surroundings / 2 % kEnvironments.size());
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
    about_.started(options_->manual, killed_ ? "kill" : rebooted_ ? "boot" : before ? "restart" : "", rotated_while_down_);
    rotated_while_down_ = rebooted_ = false;
    killed_ = killed_at.has_value();
    if (killed_at && calm) {
      disturb(Held{.check = "ORDER-39/kept-after-kill"});
    } else if (!environment.good && calm) {
      disturb(Held{.check = "FRESH-19/good-file-kept"});
    } else if (calm && !doubtful_) {
      disturb(Held{.check = "LIFE-59/identical-left-alone", .same_plugin = true});
    } else {
      disturb();
    }
    if (hurry) hurried_ = true;
    if (!hurry) add(RestStep{10s});
    if (!hurry && doubtful_ && !killed_at) add(expect_no_false_success());
  }

  void stop() {
    if (running_) add(StopStep{"build"});
    running_ = false;
  }

  void stop_asking() {
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

  void kill() {
    if (!running_) return;
    add(KillStep{"build", std::nullopt});
    running_ = false;
    killed_ = true;
    disturb(Held{.check = "ORDER-39/kept-after-kill"});
  }

  void once(std::uint32_t options) {
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
    ended.kubeconfig = kubeconfig_that_is("current");
    add(std::move(ended));
  }

  void reboot(std::uint32_t which) {
    static const std::array kLost{"", "/host/etc/cni/net.d/multus.d", "/host/etc/cni/net.d", "/host/opt/cni/bin"};
    const std::string lost = kLost.at(which % kLost.size());
    if (away_ && !plain_) away_ = false;
    add(lost.empty() ? RebootStep{} : RebootStep{{lost}});
    if (lost == kNetDirectory) {
      primaries_.clear();
      foreign_.clear();
    }
    if (which % 4 == 3) std::erase_if(foreign_, [](const auto& file) { return file.first.starts_with("/host/opt"); });
    if (!plain_) rotated_while_down_ = true;
    running_ = false;
    rebooted_ = true;
    chosen_.reset();
    names_.clear();
    disturb();
  }

  void older(std::uint32_t which) {
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
    disturb();
  }

  // --- credentials ---

  void rotate(std::uint32_t which, bool torn) {
    using What = RotateStep::What;
    if (away_) return;
    mend_credentials(false);
    const What what = what_to_rotate(which);
    // The second swap waits for somebody who reads.
    if (!running_ || doubtful_ || !inputs_good() || what > What::kBoth) torn = false;
    add(RotateStep{what, false, RotateStep::Expires::kUsual, torn});
    if (torn) add(WaitStep{6s});
    if (running_) about_.rotated(options_->manual, what, torn);
    rotated_while_down_ = rotated_while_down_ || !running_;
    const bool left_alone = running_ && !doubtful_ && options_->manual && !torn;
    disturb(left_alone ? std::optional(Held{.check = "FRESH-08/configuration-untouched", .same_manual = true}) : std::nullopt);
  }

  // A CA is replaced in three steps: the new one is trusted beside the old, serves, and is trusted alone.
  RotateStep::What what_to_rotate(std::uint32_t which) {
    using What = RotateStep::What;
    static constexpr std::array kSteps{What::kCaAdd, What::kCaSwitch, What::kCaDrop};
    if (which % 5 == 4) return kSteps.at(ca_steps_++ % kSteps.size());
    return std::array{What::kToken, What::kCa, What::kBoth, What::kSigningKey}.at(which % 5);
  }

  void volume_away() {
    if (plain_ || away_) return;
    add(RenameStep{std::string(kAccount) + "/..data", std::string(kAccount) + "/..away"});
    away_ = true;
    disturb(Held{.check = "FRESH-14/volume-away", .same_kubeconfig = true});
  }

  void spoil_credentials(std::uint32_t how) {
    if (!plain_ || spoiled_) return;
    const auto& way = kSpoiltCredentials.at(how % kSpoiltCredentials.size());
    for (const auto& name : way.removed) add(RemoveStep{std::string(kAccount) + "/" + name});
    if (!way.put.empty()) add(PutStep{std::string(kAccount) + "/" + way.put, way.object});
    spoiled_ = true;
    doubtful_ = true;  // a build may end with a failure
    disturb(way.check.empty() ? std::nullopt : std::optional(Held{.check = way.check, .same_kubeconfig = true}));
  }

  void mend_credentials(bool rotate) {
    if (!away_ && !spoiled_) return;
    if (away_) add(RenameStep{std::string(kAccount) + "/..away", std::string(kAccount) + "/..data"});
    if (spoiled_) {
      add(RemoveStep{std::string(kAccount) + "/token"});
      add(RemoveStep{std::string(kAccount) + "/ca.crt"});
    }
    if (rotate) add(RotateStep{RotateStep::What::kBoth, false, RotateStep::Expires::kUsual, false});
    if (running_ && away_) about_.kubeconfig = "FRESH-14/survives";
    rotated_while_down_ = rotated_while_down_ || !running_;
    away_ = spoiled_ = false;
  }

  // --- primaries ---

  void take_primary(const std::string& name) { chosen_ = Chosen{name, primaries_.at(name).body}; }

  // What a build delegates to that starts now.
  void choose() {
    const auto names = names_of(primaries_, true);
    chosen_.reset();
    if (!names.empty()) take_primary(*names.begin());
    about_.configuration_started(chosen_ && chosen_->body->from_1_0, options_->manual);
  }

  // What it delegates to after the primaries changed while it runs; nothing where builds may differ.
  void reconsider(std::string_view check) {
    if (!running_ || options_->manual) return;
    about_.configuration = check;
    const auto names = names_of(primaries_, true);
    const bool only = names.size() == 1 && names_of(primaries_, false).empty();
    const bool stays = chosen_ && !hurried_ && names.contains(chosen_->name) && primaries_.begin()->first == chosen_->name;
    if (options_->watches && (only || stays)) take_primary(*names.begin());
    if ((!only && !stays) || !options_->watches) chosen_.reset();
  }

  void primary(const Body& body, bool in_place) {
    const std::string name(body.file);
    const bool replaced = primaries_.contains(name);
    add(PutStep{in_net(name), fixture_object(body.fixture), in_place});
    primaries_[name] = {&body, true};
    disturb();
    reconsider(replaced ? "CONF-32/followed" : "CONF-33/replaced");
  }

  void primary_half(std::uint32_t which, std::uint32_t how) {
    const auto name = nth_of(primaries_, which);
    if (name.empty()) return;
    add(PutStep{in_net(name), text_object(std::string(kHalves.at(how / 2 % kHalves.size()))), how % 2 == 1});
    primaries_[name].whole = false;
    const bool mine = chosen_ && chosen_->name == name && primaries_.size() == 1;
    disturb(mine && running_ && !doubtful_ ? std::optional(Held{.check = "ORDER-41/half-written", .running = true}) : std::nullopt);
    if (!mine) reconsider("ORDER-41/followed");
  }

  void primary_gone(std::uint32_t which) {
    const auto name = nth_of(primaries_, which);
    if (name.empty()) return;
    add(RemoveStep{in_net(name)});
    const bool mine = chosen_ && chosen_->name == name && primaries_.size() == 1;
    primaries_.erase(name);
    disturb(mine && running_ && !doubtful_ ? std::optional(Held{.check = "ORDER-41/vanished", .running = true}) : std::nullopt);
    if (!mine) reconsider("CONF-33/replaced");
  }

  void primary_moved(std::uint32_t which, std::uint32_t where) {
    const auto name = nth_of(primaries_, which);
    if (name.empty()) return;
    const auto dot = name.rfind('.');
    const auto to = std::array{"02-moved", "40-moved", "95-moved"}.at(where % 3) + name.substr(dot);
    if (to == name) return;
    add(RenameStep{in_net(name), in_net(to)});
    primaries_[to] = primaries_[name];
    primaries_.erase(name);
    disturb();
    reconsider("CONF-33/replaced");
  }

  void mend_primaries() {
    for (auto& [name, primary] : primaries_) {
      if (primary.whole) continue;
      add(PutStep{in_net(name), fixture_object(primary.body->fixture), false});
      primary.whole = true;
      reconsider("ORDER-41/followed");
    }
    if (!primaries_.empty()) return;
    primary(kBodies.front(), false);
    if (running_) about_.configuration = "ORDER-40/proceeds";
  }

  // --- calls that fail ---

  // An honest build may go on or end with a failure; what is published stays either way, whatever should be published instead.
  void fail_calls(faults::Plan plan, bool rotates) {
    add(FaultStep{std::move(plan)});
    faulty_ = doubtful_ = true;
    if (rotates && !away_ && !spoiled_) {
      add(RotateStep{RotateStep::What::kToken, false, RotateStep::Expires::kUsual, false});
      rotated_while_down_ = true;
    }
    disturb(Held{.check = "ATOM-28/failing-calls"});
  }

  void end_faults() {
    if (!std::exchange(faulty_, false)) return;
    add(FaultStep{});
    disturb();
  }

  // --- what others do to files ---

  void foreign(std::uint32_t which) {
    const auto& [path, text] = kForeignFiles.at(which % kForeignFiles.size());
    add(PutStep{std::string(path), text_object(std::string(text)), false});
    foreign_[std::string(path)] = std::string(text);
    names_.clear();
  }

  void spoil_kubeconfig(std::uint32_t how) {
    const std::string path(kKubeconfigFile);
    const std::string directory(kOwnDirectory);
    how %= 7;
    if (how == 4 && (!calm_ || held_)) how = 0;
    if (how != 4 && how != 5) {
      Object made;
      made.kind = Object::Kind::kDirectory;
      made.mode = 0700;
      add(PutStep{directory, made, false});
    }
    if (how == 0) add(RemoveStep{path});
    if (how == 1) add(PutStep{path, text_object(""), false});
    if (how == 2) add(PutStep{path, text_object("spoiled\n"), calm_ && !held_});  // in place, unless a link may be there
    if (how == 3) add(PutStep{path, text_object("apiVersion: v1\nkind: Config\nclusters:\n"), false});
    if (how == 4) add(ChmodStep{path, 0644});
    if (how == 5) add(RemoveStep{directory});
    if (how == 6) add(LinkStep{directory + "/.link", "/nowhere/multus.kubeconfig"}), add(RenameStep{directory + "/.link", path});
    about_.kubeconfig = how == 0 || how == 5 ? "EXIST-04/deleted"
                        : how == 4           ? "EXIST-04/mode"
                        : how == 6           ? "SECURE-55/kubeconfig-link"
                                             : "EXIST-04/damaged";
    ++takings_;
    disturb();
  }

  // The name that the reference publishes under, as far as the tale knows.
  std::string published_name() const {
    if (options_ != nullptr && options_->manual) return "70-multus.conf";
    return chosen_ && chosen_->body->from_1_0 ? "00-multus.conflist" : "00-multus.conf";
  }

  void spoil_configuration(std::uint32_t how) {
    how %= 4;
    const bool manual = options_ != nullptr && options_->manual;
    if (!known_ || (how == 3 && (!calm_ || held_ || !chosen_)) || (how == 2 && manual)) how = 0;
    if (how == 0) {
      add(RemoveStep{in_net("00-multus.conf")});
      add(RemoveStep{in_net("00-multus.conflist")});
      if (manual) add(RemoveStep{in_net("70-multus.conf")});
    }
    if (how == 1) add(PutStep{in_net(published_name()), text_object(""), false});
    if (how == 2) add(PutStep{in_net("00-multus.conf"), text_object(std::string(kSelfDelegating)), false});
    if (how == 3) add(RenameStep{in_net(published_name()), in_net(published_name() + ".cilium_bak")}), names_.clear();
    copy_spoiled_ = manual && how == 1;
    about_.configuration = how == 2 ? "UPGRADE-M6/recovered" : "ORDER-42/restored";
    ++takings_;
    disturb();
  }

  void spoil_plugin(std::uint32_t how) {
    const std::string path(kPlugin);
    Object other = text_object("#!/bin/false\n");
    other.mode = 0755;
    if (how % 3 == 0) add(RemoveStep{path});
    if (how % 3 == 1) add(PutStep{path, text_object(""), true});
    if (how % 3 == 2) add(PutStep{path, other, false});
    about_.plugin = "UPGRADE-49/binary-restored";
    ++takings_;
    disturb();
  }

  void edit_manual(std::uint32_t text, bool in_place) {
    manual_used_ = true;
    add(PutStep{std::string(kManualFile), json_object(manual_text(text)), in_place});
    manual_ = text;
    manual_good_ = true;
    if (options_ != nullptr && options_->manual && running_) about_.configuration = "MANUAL-50/edits-followed";
    disturb();
  }

  void break_manual(std::uint32_t how, bool in_place) {
    if (options_ == nullptr || !options_->manual) return;
    add(PutStep{std::string(kManualFile), text_object(std::string(kBrokenManuals.at(how % kBrokenManuals.size()))), in_place});
    manual_good_ = false;
    doubtful_ = true;
    disturb(Held{.check = "MANUAL-50/good-file-kept", .same_manual = true});
  }

  // --- what is demanded ---

  void hold() {
    if (!calm_ || !held_ || options_ == nullptr) return;
    add(expect_held(*held_, calm_name(), options_->manual, chosen_type()));
  }

  std::string calm_name() const { return fmt::format("calm-{}", calms_); }

  std::string chosen_type() const { return !options_->manual && chosen_ && !doubtful_ ? std::string(chosen_->body->type) : ""; }

  void mend() {
    const bool was_broken = away_ || spoiled_;
    end_faults();
    mend_credentials(true);
    mend_primaries();
    if (!manual_good_) edit_manual(manual_, false);
    if (was_broken && !running_) rotated_while_down_ = true;
  }

  void quiet() {
    mend();
    if (!running_ || doubtful_ || !environment_->good) {
      if (options_ == nullptr) options_ = &kOptions.front();
      const auto index = static_cast<std::uint32_t>(options_ - kOptions.data());
      const bool was_first = environment_ == nullptr && !known_to_lint_;
      start(index, 0, std::nullopt);
      if (was_first) about_.started(options_->manual, "", false);
    }
    State state{.manual = options_->manual,
                .within = takings_ > 4 ? Duration(30s) : Duration(15s),
                .about = about_,
                .server = std::string(environment_->server),
                .server_check = std::string(environment_->check)};
    if (options_->manual) state.manual_text = manual_text(manual_);
    if (!options_->manual && chosen_) {
      state.delegate = chosen_->body->type;
      state.primary = in_net(chosen_->name);
    }
    state.one_own_file = !options_->manual && !switched_;
    state.own_modes = !upgraded_;
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
    takings_ = 0;
  }

  // What it still has to do may be done first: nothing was demanded of a choice that builds make differently, and they may take their time.
  void leave_alone(const State& state) {
    const bool certain = state.manual || chosen_;
    add(WaitStep{certain && takings_ <= 4 ? Duration(3s) : state.within});
    add(RestStep{10s});
  }

  // The names that the world has put into the directories, and under what circumstances: where they are the same again nothing else may
  // have been added.
  std::string world_names() const {
    std::string all = options_->manual ? "manual" : published_name();
    for (const auto& [name, primary] : primaries_) all += " " + name;
    if (switched_ || upgraded_ || !(options_->manual || chosen_))
      all += fmt::format(" {}", scenario_.steps.size());  // what an earlier one left may be tidied up
    return all;
  }

  struct Chosen {
    std::string name;
    const Body* body = nullptr;
  };

  const bool known_;
  Scenario scenario_;
  bool plain_ = false;
  // The node.
  Primaries primaries_;
  std::map<std::string, std::string> foreign_;
  std::uint32_t manual_ = 0;
  bool manual_good_ = true;
  bool manual_used_ = false;
  bool copy_spoiled_ = false;
  bool away_ = false;     // the volume's data
  bool spoiled_ = false;  // the plain credentials
  bool faulty_ = false;   // calls of the build fail
  unsigned ca_steps_ = 0;
  // The build.
  const Options* options_ = nullptr;
  const Environment* environment_ = nullptr;
  bool running_ = false;   // it has been started and not yet ended by us
  bool doubtful_ = false;  // an honest one may have ended by itself
  bool hurried_ = false;   // the next thing may have happened before it first looked
  bool killed_ = false;    // its last life
  bool rebooted_ = false;  // since its last life
  bool rotated_while_down_ = false;
  bool switched_ = false;  // between automatic and manual
  bool upgraded_ = false;
  bool known_to_lint_ = false;
  std::optional<Chosen> chosen_;  // the primary that it must delegate to, where that is certain
  unsigned takings_ = 0;          // how often something of its was taken away since the last quiet
  About about_;
  // The demands.
  bool calm_ = false;  // the last quiet is still what the node is like, but for `held_`
  std::optional<Held> held_;
  unsigned calms_ = 0;
  std::string names_;
  std::string names_name_;
};

}  // namespace

Scenario tell(const History& history, bool known) { return Teller(known).tell(history); }

}  // namespace entryproof::explore
