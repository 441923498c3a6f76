// What the live oracle costs per operation: next to nothing when nothing watched is touched, microseconds for a publish.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "simulator/base/clock.h"
#include "simulator/node/node.h"
#include "simulator/oracles/live.h"

namespace {

using entryproof::node::Actor;
using entryproof::node::Caller;
using entryproof::node::InodeId;
using entryproof::node::Node;
using entryproof::node::Operation;
using entryproof::node::RenameFlag;
using entryproof::node::Verb;
using entryproof::oracles::LiveOracle;

// A node with a primary, a Multus configuration and a kubeconfig; what they hold matters little to the cost of looking.
struct Scene {
  Scene() : node(entryproof::node::Tree(), clock) {
    world.session = 1;
    etc = *node.mkdir(world, entryproof::node::kRoot, "etc", 0755);
    const InodeId cni = *node.mkdir(world, etc, "cni", 0755);
    net = *node.mkdir(world, cni, "net.d", 0755);
    own = *node.mkdir(world, net, "multus.d", 0755);
    put(net, "10-flannel.conflist", R"({"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel"},{"type":"portmap"}]})");
    put(net, "00-multus.conf", kConfig);
    put(own, "multus.kubeconfig", kKubeconfig);
    temp = *node.create(world, etc, "elsewhere", 0600, 0);
    oracle.reset(node.tree());
  }

  void put(InodeId directory, const char* name, const std::string& bytes) {
    const InodeId inode = *node.create(world, directory, name, 0600, 0);
    (void)node.write(world, inode, 0, bytes);
  }

  // The last entry of the journal, as the observer would be shown it.
  const Operation& last() const { return node.journal().operations().back(); }

  inline static const std::string kConfig =
      R"({"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig",)"
      R"("delegates":[{"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel"},{"type":"portmap"}]}]})";
  inline static const std::string kKubeconfig =
      "apiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster:\n    server: https://10.96.0.1:443\n"
      "    insecure-skip-tls-verify: true\nusers:\n- name: multus\n  user:\n    token: \"token\"\ncontexts:\n- name: c\n  context:\n"
      "    cluster: local\n    user: multus\ncurrent-context: c\n";

  entryproof::VirtualClock clock;
  Node node;
  LiveOracle oracle{entryproof::oracles::Layout{}};
  Caller world;
  InodeId etc = 0, net = 0, own = 0, temp = 0;
};

void judge_an_operation_elsewhere(benchmark::State& state) {
  Scene scene;
  Operation operation;
  operation.verb = Verb::kWrite;
  operation.actor = Actor::kBuild;
  operation.inode = scene.temp;
  for (auto _ : state) benchmark::DoNotOptimize(scene.oracle.judge(operation, scene.node.tree()));
}
BENCHMARK(judge_an_operation_elsewhere);

// The journal is bounded, so the scene is made anew now and then, outside the measured time.
void judge_a_publish(benchmark::State& state) {
  auto scene = std::make_unique<Scene>();
  Caller build;
  build.actor = Actor::kBuild;
  std::size_t turns = 0;
  for (auto _ : state) {
    state.PauseTiming();
    if (++turns % 10'000 == 0) scene = std::make_unique<Scene>();
    scene->put(scene->etc, "ready", Scene::kKubeconfig);
    (void)scene->node.rename(build, scene->etc, "ready", scene->own, "multus.kubeconfig", RenameFlag::kNone);
    state.ResumeTiming();
    benchmark::DoNotOptimize(scene->oracle.judge(scene->last(), scene->node.tree()));
  }
}
BENCHMARK(judge_a_publish);

void parse_a_kubeconfig(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(entryproof::oracles::parse_kubeconfig(Scene::kKubeconfig, false));
}
BENCHMARK(parse_a_kubeconfig);

void parse_a_configuration(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(entryproof::oracles::parse_cni_config(Scene::kConfig, false));
}
BENCHMARK(parse_a_configuration);

}  // namespace
