// What happens around the build: to its credentials, to primaries, to its calls, to files.
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

// --- credentials ---

void Teller::rotate(std::uint32_t which, bool torn) {
  using What = RotateStep::What;
  if (away_) return;
  mend_credentials(false);
  const What what = what_to_rotate(which);
  // The second swap waits for somebody who reads.
  if (!running_ || doubtful_ || brought_ || !inputs_good() || what > What::kBoth) torn = false;
  add(RotateStep{what, false, RotateStep::Expires::kUsual, torn});
  if (torn) add(WaitStep{6s});
  if (torn && hurried_) doubtful_ = true;  // what it read first may not fit together, and it may end for that: it is started again
  if (running_) about_.rotated(options_->manual, what, torn);
  if (running_ && clock_set_ && what == What::kToken && !torn) about_.kubeconfig = "FRESH-12/clock-jumps";
  rotated_while_down_ = rotated_while_down_ || !running_;
  const bool left_alone = running_ && !doubtful_ && options_->manual && !torn;
  disturb(left_alone ? std::optional(Held{.check = "FRESH-08/configuration-untouched", .same_manual = true}) : std::nullopt);
}

RotateStep::What Teller::what_to_rotate(std::uint32_t which) {
  using What = RotateStep::What;
  static constexpr std::array kSteps{What::kCaAdd, What::kCaSwitch, What::kCaDrop};
  if (which % 5 == 4) return kSteps.at(ca_steps_++ % kSteps.size());
  return std::array{What::kToken, What::kCa, What::kBoth, What::kSigningKey}.at(which % 5);
}

void Teller::volume_away() {
  if (plain_ || away_) return;
  add(RenameStep{std::string(kAccount) + "/..data", std::string(kAccount) + "/..away"});
  away_ = true;
  doubtful_ = doubtful_ || hurried_;  // there was nothing to begin with
  disturb(Held{.check = "FRESH-14/volume-away", .same_kubeconfig = true});
}

void Teller::spoil_credentials(std::uint32_t how) {
  if (!plain_ || spoiled_) return;
  const auto& way = kSpoiltCredentials.at(how % kSpoiltCredentials.size());
  for (const auto& name : way.removed) add(RemoveStep{std::string(kAccount) + "/" + name});
  if (!way.put.empty()) add(PutStep{std::string(kAccount) + "/" + way.put, way.object});
  spoiled_ = true;
  doubtful_ = true;  // a build may end with a failure
  disturb(way.check.empty() ? std::nullopt : std::optional(Held{.check = way.check, .same_kubeconfig = true}));
}

