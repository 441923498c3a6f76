#include "reference/log.h"

#include <gtest/gtest.h>

#include "reference/json.h"
#include "reference/memory_host_test_support.h"

namespace reference {
namespace {

TEST(Log, TextIsOneLinePerEvent) {
  MemoryHost host;
  Log log(host);
  log.info("one\ntwo");
  log.warn("three");
  log.error("four");
  EXPECT_EQ(host.out, std::vector<std::string>{"one?two"});
  EXPECT_EQ(host.error, (std::vector<std::string>{"warning: three", "error: four"}));
}

TEST(Log, JsonHasTheSameEvents) {
  MemoryHost host;
  Log log(host, LogFormat::kJson);
  log.info("a \"name\"");
  log.problem("\xff of no character set");
  EXPECT_EQ(host.out.at(0), R"({"time":"2023-11-14T22:13:20Z","level":"info","message":"a \"name\""})");
  EXPECT_EQ(host.error.at(0), R"({"time":"2023-11-14T22:13:20Z","level":"error","message":"? of no character set"})");
  EXPECT_TRUE(json::Document::parse(host.out.at(0)));
}

TEST(Log, ATroubleIsToldOnceAMinute) {
  MemoryHost host;
  Log log(host);
  for (int second = 0; second < 600; ++second) {
    log.problem("the disk is full");
    log.waiting("for the primary");
    host.now += std::chrono::seconds(1);
  }
  EXPECT_EQ(host.error.size(), 10U);
  EXPECT_EQ(host.out.size(), 10U);
}

}  // namespace
}  // namespace reference
