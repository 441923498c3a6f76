// Gives every target its corpus, once: usage: fuzz_replay [--figures] TARGET PATH… [TARGET PATH…]
//
// A word that names a target begins its paths; folders are walked. An input at which a target aborts ends the program, after its path was
// said. A target without an input is a failure: an empty corpus proves nothing. --figures: how many inputs of the corpus a target takes in
// a second, without a fuzzing engine around it.
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/targets.h"

namespace {

namespace fs = std::filesystem;
using entryproof::fuzz::Target;
using entryproof::fuzz::targets;

std::string current;  // what to blame when a target aborts

void blame(int signal) {
  const std::string line = "fuzz_replay: " + current + "\n";
  static_cast<void>(write(STDERR_FILENO, line.data(), line.size()));
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

void give(const Target& target, const std::vector<Input>& inputs) {
  for (const auto& input : inputs) {
    current = std::string(target.name) + " does not survive " + input.path;
    target.run(input.bytes);
  }
}

void print_figure(const Target& target, const std::vector<Input>& inputs) {
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  std::size_t runs = 0;
  while (Clock::now() - begun < std::chrono::seconds(1)) {
    give(target, inputs);
    runs += inputs.size();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::printf("%-22s %8.0f inputs/s\n", std::string(target.name).c_str(), static_cast<double>(runs) / seconds);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, blame);
  std::map<std::string_view, std::vector<Input>> corpora;
  const Target* target = nullptr;
  bool figures = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto named = std::ranges::find(targets(), word, &Target::name);
    if (word == "--figures") {
      figures = true;
    } else if (named != targets().end()) {
      target = &*named;
    } else if (target == nullptr || !fs::exists(word)) {
      std::fprintf(stderr, "fuzz_replay: %s: no target and no file\n", argv[i]);
      return 2;
    } else {
      collect(word, corpora[target->name]);
    }
  }
  int status = 0;
  for (const auto& each : targets()) {
    const auto& inputs = corpora[each.name];
    if (figures && !inputs.empty()) {
      print_figure(each, inputs);
      continue;
    }
    give(each, inputs);
    std::printf("%-22s %4zu inputs\n", std::string(each.name).c_str(), inputs.size());
    if (inputs.empty()) status = 1;
  }
  return status;
}
