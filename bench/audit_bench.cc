// What an audit costs: one node of a usual shape, and a folder of a thousand of them.
//
// The targets are 20 ms and 2 s. All trees are alike; every one is read and judged anew, nothing is remembered between them.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "simulator/audit/disk_for_test.h"
#include "simulator/audit/node_audit.h"
#include "simulator/cluster/tokens.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::audit {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1'800'000'000;

// As an entrypoint of 4.1 leaves it, with what lies around on a node.
void furnish(Disk& disk, const std::string& root) {
  disk.file(root + "/etc/cni/net.d/10-flannel.conflist", oracles::lab::kFlannel);
  disk.file(root + "/etc/cni/net.d/00-multus.conf",
            R"({"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus",)"
            R"("kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig","delegates":[)" +
                std::string(oracles::lab::kFlannel) + "]}\n",
            0600);
  const std::string token = cluster::issue_token({.seed = 3, .wall_ns = (kNow - 600) * 1'000'000'000});
  disk.file(root + "/etc/cni/net.d/multus.d/multus.kubeconfig", oracles::lab::kubeconfig("https://10.96.0.1:443", token), 0600);
  for (const char* plugin : {"flannel", "portmap", "bridge", "loopback", "multus"})
    disk.file(root + "/opt/cni/bin/" + plugin, "#!" + std::string(64 * 1024, 'x'), 0755);
  disk.file(root + "/etc/containerd/config.toml",
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\n  conf_dir = \"/etc/cni/net.d\"\n");
}

void BM_AuditNodes(benchmark::State& state) {
  Disk disk;
  const auto nodes = static_cast<int>(state.range(0));
  for (int i = 0; i < nodes; ++i) furnish(disk, "/node-" + std::to_string(i));
  for (auto _ : state) {
    std::size_t findings = 0;
    for (int i = 0; i < nodes; ++i) {
      const auto report = audit_node({.root = disk.root() + "/node-" + std::to_string(i), .now = kNow, .net_dir = {}, .bin_dir = {}});
      if (!report) return state.SkipWithError(report.error().line().c_str());
      findings += report->findings.size();
    }
    benchmark::DoNotOptimize(findings);
  }
  state.counters["nodes"] = benchmark::Counter(static_cast<double>(nodes), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_AuditNodes)->Arg(1)->Arg(1000)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace entryproof::audit
