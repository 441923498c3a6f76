// What the cluster behind a world costs: nothing to speak of when the same was asked before, a signature or a verification when not.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>

#include "simulator/base/clock.h"
#include "simulator/cluster/chain.h"
#include "simulator/cluster/handshake.h"
#include "simulator/cluster/service_account.h"
#include "simulator/cluster/volume.h"

namespace {

using namespace entryproof::cluster;  // NOLINT: a benchmark of one folder

constexpr std::int64_t kNow = entryproof::VirtualClock::kDefaultEpochNs;
constexpr std::int64_t kSecond = 1'000'000'000;

std::shared_ptr<ControlPlane> cluster() {
  return std::make_shared<ControlPlane>(1, [] { return kNow; });
}

// A moment that no benchmark has used, so that nothing is remembered of it.
std::int64_t fresh_moment() {
  static std::int64_t seconds = 0;
  return kNow - ++seconds * kSecond;
}

KeyType type_of(const benchmark::State& state) { return state.range(0) == 0 ? KeyType::kEcP256 : KeyType::kRsa2048; }

void BM_IssueToken(benchmark::State& state) {
  TokenRequest request;
  request.key.type = type_of(state);
  benchmark::DoNotOptimize(issue_token(request));  // the key
  for (auto _ : state) {
    request.wall_ns = fresh_moment();
    benchmark::DoNotOptimize(issue_token(request));
  }
}
BENCHMARK(BM_IssueToken)->ArgName("rsa")->Arg(0)->Arg(1);

void BM_IssueTokenAgain(benchmark::State& state) {
  TokenRequest request;
  request.wall_ns = kNow;
  for (auto _ : state) benchmark::DoNotOptimize(issue_token(request));
}
BENCHMARK(BM_IssueTokenAgain);

void BM_AuthenticateNewToken(benchmark::State& state) {
  const auto control = cluster();
  TokenRequest request;
  request.seed = 1;
  request.key.type = type_of(state);
  for (auto _ : state) {
    state.PauseTiming();
    request.wall_ns = fresh_moment();
    const std::string token = issue_token(request);
    state.ResumeTiming();
    benchmark::DoNotOptimize(control->authenticate(token));
  }
}
BENCHMARK(BM_AuthenticateNewToken)->ArgName("rsa")->Arg(0)->Arg(1);

void BM_Authenticate(benchmark::State& state) {
  const ServiceAccount account(cluster(), kNow);
  for (auto _ : state) {
    const auto identity = account.control().authenticate(account.current().token);
    if (!identity) state.SkipWithError("refused");
    benchmark::DoNotOptimize(account.control().may(*identity, "get", "pods", "kube-system"));
  }
}
BENCHMARK(BM_Authenticate);

void BM_VerifyChainAtANewTime(benchmark::State& state) {
  const Authority& root = Authority::pooled(0);
  const auto serving = root.intermediate().serving(usual_serving_request());
  for (auto _ : state) {
    // Trailing text makes it another question without making it another answer.
    const std::string bundle = root.certificate_pem() + std::to_string(fresh_moment());
    if (chain_defect(bundle, serving->chain_pem, kServiceAddress, kNow)) state.SkipWithError("not believed");
  }
}
BENCHMARK(BM_VerifyChainAtANewTime);

void BM_Attempt(benchmark::State& state) {
  const ServiceAccount account(cluster(), kNow);
  ClientConfig client;
  client.host = kServiceAddress;
  client.ca_pem = account.current().ca_pem;
  client.token = account.current().token;
  for (auto _ : state) {
    if (attempt(client, account.control()).kind != Experience::Kind::kAuthenticated) state.SkipWithError("not authenticated");
  }
}
BENCHMARK(BM_Attempt);

// A world's whole cluster, at the moment at which all memory worlds begin (0) and at a moment of its own (1), as in real time.
void BM_CreateCluster(benchmark::State& state) {
  for (auto _ : state) {
    const std::int64_t now = state.range(0) == 0 ? kNow : fresh_moment();
    ServiceAccount account(cluster(), now);
    AtomicVolume volume(1);
    benchmark::DoNotOptimize(volume.update(ServiceAccount::files(account.current()), now));
  }
}
BENCHMARK(BM_CreateCluster)->ArgName("own moment")->Arg(0)->Arg(1);

void BM_Rotate(benchmark::State& state) {
  ServiceAccount account(cluster(), kNow);
  AtomicVolume volume(1);
  std::int64_t now = kNow;
  for (auto _ : state) {
    account.rotate(true, false, now += kSecond);
    benchmark::DoNotOptimize(volume.update(ServiceAccount::files(account.current()), now));
  }
}
BENCHMARK(BM_Rotate)->Iterations(2000);

}  // namespace
