#include "simulator/runner/engine.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "simulator/runner/case.h"
#include "simulator/runner/explored.h"
#include "simulator/runner/stage.h"

#ifndef ENTRYPROOF_VERSION
#error "the build tells the version"
#endif

namespace entryproof::runner {

namespace {

// Worlds that are mostly waiting cost little; more than this many at once helps nobody on a small machine.
constexpr unsigned kProcessWorldsPerCore = 24;

struct Item {
  const Scenario* scenario = nullptr;
  const Build* build = nullptr;
};

// A case that could not be played to its end: each of its checks says so.
CaseRecord unplayed(const Item& item, const Suite& suite, oracles::Profile profile, oracles::Status status, const std::string& why) {
  CaseRecord record;
  record.scenario = item.scenario->id;
  record.build = item.build->name;
  record.status = status;
  for (const auto& id : item.scenario->checks()) {
    const auto* check = suite.catalogue.find_check(id);
    if (check == nullptr || check->profile > profile) continue;
    record.checks.push_back({.check = id,
                             .level = check->level,
                             .profile = check->profile,
                             .status = status,
                             .expected = {},
                             .actual = why,
                             .at = {},
                             .replay = {}});
  }
  locate(record, *item.scenario);
  return record;
}

CheckRecord not_tested(const oracles::Check& check, const char* why) {
  return {.check = check.id,
          .level = check.level,
          .profile = check.profile,
          .status = oracles::Status::kNotTested,
          .expected = {},
          .actual = why,
          .at = {},
          .replay = {}};
}

// How long a case takes at least in real time: what its steps wait for on purpose. One that is taken apart lives hundreds of lives.
Duration least_duration(const Scenario& scenario) {
  constexpr Duration kTakenApart = std::chrono::minutes(1);
  Duration least{};
  if (scenario.tags.contains(std::string(kCrashTag)) || scenario.tags.contains(std::string(kFaultsTag))) least += kTakenApart;
  for (const auto& step : scenario.steps) {
    if (const auto* wait = std::get_if<WaitStep>(&step.action)) least += wait->duration;
    if (const auto* rotate = std::get_if<RotateStep>(&step.action)) least += rotate->every * rotate->times;
    if (const auto* expect = std::get_if<ExpectStep>(&step.action)) least += expect->hold_for.value_or(Duration{});
  }
  return least;
}

class Run {
 public:
  Run(const Suite& suite, std::vector<Item> items, const RunOptions& options, WorldKind world, Listener& listener,
      const std::atomic<bool>& interrupted, WorldMaker make_world)
      : suite_(suite),
        items_(std::move(items)),
        options_(options),
        world_(world),
        listener_(listener),
        interrupted_(interrupted),
        make_world_(std::move(make_world)),
        records_(items_.size()),
        done_(items_.size(), false) {
    for (std::size_t i = 0; i < items_.size(); ++i) turns_.push_back(i);
    // The longest first, so that nothing long begins when the rest is over. Who stops at the first failure wants to be told of it, and of
    // all before it; and virtual time costs nothing.
    if (world_ == WorldKind::kMemory || options_.fail_fast) return;
    std::ranges::sort(turns_, {}, [this](std::size_t i) { return std::pair(-least_duration(*items_[i].scenario), i); });
  }

  std::vector<CaseRecord> play(unsigned jobs) {
    begun_ = std::chrono::steady_clock::now();
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < std::min<std::size_t>(jobs, items_.size()); ++i) workers.emplace_back([this] { work(); });
    for (auto& worker : workers) worker.join();
    std::vector<CaseRecord> told;
    for (std::size_t i = 0; i < told_; ++i) told.push_back(std::move(records_[i]));
    return told;
  }

