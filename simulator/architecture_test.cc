// The rules of the house, as a test over its own sources: includes point down the floors, the judge shares no file with the defendant, and
// nothing but the clock asks the machine for the time.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kSource = ENTRYPROOF_SOURCE_DIR;
const fs::path kBinaries = ENTRYPROOF_BIN_DIR;

std::string slurp(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Every C++ source of ours below the folder, relative to the repository.
std::vector<std::string> sources(const std::string& folder) {
  std::vector<std::string> found;
  if (!fs::exists(kSource / folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".cc" || extension == ".h") found.push_back(fs::relative(entry.path(), kSource).string());
  }
  return found;
}

std::vector<std::string> includes_of(const std::string& file) {
  static const std::regex kInclude("^\\s*#include \"([^\"]+)\"");
  std::vector<std::string> found;
  std::istringstream text(slurp(kSource / file));
  for (std::string line; std::getline(text, line);) {
    std::smatch match;
    if (std::regex_search(line, match, kInclude)) found.push_back(match[1]);
  }
  return found;
}

// All files of ours that the files reach by includes, themselves among them.
std::set<std::string> closure(std::vector<std::string> files) {
  std::set<std::string> seen;
  while (!files.empty()) {
    const std::string file = files.back();
    files.pop_back();
    if (!seen.insert(file).second) continue;
    for (const auto& include : includes_of(file)) files.push_back(include);
  }
  return seen;
}

bool is_test(const std::string& file) {
  return file.find("_test.cc") != std::string::npos || file.find("_property.cc") != std::string::npos ||
         file.find("_test_support") != std::string::npos;
}

std::vector<std::string> without_tests(std::vector<std::string> files) {
  std::erase_if(files, is_test);
  return files;
}

// The floor of a simulator file: "simulator/node/tree.h" -> "node".
std::string floor_of(const std::string& file) {
  if (!file.starts_with("simulator/")) return {};
  const auto end = file.find('/', 10);
  return end == std::string::npos ? std::string() : file.substr(10, end - 10);
}

TEST(Architecture, EveryIncludeNamesAFileFromTheRootOfTheRepository) {
  for (const char* folder : {"reference", "simulator", "bench", "fuzz"}) {
    for (const auto& file : sources(folder)) {
      for (const auto& include : includes_of(file)) EXPECT_TRUE(fs::exists(kSource / include)) << file << " includes \"" << include << '"';
    }
  }
}

TEST(Architecture, IncludesPointDownTheFloors) {
  const std::map<std::string, int> height = {{"base", 0},    {"node", 1},    {"durability", 2}, {"faults", 2}, {"oracles", 3},
                                             {"cluster", 3}, {"doors", 4},   {"subjects", 4},   {"runner", 5}, {"explore", 6},
                                             {"audit", 6},   {"reports", 7}, {"cli", 8}};
  for (const auto& file : sources("simulator")) {
    const auto from = floor_of(file);
    if (from.empty()) continue;
    ASSERT_TRUE(height.contains(from)) << file << " stands on an unknown floor";
    for (const auto& include : includes_of(file)) {
      if (include.starts_with("reference/")) {
        EXPECT_EQ(from, "subjects") << file << " includes " << include << "; only subjects/ may know the reference";
        continue;
      }
      const auto to = floor_of(include);
      ASSERT_TRUE(height.contains(to)) << file << " includes " << include;
      EXPECT_GE(height.at(from), height.at(to)) << file << " includes " << include;
    }
  }
}

TEST(Architecture, TheReferenceKnowsNothingOfTheSimulator) {
  for (const auto& file : closure(sources("reference"))) EXPECT_TRUE(file.starts_with("reference/")) << file;
}

TEST(Architecture, JudgeAndDefendantShareNoFile) {
  const auto defendant = closure(without_tests(sources("reference")));
  const auto judge = closure(without_tests(sources("simulator/oracles")));
  ASSERT_GT(defendant.size(), 8U);
  ASSERT_GT(judge.size(), 8U);
  for (const auto& file : judge) EXPECT_FALSE(defendant.contains(file)) << file;
}

TEST(Architecture, PredecessorsShareNoFileWithTheReferenceOrTheOracles) {
  for (const auto& file : closure(without_tests(sources("simulator/subjects/predecessors")))) {
    EXPECT_FALSE(file.starts_with("reference/")) << file;
    EXPECT_NE(floor_of(file), "oracles") << file;
  }
}

// Names that an archive or program defines or needs, demangled.
std::string symbols(const fs::path& binary) {
  std::string text;
  const std::string command = "nm -C '" + binary.string() + "' 2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");  // NOLINT: a fixed command line of ours
  if (pipe == nullptr) return text;
  char buffer[65536];
  for (std::size_t got = 0; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
  pclose(pipe);
  return text;
}

TEST(Architecture, JudgeAndDefendantAreNotLinkedTogether) {
  const auto defendant = symbols(kBinaries / "thin_entrypoint");
  ASSERT_NE(defendant.find("reference::"), std::string::npos) << "no symbols to look at";
  EXPECT_EQ(defendant.find("entryproof::"), std::string::npos);
  const auto judge = symbols(kBinaries.parent_path() / "simulator/oracles/libentryproof_oracles.a");
  ASSERT_NE(judge.find("entryproof::oracles::"), std::string::npos) << "no symbols to look at";
  EXPECT_EQ(judge.find("reference::"), std::string::npos);
}

TEST(Architecture, OnlyTheClockAsksTheMachineForTheTime) {
  static const std::regex kTime("(steady_clock|system_clock)::now|\\b(clock_gettime|gettimeofday)\\(|[^_a-z]time\\((NULL|nullptr)\\)");
  // Processes and their deadlines live in real time: the floors of doors and subjects wait for them, and a run says how long it took.
  for (const char* folder : {"simulator/node", "simulator/durability", "simulator/oracles", "simulator/cluster", "simulator/reports"}) {
    for (const auto& file : without_tests(sources(folder))) EXPECT_FALSE(std::regex_search(slurp(kSource / file), kTime)) << file;
  }
}

TEST(Architecture, FilesStayOfOneIdea) {
  for (const char* folder : {"reference", "simulator", "bench"}) {
    for (const auto& file : sources(folder)) {
      const auto text = slurp(kSource / file);
      EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 700) << file << " has outgrown one idea";
    }
  }
}

}  // namespace
