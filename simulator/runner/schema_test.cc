// The schema for editors and the loader say the same of every file in the corpus. The schema's judge is Debian's python3-jsonschema, which
// shares nothing with us; where it is missing the test is skipped and says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace entryproof::runner {
namespace {

struct Ran {
  int status = -1;
  std::string output;
};

Ran python(const std::string& arguments) {
  const std::string command = "/usr/bin/python3 -I -W ignore " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  Ran ran;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) ran.output.append(buffer.data(), got);
  ran.status = WEXITSTATUS(pclose(pipe));
  return ran;
}

TEST(Schema, AgreesWithTheLoader) {
  if (python("-c 'import jsonschema'").status != 0)
    GTEST_SKIP() << "no python3-jsonschema: the schema was not tested by a second validator";
  const std::string root = ENTRYPROOF_SOURCE_DIR "/scenarios";
  const Ran ran = python(root + "/testdata/validate.py " + root);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, ::testing::HasSubstr("agree")) << ran.output;
}

}  // namespace
}  // namespace entryproof::runner