 private:
  void work() {
    for (;;) {
      std::size_t index = 0;
      {
        const std::lock_guard lock(mutex_);
        if (next_ == items_.size() || interrupted_.load() || stopped_) return;
        index = turns_[next_++];
        ++running_;
        listener_.on_progress(finished_, running_, items_.size());
      }
      auto record = play_one(items_[index]);
      mark_known(record);
      const std::lock_guard lock(mutex_);
      --running_;
      ++finished_;
      stopped_ = stopped_ || (options_.fail_fast && record.status == oracles::Status::kFail);
      records_[index] = std::move(record);
      done_[index] = true;
      // In the order of selection, whatever finished first. A case that was interrupted is not told: it says nothing about the build.
      while (told_ < done_.size() && done_[told_] && !interrupted_.load()) listener_.on_case(records_[told_++]);
      listener_.on_progress(finished_, running_, items_.size());
    }
  }

  void mark_known(CaseRecord& record) const {
    if (!options_.known) return;
    for (auto& check : record.checks) {
      if (check.status != oracles::Status::kFail && check.status != oracles::Status::kWarn) continue;
      const auto reason = options_.known(record, check);
      if (!reason) continue;
      check.status = oracles::Status::kKnown;
      if (!reason->empty()) check.actual += " (known: " + *reason + ")";
    }
    record.status = worst_status(record);
  }

  CaseRecord play_one(const Item& item) {
    if (options_.max_time && std::chrono::steady_clock::now() - begun_ > *options_.max_time) {
      return unplayed(item, suite_, options_.profile, oracles::Status::kUnknown, "not played: the run had reached --max-time");
    }
    const CaseRequest request{suite_,       *item.scenario, *item.build, options_, world_, case_seed(options_.seed, item.scenario->id),
                              &interrupted_};
    Played played;
    {
      const std::shared_lock together(quiet_);
      played = play_case(request, make_world_);
    }
    if (played.deadline_missed && !interrupted_.load()) {
      const std::unique_lock alone(quiet_);
      played = play_case(request, make_world_);
    }
    take_apart(request, played.record);
    return std::move(played.record);
  }

  void take_apart(const CaseRequest& request, CaseRecord& record) {
    if (options_.profile < oracles::Profile::kDurable) return;
    const auto tagged = [&](std::string_view tag) { return request.scenario.tags.contains(std::string(tag)); };
    if (!tagged(kCrashTag) && !tagged(kFaultsTag)) return;
    const bool sees = offers(world_, oracles::Need::kSeeEveryOperation);
    const auto leave_out = [&](const auto& checks, const char* why) {
      for (const auto id : checks) {
        if (const auto* check = suite_.catalogue.find_check(id); check != nullptr) record.checks.push_back(not_tested(*check, why));
      }
    };
    const char* why = options_.take_apart ? "this world does not see every operation" : "nobody takes cases apart here";
    if (options_.take_apart && sees) {
      for (auto& check : options_.take_apart(request, make_world_)) record.checks.push_back(std::move(check));
    } else if (tagged(kCrashTag)) {
      leave_out(crash_checks::kAll, why);
    }
    if (tagged(kFaultsTag) && (!options_.take_apart || !offers(world_, oracles::Need::kVirtualTime))) {
      leave_out(fault_checks::kAll, sees && options_.take_apart ? "hundreds of lives in real time; explore faults does it" : why);
    }
    record.status = worst_status(record);
  }

  const Suite& suite_;
  std::vector<Item> items_;
  const RunOptions& options_;
  WorldKind world_;
  Listener& listener_;
  const std::atomic<bool>& interrupted_;
  WorldMaker make_world_;
  std::chrono::steady_clock::time_point begun_;
  std::shared_mutex quiet_;  // held shared while cases run side by side; alone for one that missed a deadline
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  std::size_t finished_ = 0;
  std::size_t told_ = 0;
  bool stopped_ = false;
  std::vector<std::size_t> turns_;  // in which the items are played
  std::vector<CaseRecord> records_;
  std::vector<bool> done_;
};

}  // namespace

