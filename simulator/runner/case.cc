#include "simulator/runner/case.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include "simulator/base/digest.h"
#include "simulator/runner/explored.h"
#include "simulator/runner/judgement.h"
#include "simulator/runner/play.h"
#include "simulator/runner/steps.h"

namespace entryproof::runner {

namespace {

class Player {
 public:
  Player(const CaseRequest& request, const WorldMaker& make_world)
      : request_(request), make_world_(make_world), play_(request), steps_(play_), judgement_(play_) {}

  Played play() {
    const auto begun = std::chrono::steady_clock::now();
    if (auto opened = play_.open(make_world_); !opened) {
      play_.obstacle = opened.error().line();
      play_.broken = true;
    } else {
      for (const auto& step : request_.scenario.steps) take(step);
      judgement_.conclude_live();
    }
    Played played;
    for (const auto& check : request_.scenario.checks()) {
      if (!play_.ledger.has(check) && !is_explored(check))
        play_.ledger.error(check, play_.obstacle.empty() ? "its step was never reached" : play_.obstacle);
    }
    if (play_.ledger.troubled() && play_.world) play_.keep();
    if (request_.onlooker != nullptr && play_.world) request_.onlooker->on_close(*play_.world);
    if (request_.onlooker != nullptr) end_onlooking();
    played.deadline_missed = play_.deadline_missed;
    played.record.scenario = request_.scenario.id;
    played.record.build = request_.build.name;
    played.record.checks = play_.ledger.records();
    played.record.duration_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
    finish(played.record);
    return played;
  }

 private:
  void end_onlooking() const {
    std::vector<std::string> tokens;
    for (const auto& generation : play_.course.credentials().account().generations()) tokens.push_back(generation.token);
    request_.onlooker->on_end(oracles::Redactor(tokens));
  }

  void take(const Step& step) {
    if (request_.cancelled != nullptr && request_.cancelled->load() && play_.obstacle.empty()) {
      play_.obstacle = step.pointer + ": interrupted";
      play_.broken = true;
    }
    if (play_.obstacle.empty() && play_.world) {
      if (auto settled = play_.settle_power(); !settled) {
        play_.broken = settled.error().code != ErrorCode::kUnavailable;
        play_.obstacle = step.pointer + ": " + settled.error().line();
      }
    }
    if (const auto* expect = std::get_if<ExpectStep>(&step.action)) {
      if (play_.obstacle.empty()) {
        judgement_.look_for(*expect);
      } else if (play_.broken) {
        play_.ledger.error(expect->check, play_.obstacle);
      } else {
        play_.ledger.not_tested(expect->check, "because of step " + play_.obstacle);
      }
      return;
    }
    if (!play_.obstacle.empty()) return;
    if (play_.out_of_time()) {
      play_.obstacle = step.pointer + ": the case ran into --timeout";
      play_.broken = true;
      return;
    }
    const auto done = steps_.perform(step);
    if (done) return;
    // What this kind of world cannot do leaves checks untested; anything else is trouble, and trouble is no verdict.
    play_.broken = done.error().code != ErrorCode::kUnavailable;
    play_.obstacle = step.pointer + ": " + done.error().line();
  }

  // The lowest profile of what the scenario itself asks: an invariant that odd input trips belongs to the profile of that input.
  oracles::Profile lowest_profile() const {
    auto lowest = oracles::Profile::kProduction;
    for (const auto& id : request_.scenario.checks()) {
      if (const auto* check = request_.suite.catalogue.find_check(id)) lowest = std::min(lowest, check->profile);
    }
    return lowest;
  }

  // What was done to the build, behind what became of it.
  std::string injected_in_words() const {
    constexpr std::size_t kMostTold = 3;
    const auto injections = play_.world ? play_.world->injections() : std::vector<faults::Injection>();
    std::string told;
    for (std::size_t i = 0; i < std::min(injections.size(), kMostTold); ++i) told += (i == 0 ? " [" : "; ") + injections[i].what;
    if (injections.size() > kMostTold) told += "; " + std::to_string(injections.size() - kMostTold) + " more";
    return told.empty() ? told : told + "]";
  }

  void finish(CaseRecord& record) const {
    const auto lowest = lowest_profile();
    const auto injected = injected_in_words();
    for (auto& check : record.checks) {
      check.profile = std::max(check.profile, lowest);
      if (check.status == oracles::Status::kPass || check.status == oracles::Status::kNotTested) continue;
      check.actual += injected;
      if (check.at && check.at->world.empty()) check.at->world = to_string(request_.world);
      check.replay =
          request_.options.command_prefix + " '" + record.scenario + "' --check " + check.check + " --build '" + request_.build.spec +
          "' --world " + std::string(to_string(request_.world)) + " --seed " + std::to_string(request_.options.seed) +
          (request_.options.profile == oracles::Profile::kCore ? "" : " --profile " + std::string(to_string(request_.options.profile)));
    }
    record.status = worst_status(record);
    locate(record, request_.scenario);
  }

  const CaseRequest& request_;
  const WorldMaker& make_world_;
  Play play_;
  Steps steps_;
  Judgement judgement_;
};

}  // namespace

void locate(CaseRecord& record, const Scenario& scenario) {
  std::error_code error;
  const auto here = std::filesystem::proximate(scenario.file, error);
  record.file = error || here.empty() || here.string().starts_with("..") ? scenario.file : here.string();
  for (auto& check : record.checks) {
    for (const auto& step : scenario.steps) {
      const auto* expect = std::get_if<ExpectStep>(&step.action);
      if (expect != nullptr && expect->check == check.check && check.line == 0) check.line = step.line;
    }
  }
}

std::uint64_t case_seed(std::uint64_t run_seed, const std::string& scenario) {
  return std::stoull(sha256_hex(std::to_string(run_seed) + "\n" + scenario).substr(0, 15), nullptr, 16);
}

Played play_case(const CaseRequest& request, const WorldMaker& make_world) { return Player(request, make_world).play(); }

}  // namespace entryproof::runner
