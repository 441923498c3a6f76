// All targets in one program without an engine: gives each its corpus, and changes of it.
//
// usage: fuzz_replay [OPTION…] TARGET PATH… [TARGET PATH…]   a word that names a target begins its paths; folders are walked
//   (no option)         each input once; a target without one is a failure: an empty corpus proves nothing
//   --mutate SECONDS    inputs changed along their grain, by chance, for so long in all; no engine says which are worth keeping
//   --seed S            of that chance; said in any case
//   --found FILE        where the input is kept that a target did not survive
//   --figures           how many inputs of the corpus a target takes in a second
//
// An input at which a target aborts ends the program, after it was said which. For what sanitizers find that takes abort_on_error=1.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/targets.h"

namespace {

namespace fs = std::filesystem;
using entryproof::fuzz::Target;
using entryproof::fuzz::targets;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongest = 16U << 10;  // of a changed input

// What to blame when a target aborts: read by a signal's handler.
std::string current;
std::string current_bytes;
std::string found_file;

void blame(int signal) {
  static_cast<void>(write(STDERR_FILENO, current.data(), current.size()));
  if (!found_file.empty()) {
    const int file = open(found_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    static_cast<void>(write(file, current_bytes.data(), current_bytes.size()));
    static_cast<void>(close(file));
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

struct Input {
  std::string path;
  std::string bytes;
};

void collect(const fs::path& path, std::vector<Input>& inputs) {
  if (fs::is_directory(path)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    for (const auto& file : files) collect(file, inputs);
    return;
  }
  std::ifstream in(path, std::ios::binary);
  inputs.push_back({path.string(), std::string((std::istreambuf_iterator<char>(in)), {})});
}

void give(const Target& target, const std::string& name, std::string bytes) {
  current = "fuzz_replay: " + std::string(target.name) + " does not survive " + name + "\n";
  current_bytes = std::move(bytes);
  target.run(current_bytes);
}

void give(const Target& target, const std::vector<Input>& inputs) {
  for (const auto& input : inputs) give(target, input.path, input.bytes);
}

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

void print_rate(const Target& target, std::size_t runs, double seconds) {
  std::printf("%-22s %8zu inputs, %8.0f inputs/s\n", std::string(target.name).c_str(), runs, static_cast<double>(runs) / seconds);
  std::fflush(stdout);
}

void print_figure(const Target& target, const std::vector<Input>& inputs) {
  const auto begun = Clock::now();
  std::size_t runs = 0;
  for (; seconds_since(begun) < 1; runs += inputs.size()) give(target, inputs);
  print_rate(target, runs, seconds_since(begun));
}

// An input, changed up to four times; what a change of it did is not known, so none is built upon. The number of the input and the seed say
// which it is.
void mutate(const Target& target, const std::vector<Input>& inputs, std::uint64_t seed, double seconds) {
  const auto begun = Clock::now();
  std::mt19937_64 random(seed);
  std::size_t runs = 0;
  for (; seconds_since(begun) < seconds; ++runs) {
    auto bytes = inputs[random() % inputs.size()].bytes;
    for (auto times = 1 + random() % 4; times > 0; --times) bytes = entryproof::fuzz::mutated(bytes, target.grammar, random(), kLongest);
    give(target, "--seed " + std::to_string(seed) + ", input " + std::to_string(runs + 1), std::move(bytes));
  }
  print_rate(target, runs, seconds_since(begun));
}

struct Order {
  std::map<std::string_view, std::vector<Input>> corpora;
  bool figures = false;
  double seconds = 0;  // of changed inputs; 0: none
  std::uint64_t seed = std::random_device()();
};

// False, and a line that says why, for words that make no sense.
bool read(int count, char** words, Order& order) {
  const Target* target = nullptr;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const auto named = std::ranges::find(targets(), word, &Target::name);
    const bool valued = i + 1 < count && (word == "--mutate" || word == "--seed" || word == "--found");
    if (word == "--figures") {
      order.figures = true;
    } else if (valued && word == "--mutate") {
      order.seconds = std::strtod(words[++i], nullptr);
    } else if (valued && word == "--seed") {
      order.seed = std::strtoull(words[++i], nullptr, 10);
    } else if (valued) {
      found_file = words[++i];
    } else if (named != targets().end()) {
      target = &*named;
      order.corpora[target->name];
    } else if (target == nullptr || !fs::exists(word)) {
      std::fprintf(stderr, "fuzz_replay: %s: no target and no file\n", words[i]);
      return false;
    } else {
      collect(word, order.corpora[target->name]);
    }
  }
  if (order.corpora.empty()) std::fprintf(stderr, "fuzz_replay: no target is named\n");
  return !order.corpora.empty();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, blame);
  Order order;
  if (!read(argc, argv, order)) return 2;
  if (order.seconds > 0) std::printf("seed %llu\n", static_cast<unsigned long long>(order.seed));
  int status = 0;
  for (const auto& target : targets()) {
    const auto corpus = order.corpora.find(target.name);
    if (corpus == order.corpora.end()) continue;
    const auto& inputs = corpus->second;
    if (inputs.empty()) {
      std::fprintf(stderr, "fuzz_replay: %s: no input\n", std::string(target.name).c_str());
      status = 1;
    } else if (order.figures) {
      print_figure(target, inputs);
    } else if (order.seconds > 0) {
      mutate(target, inputs, order.seed, order.seconds / static_cast<double>(order.corpora.size()));
    } else {
      give(target, inputs);
      std::printf("%-22s %4zu inputs\n", std::string(target.name).c_str(), inputs.size());
    }
  }
  return status;
}