Header header_of(const Suite& suite, const std::vector<Build>& builds, const RunOptions& options, WorldKind world) {
  Header header;
  header.tool = std::string("entryproof ") + ENTRYPROOF_VERSION;
  header.suite = suite.digest;
  header.seed = options.seed;
  header.shard = options.shard;
  header.world = to_string(world);
  for (const auto& build : builds) header.builds.push_back({build.name, build.spec, build.sha256});
  return header;
}

Result<> check_worlds(const std::vector<Build>& builds, const RunOptions& options, WorldKind world) {
  if (world == WorldKind::kTmpfs && (!options.faults.empty() || options.fault_desk != nullptr))
    return fail(ErrorCode::kUsage, "a tmpfs world does not see operations, so none can be made to fail; use --world fuse");
  if (world == WorldKind::kMemory && options.fault_desk != nullptr)
    return fail(ErrorCode::kUsage, "a case in a memory world is over before anybody could say a word; use --world fuse to control one");
  if (world != WorldKind::kMemory) return {};
  for (const auto& build : builds) {
    if (!build.in_process()) {
      return fail(ErrorCode::kUsage, "a memory world runs the reference and its mutants only; use --world fuse for \"" + build.spec + "\"");
    }
  }
  return {};
}

std::string_view to_string(WorldKind kind) {
  switch (kind) {
    case WorldKind::kMemory:
      return "memory";
    case WorldKind::kFuse:
      return "fuse";
    case WorldKind::kTmpfs:
      break;
  }
  return "tmpfs";
}

bool offers(WorldKind kind, oracles::Need need) {
  switch (need) {
    case oracles::Need::kSeeEveryOperation:
      return kind != WorldKind::kTmpfs;
    case oracles::Need::kVirtualTime:
      return kind == WorldKind::kMemory;
    case oracles::Need::kProcess:
    case oracles::Need::kNetwork:  // in scenarios that have a cluster
      return kind != WorldKind::kMemory;
  }
  return false;
}

std::optional<WorldKind> world_from(std::string_view text) {
  for (const auto kind : {WorldKind::kMemory, WorldKind::kFuse, WorldKind::kTmpfs}) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

Result<Footer> play(const Suite& suite, const std::vector<const Scenario*>& scenarios, const std::vector<Build>& builds,
                    const RunOptions& options, Listener& listener, const std::atomic<bool>& interrupted) {
  const WorldKind world = options.world.value_or(WorldKind::kFuse);
  if (auto possible = check_worlds(builds, options, world); !possible) return std::unexpected(possible.error());
  std::vector<Item> items;
  for (const auto& build : builds) {
    for (const auto* scenario : scenarios) {
      if (options.wanted && !options.wanted(*scenario, build)) continue;
      if (scenario->worlds.empty() || scenario->worlds.contains(std::string(to_string(world)))) items.push_back({scenario, &build});
    }
  }
  if (items.empty() && !options.shard)  // a part may be empty, and says so; what is asked for as a whole may not
    return fail(ErrorCode::kUsage, "nothing of the selection can be played in a " + std::string(to_string(world)) + " world");

  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const auto stage = Stage::open(world);  // before any thread: it forks
  if (!stage) return std::unexpected(stage.error());

  listener.on_header(header_of(suite, builds, options, world));
  Run run(suite, std::move(items), options, world, listener, interrupted, (*stage)->maker());
  const unsigned usual = world == WorldKind::kMemory ? cores : cores * kProcessWorldsPerCore;
  const auto cases = run.play(options.jobs != 0 ? options.jobs : usual);
  std::vector<std::string> names;
  for (const auto& build : builds) names.push_back(build.name);
  auto footer = conclude(cases, names, options.strict);
  if (interrupted.load()) {
    for (auto& [build, verdicts] : footer.verdicts) {
      for (auto& [profile, verdict] : verdicts) verdict = Verdict::kIncomplete;
    }
    return footer;
  }
  listener.on_footer(footer);
  return footer;
}

}  // namespace entryproof::runner
