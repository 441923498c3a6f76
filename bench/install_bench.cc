// Whole lives of the reference in memory, with every operation judged: what explorers and random histories are made of.
#include <benchmark/benchmark.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "simulator/cluster/service_account.h"
#include "simulator/cluster/volume.h"
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

// Thirty commands to a node: rotations, primaries, operators who delete, terms, kills at an operation, idle seconds.
class History {
 public:
  History(JudgedNode& node, std::uint64_t seed) : node_(node), random_(seed) {
    node_.reset(automatic().tree);
    volume_.update(cluster::ServiceAccount::files(generations().front()), VirtualClock::kDefaultEpochNs);  // as the tree has it already
  }

  bool play() {
    if (!node_.live(automatic().start)) return false;
    for (int i = 0; i < 30; ++i) {
      if (!happen(random_() % 8) || !live_on()) return false;
    }
    return node_.findings().empty();
  }

 private:
  static const std::vector<cluster::Generation>& generations() {
    static const std::vector<cluster::Generation> kGenerations = [] {
      cluster::ServiceAccount account(1, VirtualClock::kDefaultEpochNs);
      for (int i = 1; i < 16; ++i) account.rotate(true, i % 4 == 0, VirtualClock::kDefaultEpochNs + i);
      return account.generations();
    }();
    return kGenerations;
  }

  bool happen(std::uint64_t what) {
    const auto& site = automatic().site;
    switch (what) {
      case 0:
      case 1:
        return rotate();
      case 2: {
        const std::string mtu = std::to_string(1000 + random_() % 4);
        const std::string text = R"({"cniVersion":"0.3.1","name":"n","plugins":[{"type":"flannel","mtu":)" + mtu + "}]}";
        return changed({cluster::Change::write("etc/cni/net.d/.new", text, 0644),
                        cluster::Change::rename("etc/cni/net.d/.new", "etc/cni/net.d/10-flannel.conflist")});
      }
      case 3:
        return changed({cluster::Change::remove(site.kubeconfig.substr(1))});
      case 4:
        return changed({cluster::Change::remove(site.net_dir.substr(1) + "/00-multus.conf")});
      case 5:
        return node_.node().signal("build", SIGTERM).has_value();
      case 6:
        node_.node().arm_kill(1 + random_() % 20);
        return node_.node().kill("build").has_value();
      default:
        return true;
    }
  }

  bool rotate() {
    auto changes =
        volume_.update(cluster::ServiceAccount::files(generations()[random_() % generations().size()]), node_.node().clock().wall_ns());
    const std::string directory = automatic().site.service_account.substr(1) + "/";
    for (auto& change : changes) {
      change.path = directory + change.path;
      if (change.kind == cluster::Change::Kind::kRename) change.other = directory + change.other;
    }
    return changed(changes);
  }

  bool changed(const std::vector<cluster::Change>& changes) { return node_.node().change(changes).has_value(); }

  // A second goes by; whoever has ended is started again, as kubelet does.
  bool live_on() {
    MemoryNode& node = node_.node();
    if (!node.find("build")->running() && !node.start("build", automatic().start)) return false;
    node.pass(node.clock().now() + std::chrono::seconds(1), [] { return false; }, std::nullopt);
    return true;
  }

  JudgedNode& node_;
  std::mt19937_64 random_;
  cluster::AtomicVolume volume_{1};
};

void BM_HistoryJudged(benchmark::State& state) {
  JudgedNode node(automatic().site);
  std::uint64_t seed = 0;
  for (auto _ : state) {
    if (!History(node, ++seed).play()) {
      state.SkipWithError("a history could not be played, or has a finding");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_HistoryJudged)->Unit(benchmark::kMicrosecond);

}  // namespace
