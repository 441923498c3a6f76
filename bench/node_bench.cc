// What a world costs before anything is judged: fresh snapshots, path walks, and the sequence S by which a file is replaced with care.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <memory>
#include <string>
#include <utility>

#include "simulator/base/clock.h"
#include "simulator/doors/memory_process.h"
#include "simulator/node/node.h"
#include "simulator/node/view.h"

namespace entryproof {
namespace {

// A node as a boot leaves it: directories of twenty small files.
node::Tree image(int inodes) {
  node::Tree tree;
  node::InodeId directory = node::kRoot;
  for (int i = 0; static_cast<int>(tree.inodes_used()) < inodes; ++i) {
    if (i % 21 == 0) {
      directory = tree.mkdir({}, node::kRoot, "directory" + std::to_string(i), 0755, 1).value();
    } else {
      const node::InodeId file = tree.create({}, directory, "file" + std::to_string(i), 0644, 1).value();
      benchmark::DoNotOptimize(tree.write(file, 0, std::string(2048, 'x'), 1));
    }
  }
  return tree;
}

void BM_SnapshotAndFirstWrite(benchmark::State& state) {
  const node::Tree original = image(static_cast<int>(state.range(0)));
  const node::InodeId file = original.child(original.child(node::kRoot, "directory0"), "file1");
  for (auto _ : state) {
    node::Tree fresh = original;
    benchmark::DoNotOptimize(fresh.write(file, 0, "changed", 2));
  }
}
BENCHMARK(BM_SnapshotAndFirstWrite)->Arg(500)->Arg(2000)->Arg(20000);

void BM_FreshNode(benchmark::State& state) {
  const node::Tree original = image(500);
  const VirtualClock clock;
  const node::Caller caller;
  for (auto _ : state) {
    node::Node node(original, clock);
    benchmark::DoNotOptimize(node.mkdir(caller, node::kRoot, "first", 0755));
  }
}
BENCHMARK(BM_FreshNode);

// S: create a temporary file, write 2 KiB, fsync, close, rename over the target, fsync the directory, look.
void replace(doors::MemoryProcess& process, const std::string& bytes) {
  const int file = process.open("/host/net.d/.new", O_WRONLY | O_CREAT | O_EXCL, 0600).value();
  benchmark::DoNotOptimize(process.write(file, bytes));
  benchmark::DoNotOptimize(process.fsync(file));
  benchmark::DoNotOptimize(process.close(file));
  benchmark::DoNotOptimize(process.rename("/host/net.d/.new", "/host/net.d/00-multus.conf"));
  const int directory = process.open("/host/net.d", O_RDONLY | O_DIRECTORY).value();
  benchmark::DoNotOptimize(process.fsync(directory));
  benchmark::DoNotOptimize(process.close(directory));
  benchmark::DoNotOptimize(process.stat("/host/net.d/00-multus.conf"));
}

void BM_AtomicReplace(benchmark::State& state) {
  const bool snapshots = state.range(0) != 0;  // a copy kept after each round, as an exploration keeps them
  node::Tree original = image(500);
  const node::InodeId net = original.mkdir({}, node::kRoot, "net.d", 0755, 1).value();
  const VirtualClock clock;
  const std::string bytes(2048, 'k');
  const node::View view({{"/", original.child(node::kRoot, "directory0"), false}, {"/host/net.d", net, false}});
  std::unique_ptr<node::Node> node;
  std::unique_ptr<doors::MemoryProcess> process;
  node::Tree kept;
  int rounds = 0;
  for (auto _ : state) {
    if (rounds++ % 1000 == 0) {  // the journal grows; a real world is shorter than this
      state.PauseTiming();
      process.reset();
      node = std::make_unique<node::Node>(original, clock);
      process = std::make_unique<doors::MemoryProcess>(*node, view, node::Caller{node::Actor::kBuild, {}, 0022, 1});
      state.ResumeTiming();
    }
    replace(*process, bytes);
    if (snapshots) kept = node->tree();
  }
  state.counters["operations"] = static_cast<double>(node->journal().operations().size()) / static_cast<double>((rounds - 1) % 1000 + 1);
}
BENCHMARK(BM_AtomicReplace)->ArgName("snapshots")->Arg(0)->Arg(1);

void BM_PathWalk(benchmark::State& state) {
  node::Tree tree;
  node::InodeId at = node::kRoot;
  for (const char* name : {"etc", "cni", "net.d", "multus.d"}) at = tree.mkdir({}, at, name, 0755, 1).value();
  benchmark::DoNotOptimize(tree.create({}, at, "multus.kubeconfig", 0600, 1));
  const node::View host;
  for (auto _ : state) benchmark::DoNotOptimize(host.resolve(tree, {}, "/etc/cni/net.d/multus.d/multus.kubeconfig"));
}
BENCHMARK(BM_PathWalk);

}  // namespace
}  // namespace entryproof
