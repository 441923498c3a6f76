#include "simulator/cli/program_for_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "simulator/reports/jsonl.h"

namespace entryproof::cli {

namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

Ended run_program(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) {
  const ScratchDirectory scratch;
  const std::string out = scratch.path() + "/out";
  const std::string err = scratch.path() + "/err";
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  for (const auto& [name, value] : environment) entries.push_back(name + "=" + value);
  std::vector<char*> arguments;
  std::vector<char*> variables;
  for (const auto& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  for (const auto& entry : entries) variables.push_back(const_cast<char*>(entry.c_str()));
  arguments.push_back(nullptr);
  variables.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t pid = 0;
  Ended ended;
  const int spawned = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(spawned, 0) << argv[0];
  if (spawned != 0) return ended;
  int status = 0;
  waitpid(pid, &status, 0);
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ended.out = slurp(out);
  ended.err = slurp(err);
  return ended;
}

ScratchDirectory::ScratchDirectory() : path_(testing::TempDir() + "entryproof-test-XXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr) << path_;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchDirectory::write(const std::string& name, const std::string& bytes, unsigned mode) const {
  const auto path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  chmod(path.c_str(), static_cast<mode_t>(mode));
  return path.string();
}

Judged judge(std::vector<std::string> arguments) {
  const ScratchDirectory scratch;
  const std::string stored = scratch.path() + "/run.jsonl";
  std::vector<std::string> argv = {program("entryproof"), "run"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  argv.insert(argv.end(), {"-q", "--report", "jsonl:" + stored});
  Judged judged;
  judged.ended = run_program(argv);
  auto run = reports::load_jsonl(stored);
  EXPECT_TRUE(run) << run.error().line() << "\n" << judged.ended.err;
  if (!run) return judged;
  judged.run = std::move(*run);
  EXPECT_TRUE(judged.run.footer) << judged.ended.err;
  for (const auto& record : judged.run.cases) {
    for (const auto& check : record.checks) {
      auto& set = check.status == oracles::Status::kPass        ? judged.judged
                  : check.status == oracles::Status::kNotTested ? judged.not_tested
                                                                : judged.failed;
      set[record.build].insert(check.check);
      EXPECT_NE(check.status, oracles::Status::kError)
          << record.scenario << " on " << record.build << ": " << check.check << ": " << check.actual;
    }
  }
  return judged;
}

std::vector<Judged> judge_side_by_side(const std::vector<std::vector<std::string>>& runs) {
  constexpr std::size_t kAtOnce = 4;
  std::vector<Judged> judged(runs.size());
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < std::min(kAtOnce, runs.size()); ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < runs.size(); at = next++) judged[at] = judge(runs[at]);
    });
  }
  for (auto& worker : workers) worker.join();
  return judged;
}

std::string program(const std::string& name) { return std::string(ENTRYPROOF_BIN_DIR) + "/" + name; }

}  // namespace entryproof::cli
