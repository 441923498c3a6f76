// Whole lives of the reference in memory, with every operation judged: what explorers and random histories are made of.
#include <benchmark/benchmark.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "simulator/oracles/attach.h"
#include "simulator/runner/given.h"
#include "simulator/runner/judged_node.h"
#include "simulator/runner/suite.h"

namespace {

using namespace entryproof;
using namespace entryproof::runner;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

// A fresh node with a primary and kubelet's volume, and what the Pod is started with.
struct Ground {
  Site site = Site::usual();
  node::Tree tree;
  Start start;

  explicit Ground(const std::string& scenario) {
    const auto suite = Suite::load(ENTRYPROOF_SCENARIOS_DIR);
    if (!suite) give_up(suite.error().line());
    for (const auto& each : suite->scenarios) {
      if (each.id != scenario) continue;
      Credentials credentials(each.given, site, 1, [] { return VirtualClock::kDefaultEpochNs; });
      ProjectedVolumes volumes(1);
      auto made = make_node(each, *suite, site, credentials, volumes, VirtualClock::kDefaultEpochNs);
      if (!made) give_up(made.error().line());
      tree = std::move(*made);
      start.arguments = std::get<StartStep>(each.steps.front().action).args;
      start.environment = environment(each.given, {});
      start.build.name = start.build.spec = "reference";
      return;
    }
    give_up("there is no scenario " + scenario);
  }
};

const Ground& automatic() {
  static const Ground kGround("auto/fresh-node#flannel");
  return kGround;
}

const Ground& manual() {
  static const Ground kGround("manual/fresh-node#seventy");
  return kGround;
}

bool attachable(const JudgedNode& node, oracles::Mode mode) {
  oracles::Readers readers;
  return oracles::attach(node.tree(), node.layout(), mode, node.judge().published(), readers).possible();
}

void install(benchmark::State& state, const Ground& ground, oracles::Mode mode) {
  JudgedNode node(ground.site);
  std::size_t operations = 0;
  for (auto _ : state) {
    node.reset(ground.tree);
    const auto woke = node.live(ground.start);
    if (!woke || *woke != Woke::kRest || !node.findings().empty()) {
      state.SkipWithError("the install did not come to rest without a finding");
      return;
    }
    operations += node.journal().counted();
  }
  if (!attachable(node, mode)) state.SkipWithError("nothing was installed");
  state.SetItemsProcessed(state.iterations());
  state.counters["operations"] = static_cast<double>(operations) / static_cast<double>(state.iterations());
}

// Start to rest on a fresh node, automatic mode: kubeconfig, plugin of 96 kB, configuration.
void BM_InstallJudged(benchmark::State& state) { install(state, automatic(), oracles::Mode::kAutomatic); }
BENCHMARK(BM_InstallJudged)->Unit(benchmark::kMicrosecond);

void BM_ManualInstallJudged(benchmark::State& state) { install(state, manual(), oracles::Mode::kManual); }
BENCHMARK(BM_ManualInstallJudged)->Unit(benchmark::kMicrosecond);

// The node alone: what a reset costs before anything lives.
void BM_ResetJudgedNode(benchmark::State& state) {
  JudgedNode node(automatic().site);
  for (auto _ : state) node.reset(automatic().tree);
}
BENCHMARK(BM_ResetJudgedNode)->Unit(benchmark::kMicrosecond);

// A start on a node that has everything: what a restart after a crash costs when nothing is to be done.
void BM_RestartJudged(benchmark::State& state) {
  JudgedNode node(automatic().site);
  node.reset(automatic().tree);
  if (!node.live(automatic().start)) state.SkipWithError("the install failed");
  const node::Tree installed = node.tree();
  for (auto _ : state) {
    node.reset(installed);
    benchmark::DoNotOptimize(node.live(automatic().start));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RestartJudged)->Unit(benchmark::kMicrosecond);

// One more minute of an installed node: twice a second a turn that finds nothing to do.
void BM_IdleMinuteJudged(benchmark::State& state) {
  JudgedNode node(automatic().site);
  node.reset(automatic().tree);
  if (!node.live(automatic().start)) state.SkipWithError("the install failed");
  for (auto _ : state) {
    node.node().pass(node.node().clock().now() + std::chrono::minutes(1), [] { return false; }, std::nullopt);
  }
}
BENCHMARK(BM_IdleMinuteJudged)->Unit(benchmark::kMicrosecond);

}  // namespace
