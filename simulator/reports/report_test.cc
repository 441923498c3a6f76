// Where reports go, what they are called, and what they leave when a run does not end well.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "simulator/reports/broadcast.h"
#include "simulator/reports/registry.h"
#include "simulator/reports/sample_run.h"

namespace entryproof::reports {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Reports : public testing::Test {
 protected:
  Reports() {
    std::string path = (fs::temp_directory_path() / "entryproof-reports-XXXXXX").string();
    directory_ = ::mkdtemp(path.data());
  }
  ~Reports() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  static std::string content(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  fs::path directory_;
  std::ostringstream out_;
};

TEST_F(Reports, SpecsAreParsed) {
  EXPECT_EQ(parse_report("tap")->format, "tap");
  EXPECT_EQ(parse_report("tap")->path, "");
  EXPECT_EQ(parse_report("junit:a:b.xml")->path, "a:b.xml");
  EXPECT_THAT(parse_report("xml:a").error().message, HasSubstr("there are console, jsonl, junit"));
  EXPECT_FALSE(parse_report("junit:"));
  EXPECT_FALSE(parse_report(""));
}

TEST_F(Reports, EveryFormatCanBeMade) {
  for (const auto format : formats()) {
    auto report = make_report({std::string(format), path(std::string(format))}, {}, out_);
    ASSERT_TRUE(report) << format;
    tell(**report, sample_run());
    ASSERT_TRUE((*report)->finish()) << format;
    EXPECT_THAT(content(path(std::string(format))), HasSubstr("fresh-node")) << format;
  }
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(files(), formats().size()) << "no temporary file stays";
}

TEST_F(Reports, NothingHalfWrittenAndNothingStale) {
  std::ofstream(path("junit.xml")) << "of yesterday, and green";
  reports::Run run = sample_run();
  run.footer.reset();
  {
    auto report = make_report({"junit", path("junit.xml")}, {}, out_);
    ASSERT_TRUE(report);
    tell(**report, run);
    ASSERT_TRUE((*report)->finish());
  }
  EXPECT_EQ(files(), 0U) << "a run without an end leaves no document, neither its own nor an old one";
}

TEST_F(Reports, JsonLinesAreThereAtOnce) {
  auto report = make_report({"jsonl", path("run.jsonl")}, {}, out_);
  ASSERT_TRUE(report);
  (*report)->on_header(sample_run().header);
  (*report)->on_case(sample_run().cases[0]);
  const std::string text = content(path("run.jsonl"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
}

TEST_F(Reports, AnUnwritablePlaceIsKnownBeforeTheRun) {
  EXPECT_THAT(make_report({"tap", path("no/such/directory")}, {}, out_).error().line(), HasSubstr("No such file or directory"));
  EXPECT_THAT(make_report({"tap", directory_.string()}, {}, out_).error().line(), HasSubstr("is a directory"));
}

TEST_F(Reports, AFullDeviceIsAnError) {
  for (const char* format : {"jsonl", "tap", "console"}) {
    auto report = make_report({format, "/dev/full"}, {}, out_);
    ASSERT_TRUE(report);
    tell(**report, sample_run());
    EXPECT_FALSE((*report)->finish()) << format;
  }
  EXPECT_TRUE(fs::exists("/dev/full")) << "devices are written in place";
}

TEST_F(Reports, ConsoleInAFileIsPlain) {
  std::ostringstream status;
  auto report = make_report({"console", path("log")}, {.color = true, .overprint = true, .status = &status}, out_);
  ASSERT_TRUE(report);
  tell(**report, sample_run());
  ASSERT_TRUE((*report)->finish());
  EXPECT_EQ(content(path("log")).find('\x1b'), std::string::npos);
  EXPECT_EQ(status.str(), "");
}

TEST_F(Reports, ConsoleSaysHowFarAnInterruptedRunCame) {
  reports::Run run = sample_run();
  run.footer.reset();
  auto report = make_report({"console", {}}, {}, out_);
  tell(**report, run);
  ASSERT_TRUE((*report)->finish());
  EXPECT_THAT(out_.str(), HasSubstr("no verdict: the run did not end (6 of 6 cases were done)"));
  EXPECT_THAT(out_.str(), HasSubstr("EXIST-01/manual-fresh-node (MUST, core): fail"));
}

TEST_F(Reports, BroadcastFinishesAllAndGivesTheFirstError) {
  std::vector<std::unique_ptr<Report>> all;
  all.push_back(*make_report({"tap", "/dev/full"}, {}, out_));
  all.push_back(*make_report({"tap", path("tap")}, {}, out_));
  Broadcast broadcast(std::move(all));
  tell(broadcast, sample_run());
  const auto finished = broadcast.finish();
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().line(), HasSubstr("/dev/full"));
  EXPECT_THAT(content(path("tap")), HasSubstr("TAP version 14"));
}

}  // namespace
}  // namespace entryproof::reports
