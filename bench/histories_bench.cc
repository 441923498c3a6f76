// Random histories of the reference in memory, as `entryproof explore histories` plays them: told, played, every operation and demand
// judged.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "simulator/explore/histories.h"
#include "simulator/explore/tale.h"
#include "simulator/explore/trial.h"
#include "simulator/runner/memory_world.h"

namespace {

using namespace entryproof;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

const runner::Suite& suite() {
  static const runner::Suite kSuite = [] {
    auto suite = runner::Suite::load(ENTRYPROOF_SCENARIOS_DIR);
    if (!suite) give_up(suite.error().line());
    return std::move(*suite);
  }();
  return kSuite;
}

const runner::Build& reference() {
  static const runner::Build kReference = [] {
    auto builds = runner::resolve_build("reference");
    if (!builds) give_up(builds.error().line());
    return builds->front();
  }();
  return kReference;
}

void play(benchmark::State& state, const auto& history_of) {
  const explore::Bench bench{suite(), reference(), runner::WorldKind::kMemory, runner::make_memory_world, {}, nullptr};
  std::uint64_t index = 0;
  for (auto _ : state) {
    const auto trial = explore::try_history(bench, history_of(index++));
    if (trial.findings.empty() && trial.trouble.empty()) continue;
    state.SkipWithError("a history could not be played, or has a finding");
    return;
  }
  state.SetItemsProcessed(state.iterations());
}

// So many commands each.
void BM_Histories(benchmark::State& state) {
  const auto commands = static_cast<std::size_t>(state.range(0));
  play(state, [commands](std::uint64_t index) { return explore::random_history(1, index, commands, runner::WorldKind::kMemory); });
}
BENCHMARK(BM_Histories)->Arg(1)->Arg(10)->Arg(30)->Unit(benchmark::kMicrosecond);

// Those of up to four commands, which `--exhaustive 4` plays: most have four.
void BM_SmallHistories(benchmark::State& state) {
  const auto all = explore::exhaustive_histories(4);
  play(state, [all](std::uint64_t index) { return explore::exhaustive_history(index * 7919 % all); });
}
BENCHMARK(BM_SmallHistories)->Unit(benchmark::kMicrosecond);

// What of that is the telling.
void BM_Telling(benchmark::State& state) {
  const auto known = explore::Known::of(reference(), {});
  std::uint64_t index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(explore::tell(explore::random_history(1, index++, 30, runner::WorldKind::kMemory), known));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Telling)->Unit(benchmark::kMicrosecond);

}  // namespace
