#include "simulator/explore/run.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <span>
#include <thread>
#include <utility>

#include "simulator/explore/book.h"
#include "simulator/runner/explored.h"
#include "simulator/runner/stage.h"

namespace entryproof::explore {
namespace {

using namespace std::chrono_literals;

// Lives of processes are mostly waiting, for rest above all.
constexpr unsigned kLivesPerCore = 12;
constexpr unsigned kLivesPerCoreInARun = 4;  // beside all the cases of the run
// For one exploration of the durable profile.
constexpr Duration kBudget = 120s;

unsigned cores() { return std::max(1U, std::thread::hardware_concurrency()); }

std::span<const std::string_view> checks_of(const Exploration& exploration) {
  if (std::holds_alternative<CrashBounds>(exploration)) return runner::crash_checks::kAll;
  return runner::fault_checks::kAll;
}

void limit(Exploration& exploration, unsigned jobs, std::optional<Duration> max_time) {
  std::visit(
      [&](auto& bounds) {
        bounds.jobs = jobs;
        bounds.max_time = max_time;
      },
      exploration);
}

CrashReport explore(const Exploration& exploration, const runner::CaseRequest& request, const runner::WorldMaker& make_world,
                    const CrashProgress& progress) {
  if (const auto* crashes = std::get_if<CrashBounds>(&exploration)) return explore_crashes(request, make_world, *crashes, progress);
  return explore_faults(request, make_world, std::get<FaultBounds>(exploration), progress);
}

runner::CaseRecord explore_one(const runner::CaseRequest& request, const runner::WorldMaker& make_world, const Exploration& exploration,
                               const Narrator& narrator) {
  const auto begun = std::chrono::steady_clock::now();
  const auto report = explore(exploration, request, make_world, narrator.progress);
  runner::CaseRecord record;
  record.scenario = request.scenario.id;
  record.build = request.build.name;
  record.checks = records_of(report, checks_of(exploration), request);
  record.duration_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  record.status = runner::worst_status(record);
  runner::locate(record, request.scenario);
  narrator.line(fmt::format("{} on {}: {}{}", record.scenario, record.build, summary(report, request.options.seed),
                            report.bounds.empty() ? "" : " bounded: " + report.bounds.front()));
  return record;
}

}  // namespace

Result<runner::Footer> play_explorations(const runner::Suite& suite, const std::vector<const runner::Scenario*>& scenarios,
                                         const std::vector<runner::Build>& builds, const runner::RunOptions& options,
                                         runner::Listener& listener, const std::atomic<bool>& interrupted, const Exploration& exploration,
                                         const Narrator& narrator) {
  const auto world = options.world.value_or(runner::WorldKind::kFuse);
  if (world == runner::WorldKind::kTmpfs)
    return fail(ErrorCode::kUsage, "a tmpfs world does not see operations, so there is nothing to take apart; use --world fuse");
  if (auto possible = runner::check_worlds(builds, options, world); !possible) return std::unexpected(possible.error());
  const auto stage = runner::Stage::open(world);
  if (!stage) return std::unexpected(stage.error());
  listener.on_header(runner::header_of(suite, builds, options, world));
  const unsigned usual = world == runner::WorldKind::kMemory ? cores() : cores() * kLivesPerCore;

  std::vector<runner::CaseRecord> cases;
  const auto begun = std::chrono::steady_clock::now();
  const std::size_t total = builds.size() * scenarios.size();
  for (const auto& build : builds) {
    for (const auto* scenario : scenarios) {
      if (interrupted.load()) break;
      if (!scenario->worlds.empty() && !scenario->worlds.contains(std::string(runner::to_string(world)))) continue;
      listener.on_progress(cases.size(), 1, total);
      Exploration wanted = exploration;
      std::optional<Duration> left;
      if (options.max_time) left = std::max<Duration>(1ms, *options.max_time - (std::chrono::steady_clock::now() - begun));
      limit(wanted, options.jobs != 0 ? options.jobs : usual, left);
      const auto seed = runner::case_seed(options.seed, scenario->id);
      const runner::CaseRequest request{suite, *scenario, build, options, world, seed, &interrupted, nullptr};
      auto record = explore_one(request, (*stage)->maker(), wanted, narrator);
      if (interrupted.load()) break;
      listener.on_case(record);
      cases.push_back(std::move(record));
      listener.on_progress(cases.size(), 0, total);
    }
  }
  if (cases.empty() && !interrupted.load()) {
    return fail(ErrorCode::kUsage, fmt::format("nothing of the selection can be played in a {} world", runner::to_string(world)));
  }
  std::vector<std::string> names;
  for (const auto& build : builds) names.push_back(build.name);
  auto footer = runner::conclude(cases, names, options.strict);
  if (!interrupted.load()) listener.on_footer(footer);
  return footer;
}

std::function<std::vector<runner::CheckRecord>(const runner::CaseRequest&, const runner::WorldMaker&)> taker_apart(
    std::function<void(const std::string&)> narrate) {
  return [narrate = std::move(narrate)](const runner::CaseRequest& request, const runner::WorldMaker& make_world) {
    const bool in_memory = request.world == runner::WorldKind::kMemory;
    std::vector<std::pair<const char*, Exploration>> wanted;
    if (request.scenario.tags.contains(std::string(runner::kCrashTag))) {
      CrashBounds bounds;
      bounds.models.assign(durability::kEverydayModels.begin(), durability::kEverydayModels.end());
      if (!in_memory) bounds.inputs = {Inputs::kSame, Inputs::kShorter};
      wanted.emplace_back("crashes", std::move(bounds));
    }
    if (in_memory && request.scenario.tags.contains(std::string(runner::kFaultsTag))) {
      FaultBounds bounds;
      bounds.models.assign(durability::kEverydayModels.begin(), durability::kEverydayModels.end());
      wanted.emplace_back("faults", std::move(bounds));
    }
    std::vector<runner::CheckRecord> records;
    for (auto& [what, exploration] : wanted) {
      limit(exploration, in_memory ? 1 : cores() * kLivesPerCoreInARun, kBudget);
      const auto begun = std::chrono::steady_clock::now();
      const auto report = explore(exploration, request, make_world, {});
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
      if (narrate) {
        narrate(fmt::format("{} on {}: {}: {} ({:.1f} s of at most {} s)", request.scenario.id, request.build.name, what,
                            summary(report, request.options.seed), took.count(),
                            std::chrono::duration_cast<std::chrono::seconds>(kBudget).count()));
      }
      std::ranges::move(records_of(report, checks_of(exploration), request), std::back_inserter(records));
    }
    return records;
  };
}

}  // namespace entryproof::explore
