// What an exploration costs (yardsticks 4 and 5): the reference taken apart, and each defect until it is found.
//
// `lives` are whole lives of a build, each on a node of its own, judged at every operation and at rest; `states` are raw crash states.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "simulator/explore/crash.h"
#include "simulator/explore/faults.h"
#include "simulator/runner/memory_world.h"
#include "simulator/runner/stage.h"

namespace {

using namespace entryproof;
using namespace entryproof::explore;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

const runner::Suite& suite() {
  static const runner::Suite kSuite = [] {
    auto loaded = runner::Suite::load(ENTRYPROOF_SCENARIOS_DIR);
    if (!loaded) give_up(loaded.error().line());
    return std::move(*loaded);
  }();
  return kSuite;
}

const runner::Scenario& scenario(const std::string& id) {
  for (const auto& each : suite().scenarios) {
    if (each.id == id) return each;
  }
  give_up("there is no scenario " + id);
}

runner::Build build_of(const std::string& mutant) {
  if (mutant.empty()) return {"reference", "reference", {}, {}, {}};
  return {"mutant:" + mutant, "mutant:" + mutant, {}, mutant, {}};
}

void count(benchmark::State& state, const CrashReport& report) {
  double raw = 0;
  double distinct = 0;
  for (const auto& model : report.models) {
    raw += static_cast<double>(model.raw);
    distinct += static_cast<double>(model.distinct);
  }
  using benchmark::Counter;
  state.counters["states"] = raw;
  state.counters["distinct"] = distinct;
  state.counters["lives"] = static_cast<double>(report.lives);
  state.counters["lives/s"] = Counter(static_cast<double>(report.lives), Counter::kIsIterationInvariantRate);
}

template <class Explore>
void measure(benchmark::State& state, const runner::Build& build, const std::string& id, runner::WorldKind world, bool finds,
             const Explore& explore) {
  runner::RunOptions options;
  options.profile = oracles::Profile::kDurable;
  const runner::CaseRequest request{suite(), scenario(id), build, options, world, 1, nullptr, nullptr};
  CrashReport report;
  for (auto _ : state) {
    report = explore(request);
    if (!report.obstacle.empty()) return state.SkipWithError(report.obstacle.c_str());
    if (report.failures.empty() == finds) return state.SkipWithError(finds ? "nothing was found" : "the build was found guilty");
  }
  count(state, report);
}

void BM_CrashesOfTheReference(benchmark::State& state, const char* id) {
  measure(state, build_of(""), id, runner::WorldKind::kMemory, false,
          [](const auto& request) { return explore_crashes(request, runner::make_memory_world, {}); });
}
BENCHMARK_CAPTURE(BM_CrashesOfTheReference, fresh, "crash/fresh-auto")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_CrashesOfTheReference, restart, "crash/restart")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_CrashesOfTheReference, other_form, "crash/other-form")->Unit(benchmark::kMillisecond);

// A defect, until everything about it is known: all models, all inputs.
void BM_CrashesOfAMutant(benchmark::State& state, const char* mutant, const char* id) {
  measure(state, build_of(mutant), id, runner::WorldKind::kMemory, true,
          [](const auto& request) { return explore_crashes(request, runner::make_memory_world, {}); });
}
BENCHMARK_CAPTURE(BM_CrashesOfAMutant, no_file_sync, "no-file-sync", "crash/fresh-auto")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_CrashesOfAMutant, no_directory_sync, "no-directory-sync", "crash/fresh-auto")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_CrashesOfAMutant, in_place, "kubeconfig-in-place", "crash/restart")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_CrashesOfAMutant, not_emptied, "temporary-not-emptied", "crash/fresh-auto")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_CrashesOfAMutant, never_sweeps, "never-sweeps", "crash/fresh-auto")->Unit(benchmark::kMillisecond);

void BM_FaultsOfTheReference(benchmark::State& state) {
  measure(state, build_of(""), "crash/fresh-auto", runner::WorldKind::kMemory, false,
          [](const auto& request) { return explore_faults(request, runner::make_memory_world, {}); });
}
BENCHMARK(BM_FaultsOfTheReference)->Unit(benchmark::kMillisecond);

// Every operation of a small C program × every error documented for it × {once, sticky}, in sandboxes over FUSE.
void BM_FaultsOfACProgram(benchmark::State& state) {
  static const auto kStage = runner::Stage::open(runner::WorldKind::kFuse);
  if (!kStage) return state.SkipWithError(kStage.error().line().c_str());
  const auto builds = runner::resolve_build(runner::program_directory() + "/c_entrypoint");
  if (!builds) return state.SkipWithError(builds.error().line().c_str());
  FaultBounds bounds;
  bounds.jobs = std::max(1U, std::thread::hardware_concurrency()) * 12;
  runner::RunOptions options;
  options.profile = oracles::Profile::kDurable;
  const runner::CaseRequest request{suite(), scenario("crash/fresh-auto"), builds->front(), options, runner::WorldKind::kFuse, 1, nullptr,
                                    nullptr};
  CrashReport report;
  for (auto _ : state) report = explore_faults(request, (*kStage)->maker(), bounds);
  if (!report.obstacle.empty()) return state.SkipWithError(report.obstacle.c_str());
  count(state, report);
}
BENCHMARK(BM_FaultsOfACProgram)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

}  // namespace
