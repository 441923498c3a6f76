// What the reference costs where it lives: a turn on real files when nothing has changed, and when the token has; and the two pieces of
// work in it. Whole processes are timed by bench/startup.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/kubeconfig.h"
#include "reference/posix_host.h"
#include "reference/primary.h"

namespace {

namespace fs = std::filesystem;
using namespace reference;

const std::string kPem = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
const std::string kPrimary =
    R"({"cniVersion":"1.0.0","name":"k8s-pod-network","plugins":[{"type":"calico","datastore_type":"kubernetes","mtu":0,"nodename":"n",)"
    R"("ipam":{"type":"calico-ipam"},"policy":{"type":"k8s"},"kubernetes":{"kubeconfig":"/etc/cni/net.d/calico-kubeconfig"}},)"
    R"({"type":"bandwidth","capabilities":{"bandwidth":true}},{"type":"portmap","snat":true,"capabilities":{"portMappings":true}}]})";

void put(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

// A node on real files: by default in /tmp; TMPDIR says on which file system.
class Node {
 public:
  Node() {
    std::string name = (fs::temp_directory_path() / "reference_bench_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) give_up("no temporary directory");
    root_ = name;
    fs::create_directories(root_ / "host/etc/cni/net.d");
    fs::create_directories(root_ / "bin");
    put(root_ / "source", std::string(1 << 20, 'p'));
    put(root_ / "ca.crt", kPem);
    put(root_ / "host/etc/cni/net.d/10-calico.conflist", kPrimary);
    rotate();
    const std::string net = root_ / "host/etc/cni/net.d";
    const std::vector<std::string> arguments{"--cni-conf-dir=" + net,
                                             "--multus-autoconfig-dir=" + net,
                                             "--cni-bin-dir=" + (root_ / "bin").string(),
                                             "--multus-bin-file=" + (root_ / "source").string(),
                                             "--token-file=" + (root_ / "token").string(),
                                             "--ca-file=" + (root_ / "ca.crt").string(),
                                             "--api-server=https://10.96.0.1:443"};
    auto options = parse_options(arguments, {});
    if (!options) give_up(options.error().message);
    entrypoint_ = std::make_unique<Entrypoint>(host_, std::move(*options));
    for (int i = 0; i < 5; ++i) turn();
  }
  ~Node() { fs::remove_all(root_); }

  // As long as a real one, and each different.
  void rotate() { put(root_ / "token", "token-" + std::to_string(++token_) + std::string(1100, 't')); }
  void turn() {
    if (entrypoint_->turn().exit) give_up("the entrypoint ended");
  }

 private:
  fs::path root_;
  PosixHost host_;
  std::unique_ptr<Entrypoint> entrypoint_;
  int token_ = 0;
};

// What the program says would stand between the figures.
class Silence {
 public:
  Silence() {
    std::fflush(stdout);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, 1);
    close(nowhere);
  }
  ~Silence() {
    dup2(kept_, 1);
    close(kept_);
  }

 private:
  int kept_ = dup(1);
};

void BM_IdleTurn(benchmark::State& state) {
  const Silence silence;
  Node node;
  for (auto _ : state) node.turn();
}
BENCHMARK(BM_IdleTurn)->Unit(benchmark::kMicrosecond);

void BM_RotationTurn(benchmark::State& state) {
  const Silence silence;
  Node node;
  for (auto _ : state) {
    state.PauseTiming();
    node.rotate();
    state.ResumeTiming();
    node.turn();
  }
}
BENCHMARK(BM_RotationTurn)->Unit(benchmark::kMicrosecond)->UseRealTime();

void BM_RenderKubeconfig(benchmark::State& state) {
  const Endpoint endpoint{.protocol = "https", .host = "fd00::1", .port = 443};
  const std::string token(1100, 't');
  for (auto _ : state) benchmark::DoNotOptimize(render_kubeconfig(endpoint, token, kPem));
}
BENCHMARK(BM_RenderKubeconfig);

void BM_ParsePrimary(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(judge_primary("/etc/cni/net.d/10-calico.conflist", {}, kPrimary, Shape::kList));
}
BENCHMARK(BM_ParsePrimary);

}  // namespace
