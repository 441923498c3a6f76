// How fast crash states are enumerated, hashed and judged, and what a whole journal costs under all models.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "simulator/durability/play_test_support.h"
#include "simulator/durability/survey.h"

namespace entryproof::durability {
namespace {

const std::vector<std::string> kImage = {"mkdir /etc", "mkdir /etc/net.d", "mkdir /etc/net.d/m.d", "mkdir /opt"};

std::string content(int round) { return std::string(2000, static_cast<char>('a' + round % 26)); }

// Two files in two directories, replaced over and over: with every sync, or with none.
std::vector<std::string> replaces(int rounds, bool synced) {
  std::vector<std::string> lines;
  for (int i = 0; i < rounds; ++i) {
    const std::string directory = i % 2 == 0 ? "/etc/net.d/m.d" : "/etc/net.d";
    const std::string temporary = directory + "/.new" + std::to_string(i);
    lines.push_back("create " + temporary + " 0600");
    lines.push_back("write " + temporary + " " + content(i));
    if (synced) lines.push_back("fsync " + temporary);
    if (!synced) lines.push_back("chmod " + temporary + " 0640");
    lines.push_back("rename " + temporary + " " + directory + "/file");
    if (synced) lines.push_back("fsync " + directory);
    if (!synced) continue;
    lines.push_back("told " + std::to_string(i));
  }
  return lines;
}

// Reads both files, as a checker does, and wants them whole.
std::vector<Complaint> whole_files(const CrashState& state) {
  const node::Tree tree = state.tree();
  for (const char* path : {"/etc/net.d/file", "/etc/net.d/m.d/file"}) {
    const std::string text = look(tree, path);
    if (text == "0") return {{"whole", std::string(path) + " is empty"}};
  }
  return {};
}

// One window of sixteen independent micro-operations: 65,536 states and up. Each is hashed and its verdict looked up; each that differs is
// made a tree and judged.
void BM_RawStates(benchmark::State& state) {
  std::vector<std::string> lines;
  for (int i = 0; i < 16; ++i) lines.push_back("create /etc/net.d/f" + std::to_string(i));
  if (state.range(0) == 1) {  // fewer files, each with pages, size, mode and a rename: many sets look alike
    lines.clear();
    for (int i = 0; i < 4; ++i) {
      const std::string file = "/etc/net.d/.new" + std::to_string(i);
      for (const std::string& line :
           {"create " + file, "write " + file + " " + content(i), "chmod " + file + " 0600", "rename " + file + " /etc/net.d/file"}) {
        lines.push_back(line);
      }
    }
  }
  const Play play(kImage, lines);
  const Program program = Program::compile(play.trace(), {"/etc/net.d"}).value();
  std::uint64_t raw = 0;
  std::uint64_t distinct = 0;
  for (auto _ : state) {
    const Model model[] = {Model::kPosix};
    const Survey found = survey(program, model, whole_files, {.states = 1 << 20});
    raw += found.coverage[0].raw;
    distinct = found.coverage[0].distinct;
  }
  state.counters["raw/s"] = benchmark::Counter(static_cast<double>(raw), benchmark::Counter::kIsRate);
  state.counters["distinct"] = static_cast<double>(distinct);
}
BENCHMARK(BM_RawStates)->ArgName("alike")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

// From the journal to the verdict in all five models.
void BM_Journal(benchmark::State& state) {
  const bool synced = state.range(0) != 0;
  const Play play(kImage, replaces(12, synced));
  std::uint64_t raw = 0;
  std::uint64_t distinct = 0;
  bool complete = true;
  for (auto _ : state) {
    const Program program = Program::compile(play.trace(), {"/etc/net.d"}).value();
    const Survey found = survey(program, kModels, whole_files);
    raw = distinct = 0;
    for (const Coverage& model : found.coverage) {
      raw += model.raw;
      distinct += model.distinct;
    }
    complete = found.complete();
  }
  state.counters["operations"] = synced ? 60 : 48;
  state.counters["raw"] = static_cast<double>(raw);
  state.counters["distinct"] = static_cast<double>(distinct);
  state.counters["complete"] = complete ? 1 : 0;
}
BENCHMARK(BM_Journal)->ArgName("synced")->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);

void BM_Compile(benchmark::State& state) {
  const Play play(kImage, replaces(12, true));
  for (auto _ : state) benchmark::DoNotOptimize(Program::compile(play.trace(), {"/etc/net.d"}));
}
BENCHMARK(BM_Compile)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace entryproof::durability