void Teller::mend_credentials(bool rotate) {
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

void Teller::set_clock(std::uint32_t which) {
  static constexpr std::array<Duration, 6> kJumps{1h, -1h, 24h, -5min, 10 * 365 * 24h, -20 * 365 * 24h};
  add(ClockStep{kJumps.at(which % kJumps.size())});
  clock_set_ = true;
  disturb();
}

// --- primaries ---

void Teller::take_primary(const std::string& name) { chosen_ = Chosen{name, primaries_.at(name).body}; }

void Teller::choose() {
  const auto names = names_of(primaries_, true);
  chosen_.reset();
  if (!names.empty()) take_primary(*names.begin());
  about_.configuration_started(chosen_ && chosen_->body->from_1_0, options_->manual);
}

void Teller::reconsider(std::string_view check) {
  if (!running_ || options_->manual) return;
  about_.configuration = check;
  const auto names = names_of(primaries_, true);
  const bool only = names.size() == 1 && names_of(primaries_, false).empty();
  const bool stays = chosen_ && !hurried_ && names.contains(chosen_->name) && primaries_.begin()->first == chosen_->name;
  if (options_->watches && (only || stays)) take_primary(*names.begin());
  if ((!only && !stays) || !options_->watches) chosen_.reset();
}

void Teller::primary(const Body& body, bool in_place) {
  const std::string name(body.file);
  const bool replaced = primaries_.contains(name);
  add(PutStep{in_net(name), fixture_object(body.fixture), in_place});
  primaries_[name] = {&body, true};
  disturb();
  reconsider(replaced ? "CONF-32/followed" : "CONF-33/replaced");
}

void Teller::primary_half(std::uint32_t which, std::uint32_t how) {
  const auto name = nth_of(primaries_, which);
  if (name.empty()) return;
  add(PutStep{in_net(name), text_object(std::string(kHalves.at(how / 2 % kHalves.size()))), how % 2 == 1});
  primaries_[name].whole = false;
  const bool mine = chosen_ && chosen_->name == name && primaries_.size() == 1;
  disturb(mine && running_ && !doubtful_ ? std::optional(Held{.check = "ORDER-41/half-written", .running = true}) : std::nullopt);
  if (!mine) reconsider("ORDER-41/followed");
}

void Teller::primary_gone(std::uint32_t which) {
  const auto name = nth_of(primaries_, which);
  if (name.empty()) return;
  add(RemoveStep{in_net(name)});
  const bool mine = chosen_ && chosen_->name == name && primaries_.size() == 1;
  primaries_.erase(name);
  disturb(mine && running_ && !doubtful_ ? std::optional(Held{.check = "ORDER-41/vanished", .running = true}) : std::nullopt);
  if (!mine) reconsider("CONF-33/replaced");
}

void Teller::primary_moved(std::uint32_t which, std::uint32_t where) {
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

void Teller::mend_primaries() {
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

void Teller::fail_calls(faults::Plan plan, bool rotates) {
  add(FaultStep{std::move(plan)});
  faulty_ = doubtful_ = true;
  if (rotates && !away_ && !spoiled_) {
    add(RotateStep{RotateStep::What::kToken, false, RotateStep::Expires::kUsual, false});
    rotated_while_down_ = true;
  }
  disturb(Held{.check = "ATOM-28/failing-calls"});
}

void Teller::end_faults() {
  if (!std::exchange(faulty_, false)) return;
  add(FaultStep{});
  disturb();
}

// --- files ---

void Teller::foreign(std::uint32_t which) {
  const auto& [path, text] = kForeignFiles.at(which % kForeignFiles.size());
  add(PutStep{std::string(path), text_object(std::string(text)), false});
  foreign_[std::string(path)] = std::string(text);
  names_.clear();
}

void Teller::spoil_kubeconfig(std::uint32_t how) {
  const std::string path(kKubeconfigFile);
  const std::string directory(kOwnDirectory);
  const Policy policy = options_ != nullptr ? options_->policy : Policy::kAlways;
  how %= 9;
  if (how == 8 && policy != Policy::kAlways) return bring_kubeconfig();
  const bool strange = how == 2 || how == 3 || how == 6;  // such a file is left alone where only a missing one is made
  if (how == 8 || (how == 4 && (!calm_ || held_ || brought_)) || (how == 7 && running_) || (strange && policy == Policy::kIfMissing))
    how = 0;
  if (std::exchange(blocked_, false)) add(RemoveStep{path});
  if (how != 4 && how != 5) make_own_directory();
  if (how == 0 || how == 7) add(RemoveStep{path});
  if (how == 1) add(PutStep{path, text_object(""), false});
  if (how == 2) add(PutStep{path, text_object("spoiled\n"), calm_ && !held_});  // in place, unless a link may be there
  if (how == 3) add(PutStep{path, text_object("apiVersion: v1\nkind: Config\nclusters:\n"), false});
  if (how == 4) add(ChmodStep{path, 0644});
  if (how == 5) add(RemoveStep{directory});
  if (how == 6) add(LinkStep{directory + "/.link", "/nowhere/multus.kubeconfig"}), add(RenameStep{directory + "/.link", path});
  if (how == 7) add(PutStep{path, directory_object(0755), false});
  blocked_ = how == 7;
  strange_ = strange || how == 7 || (how == 4 && strange_);
  if (how == 5 || how == 7) names_.clear();  // a build may have put a directory aside
  if (how != 4) forget_brought();
  doubtful_ = doubtful_ || policy == Policy::kNever;
  about_.kubeconfig = how == 0 || how == 5 ? "EXIST-04/deleted"
                      : how == 4           ? "EXIST-04/mode"
                      : how == 6           ? "SECURE-55/kubeconfig-link"
                      : how == 7           ? "EXIST-04/directory"
                                           : "EXIST-04/damaged";
  ++takings_;
  disturb();
}

void Teller::make_own_directory() { add(PutStep{std::string(kOwnDirectory), directory_object(0700), false}); }

void Teller::remove_kubeconfig() {
  make_own_directory();
  add(RemoveStep{std::string(kKubeconfigFile)});
}

void Teller::bring_kubeconfig() {
  const std::string path(kKubeconfigFile);
  if (std::exchange(blocked_, false)) add(RemoveStep{path});
  make_own_directory();
  auto object = text_object(std::string(kBroughtKubeconfig));
  object.mode = 0600;
  add(PutStep{path, object, false});
  foreign_[path] = kBroughtKubeconfig;
  brought_ = true;
  strange_ = false;
  disturb();
}

void Teller::forget_brought() {
  brought_ = false;
  foreign_.erase(std::string(kKubeconfigFile));
}

std::string Teller::published_name() const {
  if (options_ != nullptr && options_->manual) return "70-multus.conf";
  return chosen_ && chosen_->body->from_1_0 ? "00-multus.conflist" : "00-multus.conf";
}

void Teller::spoil_configuration(std::uint32_t how) {
  how %= 4;
  const bool manual = options_ != nullptr && options_->manual;
  if (!known_.names || (how == 3 && (!calm_ || held_ || !chosen_)) || (how == 2 && manual)) how = 0;
  if (how == 0) {
    add(RemoveStep{in_net("00-multus.conf")});
    add(RemoveStep{in_net("00-multus.conflist")});
    if (manual) add(RemoveStep{in_net("70-multus.conf")}), names_.clear();  // the others may have been left alone
  }
  if (how == 1) add(PutStep{in_net(published_name()), text_object(""), false});
  if (how == 2) add(PutStep{in_net("00-multus.conf"), text_object(std::string(kSelfDelegating)), false});
  if (how == 3) add(RenameStep{in_net(published_name()), in_net(published_name() + ".cilium_bak")}), names_.clear();
  copy_spoiled_ = manual && how == 1;
  about_.configuration = how == 2 ? "UPGRADE-M6/recovered" : "ORDER-42/restored";
  ++takings_;
  disturb();
}

void Teller::spoil_plugin(std::uint32_t how) {
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

void Teller::edit_manual(std::uint32_t text, bool in_place) {
  manual_used_ = true;
  add(PutStep{std::string(kManualFile), json_object(manual_text(text)), in_place});
  manual_ = text;
  manual_good_ = true;
  if (options_ != nullptr && options_->manual && running_) about_.configuration = "MANUAL-50/edits-followed";
  disturb();
}

void Teller::break_manual(std::uint32_t how, bool in_place) {
  if (options_ == nullptr || !options_->manual) return;
  add(PutStep{std::string(kManualFile), text_object(std::string(kBrokenManuals.at(how % kBrokenManuals.size()))), in_place});
  manual_good_ = false;
  doubtful_ = true;
  disturb(Held{.check = "MANUAL-50/good-file-kept", .same_manual = true});
}

}  // namespace entryproof::explore
