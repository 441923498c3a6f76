// What a scenario costs beyond the life of the build in it.
//
// memory: a whole manual install by the reference in process, every operation judged.
// fuse: a world, a sandbox, a program that ends at once, one expectation; beside it the same program without anything around it. The
// difference of the two is the harness's own cost.
#include <benchmark/benchmark.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "simulator/runner/case.h"
#include "simulator/runner/memory_world.h"
#include "simulator/runner/process_world.h"
#include "simulator/runner/scenario_loader.h"

namespace {

using namespace entryproof;
using namespace entryproof::runner;

constexpr const char* kEndsAtOnce = R"({"scenario": 1, "title": "ends", "why": "cost", "steps": [
  {"run": "build", "args": []},
  {"expect": {"check": "EXIST-01/manual-fresh-node", "exit": {"code": 0}}}]})";

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

const Suite& suite() {
  static const Suite kSuite = [] {
    auto loaded = Suite::load(ENTRYPROOF_SCENARIOS_DIR);
    if (!loaded) give_up(loaded.error().line());
    return std::move(*loaded);
  }();
  return kSuite;
}

const Scenario& scenario(const std::string& id) {
  for (const auto& each : suite().scenarios) {
    if (each.id == id) return each;
  }
  give_up("there is no scenario " + id);
}

void play(benchmark::State& state, const Scenario& played, const Build& build, WorldKind kind, const WorldMaker& make_world) {
  RunOptions options;
  for (auto _ : state) {
    const auto result = play_case({suite(), played, build, options, kind, 1, nullptr}, make_world);
    if (result.record.status != oracles::Status::kPass) {
      state.SkipWithError("the scenario did not pass");
      return;
    }
  }
}

// A life that is over before it began: what is left is the world, the scenario and the judging.
void BM_MemoryWorldAroundNothing(benchmark::State& state) {
  auto parsed = parse_scenario(kEndsAtOnce, "bench", "bench");
  if (!parsed) give_up(parsed.error().line());
  std::get<StartStep>(parsed->front().steps.front().action).args = {"--version"};
  const Build build{"reference", "reference", {}, {}, {}};
  play(state, parsed->front(), build, WorldKind::kMemory, make_memory_world);
}
BENCHMARK(BM_MemoryWorldAroundNothing)->Unit(benchmark::kMicrosecond);

// The same with a cluster behind it.
void BM_MemoryWorldWithCluster(benchmark::State& state) {
  auto parsed = parse_scenario(kEndsAtOnce, "bench", "bench");
  if (!parsed) give_up(parsed.error().line());
  std::get<StartStep>(parsed->front().steps.front().action).args = {"--version"};
  parsed->front().given.cluster.emplace();
  const Build build{"reference", "reference", {}, {}, {}};
  play(state, parsed->front(), build, WorldKind::kMemory, make_memory_world);
}
BENCHMARK(BM_MemoryWorldWithCluster)->Unit(benchmark::kMicrosecond);

void BM_MemoryManualInstall(benchmark::State& state) {
  const Build build{"reference", "reference", {}, {}, {}};
  play(state, scenario("manual/fresh-node#seventy"), build, WorldKind::kMemory, make_memory_world);
}
BENCHMARK(BM_MemoryManualInstall)->Unit(benchmark::kMicrosecond);

void BM_MemoryAutomaticInstall(benchmark::State& state) {
  const Build build{"reference", "reference", {}, {}, {}};
  play(state, scenario("auto/fresh-node#flannel"), build, WorldKind::kMemory, make_memory_world);
}
BENCHMARK(BM_MemoryAutomaticInstall)->Unit(benchmark::kMicrosecond);

// Before any thread exists, so that the harness may fork.
subjects::Harness& harness() {
  static const auto kHarness = [] {
    auto entered = subjects::Harness::enter();
    if (!entered) give_up(entered.error().line());
    return std::move(*entered);
  }();
  return *kHarness;
}

void BM_BareProcess(benchmark::State& state) {
  for (auto _ : state) {
    pid_t pid = 0;
    char name[] = "/bin/true";
    char* argv[] = {name, nullptr};
    if (posix_spawn(&pid, name, nullptr, nullptr, argv, environ) != 0) {
      state.SkipWithError("no /bin/true");
      return;
    }
    waitpid(pid, nullptr, 0);
  }
}
BENCHMARK(BM_BareProcess)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_FuseWorldAroundTheSameProcess(benchmark::State& state) {
  Machine machine(harness());
  auto parsed = parse_scenario(kEndsAtOnce, "bench", "bench");
  if (!parsed) give_up(parsed.error().line());
  const Build build{"true", "true", "/bin/true", {}, {}};
  play(state, parsed->front(), build, WorldKind::kFuse,
       [&machine](WorldRequest request) { return make_process_world(machine, GroundKind::kFuse, std::move(request)); });
}
BENCHMARK(BM_FuseWorldAroundTheSameProcess)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_FuseWorldWithCluster(benchmark::State& state) {
  Machine machine(harness());
  auto parsed = parse_scenario(kEndsAtOnce, "bench", "bench");
  if (!parsed) give_up(parsed.error().line());
  parsed->front().given.cluster.emplace();
  const Build build{"true", "true", "/bin/true", {}, {}};
  play(state, parsed->front(), build, WorldKind::kFuse,
       [&machine](WorldRequest request) { return make_process_world(machine, GroundKind::kFuse, std::move(request)); });
}
BENCHMARK(BM_FuseWorldWithCluster)->Unit(benchmark::kMillisecond)->UseRealTime();

// Kubelet's whole update of the service account's volume, as a program that is alive would see it: made by the agent, through the mount.
void BM_RotateThroughTheFuseDoor(benchmark::State& state) {
  constexpr int kRotations = 150;  // a scenario has at most 200 steps
  Machine machine(harness());
  std::string steps = R"({"start": "build", "args": ["60"]})";
  for (int i = 0; i < kRotations; ++i) steps += R"(, {"rotate": "both"})";
  steps +=
      R"(, {"expect": {"check": "FRESH-06/one-hour", "tree": {"/var/run/secrets/kubernetes.io/serviceaccount/token": {"type": "symlink"}}}})";
  auto parsed = parse_scenario(R"({"scenario": 1, "title": "rotates", "why": "cost", "steps": [)" + steps + "]}", "bench", "bench");
  if (!parsed) give_up(parsed.error().line());
  const Build build{"sleep", "sleep", "/bin/sleep", {}, {}};
  RunOptions options;
  options.profile = oracles::Profile::kProduction;
  for (auto _ : state) {
    const auto result =
        play_case({suite(), parsed->front(), build, options, WorldKind::kFuse, 1, nullptr},
                  [&machine](WorldRequest request) { return make_process_world(machine, GroundKind::kFuse, std::move(request)); });
    for (const auto& check : result.record.checks) {
      if (check.check == "FRESH-06/one-hour" && check.status != oracles::Status::kPass) state.SkipWithError(check.actual.c_str());
    }
  }
  state.SetItemsProcessed(state.iterations() * kRotations);
}
BENCHMARK(BM_RotateThroughTheFuseDoor)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
