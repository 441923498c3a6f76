// What --build accepts, and how what cannot start is named (exit 2, never a failed clause).
#include "simulator/runner/build.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace entryproof::runner {
namespace {

namespace fs = std::filesystem;

class BuildTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "build-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string file(const std::string& name, const std::string& bytes, mode_t mode = 0755) {
    const auto path = directory_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    chmod(path.c_str(), mode);
    return path.string();
  }

  static std::string refusal(const std::string& spec, ErrorCode code = ErrorCode::kUsage) {
    const auto builds = resolve_build(spec);
    if (builds) return "accepted";
    EXPECT_EQ(builds.error().code, code) << builds.error().line();
    return builds.error().line();
  }

  fs::path directory_;
};

TEST_F(BuildTest, AScriptIsNamedAfterItsFileAndHasADigest) {
  const auto path = file("my-entrypoint", "#!/bin/sh\nexit 0\n");
  const auto builds = resolve_build(path);
  ASSERT_TRUE(builds) << builds.error().line();
  ASSERT_EQ(builds->size(), 1U);
  EXPECT_EQ(builds->front().name, "my-entrypoint");
  EXPECT_EQ(builds->front().executable, fs::canonical(path).string());
  EXPECT_EQ(builds->front().sha256.size(), 64U);
  EXPECT_FALSE(builds->front().in_process());
}

TEST_F(BuildTest, ANameCanBeGiven) {
  const auto path = file("x", "#!/usr/bin/env bash\n");
  const auto builds = resolve_build("mine=" + path);
  ASSERT_TRUE(builds) << builds.error().line();
  EXPECT_EQ(builds->front().name, "mine");
}

TEST_F(BuildTest, RefusesWhatIsNoBuildAndSaysWhy) {
  EXPECT_NE(refusal("/nowhere/at-all").find("no such build"), std::string::npos);
  EXPECT_NE(refusal(directory_.string()).find("no regular file"), std::string::npos);
  EXPECT_NE(refusal(file("plain", "#!/bin/sh\n", 0644)).find("not executable"), std::string::npos);
  EXPECT_NE(refusal(file("text", "hello\n")).find("neither a program"), std::string::npos);
  EXPECT_NE(refusal(file("bare", "#!\n")).find("no interpreter"), std::string::npos);
  EXPECT_NE(refusal("predecessor:9.9.9").find("4.0.2"), std::string::npos) << "names those that exist";
  EXPECT_NE(refusal("mutant:no-such").find("there are:"), std::string::npos);
}

TEST_F(BuildTest, NamesAMissingInterpreter) {
  EXPECT_NE(refusal(file("a", "#!/opt/none/lua\n"), ErrorCode::kUnavailable).find("/opt/none/lua"), std::string::npos);
  EXPECT_NE(refusal(file("b", "#!/usr/bin/env no-such-language\n"), ErrorCode::kUnavailable).find("no-such-language"), std::string::npos);
}

TEST_F(BuildTest, ANeighbourMayBringTheInterpreter) {
  file("lua", "#!/bin/sh\n");
  const auto path = file("a", "#!/opt/none/lua\n");
  const auto builds = resolve_build(path, {{directory_.string(), "/opt/none"}});
  EXPECT_TRUE(builds) << builds.error().line();
}

TEST_F(BuildTest, ADynamicProgramOfThisMachineCanStart) {
  const auto builds = resolve_build("/usr/bin/env");
  EXPECT_TRUE(builds) << builds.error().line();
}

TEST_F(BuildTest, ATruncatedProgramIsReadWithoutHarm) {
  std::ifstream in("/usr/bin/env", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (const std::size_t size : {4U, 16U, 64U, 200U, 1000U}) {
    const auto builds = resolve_build(file("cut" + std::to_string(size), bytes.substr(0, size)));
    EXPECT_TRUE(builds || !builds.error().message.empty());
  }
}

}  // namespace
}  // namespace entryproof::runner
