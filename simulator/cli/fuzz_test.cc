// `entryproof fuzz` as a program: known defects of released builds come out as scenarios that replay, an honest build gives none.
#include <gtest/gtest.h>

#include <filesystem>

#include "simulator/cli/program_for_test.h"

namespace entryproof::cli {
namespace {

namespace fs = std::filesystem;

Ended fuzz(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {program("entryproof"), "fuzz"});
  return run_program(arguments);
}

TEST(Fuzz, FindsWhatAReleasedBuildLosesAsAScenarioThatReplays) {
  const ScratchDirectory directory;
  const auto ended =
      fuzz({"--build", "predecessor:4.2.2", "--what", "primary", "--runs", "256", "--seed", "3", "--export", directory.path()});
  ASSERT_EQ(ended.exit_code, 1) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("CONF-35/as-written"), std::string::npos) << ended.out;
  std::string file;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    if (entry.path().filename().string().starts_with("conf-35-as-written")) file = entry.path().string();
  }
  ASSERT_FALSE(file.empty()) << ended.out;
  const auto play = [&](const std::string& build) {
    return run_program({program("entryproof"), "run", file, "--build", build, "--profile", "production"});
  };
  EXPECT_EQ(play("predecessor:4.2.2").exit_code, 1);
  const auto reference = play("reference");
  EXPECT_EQ(reference.exit_code, 0) << reference.out;
}

TEST(Fuzz, FindsNothingInAnHonestBuild) {
  const auto ended = fuzz({"--build", program("c_entrypoint"), "--runs", "384", "--seed", "3"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("384 runs"), std::string::npos) << ended.out;
}

TEST(Fuzz, RefusesWhatMakesNoSense) {
  EXPECT_EQ(fuzz({"--what", "nothing"}).exit_code, 2);
  EXPECT_EQ(fuzz({"--world", "tmpfs", "--runs", "1"}).exit_code, 2);
  EXPECT_EQ(fuzz({"--world", "memory", "--build", program("c_entrypoint"), "--runs", "1"}).exit_code, 2);
  EXPECT_EQ(fuzz({"--build", "mutant:*", "--runs", "1"}).exit_code, 2);
}

}  // namespace
}  // namespace entryproof::cli
