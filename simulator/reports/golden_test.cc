// Every report over one run, byte for byte. ENTRYPROOF_UPDATE_GOLDENS=1 writes the files anew; the difference is then for a person to read.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "simulator/reports/registry.h"
#include "simulator/reports/sample_run.h"

namespace entryproof::reports {
namespace {

std::string golden_path(const std::string& name) {
  return std::string(ENTRYPROOF_SOURCE_DIR) + "/simulator/reports/testdata/" + name + ".golden";
}

void expect_golden(const std::string& name, const std::string& text) {
  const char* update = std::getenv("ENTRYPROOF_UPDATE_GOLDENS");
  if (update != nullptr && std::string(update) == "1") {
    std::ofstream(golden_path(name), std::ios::binary) << text;
    return;
  }
  std::ifstream file(golden_path(name), std::ios::binary);
  ASSERT_TRUE(file) << "no " << golden_path(name) << "; ENTRYPROOF_UPDATE_GOLDENS=1 makes it";
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(golden, text) << "ENTRYPROOF_UPDATE_GOLDENS=1 accepts the new text";
}

std::string rendered(const std::string& format, const ConsoleOptions& options = {}) {
  std::ostringstream out;
  auto report = make_report({format, {}}, options, out);
  EXPECT_TRUE(report);
  tell(**report, sample_run());
  EXPECT_TRUE((*report)->finish());
  return out.str();
}

class Golden : public testing::TestWithParam<std::string_view> {};

TEST_P(Golden, Report) { expect_golden(std::string(GetParam()), rendered(std::string(GetParam()))); }

INSTANTIATE_TEST_SUITE_P(Formats, Golden, testing::ValuesIn(formats()), [](const auto& format) { return std::string(format.param); });

TEST(GoldenConsole, Quiet) { expect_golden("console-quiet", rendered("console", {.detail = ConsoleOptions::Detail::kQuiet})); }

TEST(GoldenConsole, VerboseInColorAboutProduction) {
  const Asked asked{oracles::Profile::kProduction, true};
  expect_golden("console-verbose", rendered("console", {.asked = asked, .detail = ConsoleOptions::Detail::kVerbose, .color = true}));
}

// Both streams of a terminal, interleaved as a person would see them.
TEST(GoldenConsole, Terminal) {
  std::ostringstream both;
  auto report = make_report({"console", {}}, {.color = true, .overprint = true, .columns = 20, .status = &both}, both);
  ASSERT_TRUE(report);
  tell(**report, sample_run());
  ASSERT_TRUE((*report)->finish());
  expect_golden("console-terminal", both.str());
}

}  // namespace
}  // namespace entryproof::reports
