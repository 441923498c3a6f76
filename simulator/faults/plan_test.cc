#include "simulator/faults/plan.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include <nlohmann/json.hpp>

#include "simulator/faults/errnos.h"
#include "simulator/faults/plan_json.h"

namespace entryproof::faults {
namespace {

using namespace std::chrono_literals;

Rule rule(std::string_view line) {
  auto read = parse_rule(line);
  EXPECT_TRUE(read) << read.error().line();
  return read ? *read : Rule{};
}

std::string refusal(std::string_view line) {
  const auto read = parse_rule(line, "f");
  EXPECT_FALSE(read) << line;
  return read ? "" : read.error().line();
}

TEST(Plan, ReadsTheRulesOfTheLanguage) {
  const auto plan = parse(R"(# what a disk does
write   **/multus.kubeconfig*   nth=1        errno=ENOSPC
write   **/*.conf.new           nth=1        short=512 then errno=ENOSPC
fsync   **/multus.kubeconfig*   nth=1        errno=EIO sticky

rename  to=**/00-*.conf*        nth=2 before kill
any     **                      nth=37 after powercut model=xfs omit=14,15
read    **/token                nth=1        delay=250ms
mkdir   **                      seq=xx.      errno=EROFS
)");
  ASSERT_TRUE(plan) << plan.error().line();
  ASSERT_EQ(plan->size(), 7U);
  EXPECT_EQ((*plan)[0].operation, "write");
  EXPECT_EQ((*plan)[0].path, "**/multus.kubeconfig*");
  EXPECT_EQ((*plan)[0].error, ENOSPC);
  EXPECT_FALSE((*plan)[0].sticky);
  EXPECT_EQ((*plan)[1].short_write, 512U);
  EXPECT_EQ((*plan)[1].then_error, ENOSPC);
  EXPECT_TRUE((*plan)[2].sticky);
  EXPECT_EQ((*plan)[3].to, "**/00-*.conf*");
  EXPECT_EQ((*plan)[3].nth, 2U);
  EXPECT_TRUE((*plan)[3].kill);
  EXPECT_EQ((*plan)[4].phase, Phase::kAfter);
  ASSERT_TRUE((*plan)[4].power_cut);
  EXPECT_EQ((*plan)[4].power_cut->model, "xfs");
  EXPECT_EQ((*plan)[4].power_cut->omit, (std::vector<std::uint64_t>{14, 15}));
  EXPECT_EQ((*plan)[5].delay, 250ms);
  EXPECT_EQ((*plan)[6].sequence, "xx.");
}

TEST(Plan, ReadsTheSameFromJson) {
  const auto lines =
      parse("write **/a nth=2 short=5 then errno=EIO\nany ** nth=3 after powercut model=ext4 omit=1,2\nread /t delay=2s sticky");
  const auto json = parse(R"([{"operation": "write", "path": "**/a", "nth": 2, "short": 5, "then": "EIO"},
    {"operation": "any", "path": "**", "nth": 3, "after": true, "powercut": true, "model": "ext4", "omit": [1, 2]},
    "read /t delay=2s sticky"])");
  ASSERT_TRUE(lines) << lines.error().line();
  ASSERT_TRUE(json) << json.error().line();
  EXPECT_EQ(*lines, *json);
  EXPECT_EQ(*parse(to_json(*lines)), *lines);
}

TEST(Plan, SaysWhereAndWhatToDoWhenItRefuses) {
  EXPECT_EQ(refusal("wriet ** errno=EIO").substr(0, 40), "f:1:1: there is no such operation; there");
  EXPECT_EQ(refusal("write **  errno=EOOPS"), "f:1:11: the name of an error number is wanted: ENOSPC, EIO, EROFS …");
  EXPECT_EQ(refusal("write errno=EIO"), "f:1:1: no path is named; \"**\" is every path");
  EXPECT_EQ(refusal("write token errno=EIO").substr(0, 22), "f:1:7: unknown word; t");
  EXPECT_EQ(refusal("write ** nth=0 errno=EIO"), "f:1:10: a whole number from 1 is wanted");
  EXPECT_EQ(refusal("write **"), "f:1:1: nothing happens: errno=, short=, delay=, kill or powercut is wanted");
  const auto second = parse("write ** errno=EIO\n  fsync ** errno=\n", "faults.txt");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().line(), "faults.txt:2:12: a value is missing");
  const auto json = parse("[\n{\"operation\": \"write\", \"path\": \"**\",\n \"errno\": \"EOOPS\"}]", "faults.json");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().where, "faults.json:3 (/0/errno)");
}

TEST(Plan, RefusesWhatMakesNoSense) {
  for (const char* line : {"fsync ** short=5",
                           "write ** errno=EIO kill",
                           "write ** to=/x errno=EIO",
                           "write ** errno=EIO errno=EIO",
                           "write ** nth=1 seq=x errno=EIO",
                           "write ** seq=... errno=EIO",
                           "write ** sticky kill",
                           "write ** powercut",
                           "write ** powercut model=zfs",
                           "write ** powercut model=kill",
                           "write ** errno=EIO omit=3",
                           "write ** errno=EIO seed=3",
                           "any ** powercut model=xfs omit=3 seed=3",
                           "any ** powercut model=xfs seed=0",
                           "write ** then errno=EIO",
                           "write ** errno=EIO then",
                           "write ** delay=11s",
                           "write ** delay=5",
                           "write ** before after errno=EIO",
                           "write ** short=5 after",
                           "fsync ** errno=ENOSYS",
                           "write ** /a errno=EIO",
                           "write **/a\\ errno=EIO then",
                           "write **\\",
                           "mark ** errno=EIO",
                           "",
                           "write ** kill=1",
                           "write ** then=EIO short=4"}) {
    EXPECT_FALSE(parse_rule(line)) << line;
  }
}

TEST(Plan, AMomentIsARuleThatMakesNothingFail) {
  const auto moment = parse_moment("rename to=**/00-*.conf* nth=2 after");
  ASSERT_TRUE(moment) << moment.error().line();
  EXPECT_EQ(to_string(*moment), "rename to=**/00-*.conf* nth=2 after");
  for (const char* more : {"errno=EIO", "kill", "delay=1s", "sticky", "seq=x", "short=3", "powercut model=xfs"})
    EXPECT_FALSE(parse_moment(std::string("write **/a ") + more)) << more;
  EXPECT_FALSE(parse_moment("write"));
  EXPECT_FALSE(parse_rule("write **/a nth=2")) << "a fault has an effect";
}

TEST(Plan, HasCaps) {
  EXPECT_FALSE(parse_rule("write /" + std::string(kMostRuleBytes, 'a') + " errno=EIO"));
  std::string many;
  for (std::size_t i = 0; i <= kMostRules; ++i) many += "write ** errno=EIO\n";
  const auto plan = parse(many);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().line().find("more than 64 rules"), std::string::npos);
  std::string deep = "[";
  for (int i = 0; i < 10; ++i) deep += "[";
  EXPECT_FALSE(parse(deep));
}

TEST(Plan, MatchesPathsAsAShellWould) {
  for (const auto& [pattern, path] : std::vector<std::pair<std::string, std::string>>{{"**", "/a/b"},
                                                                                      {"**/token", "/token"},
                                                                                      {"**/token", "/var/run/token"},
                                                                                      {"/etc/**", "/etc/cni/net.d/x"},
                                                                                      {"/etc/**/x", "/etc/x"},
                                                                                      {"/etc/**/x", "/etc/cni/net.d/x"},
                                                                                      {"**/multus.kubeconfig*", "/e/multus.kubeconfig"},
                                                                                      {"**/multus.kubeconfig*", "/e/multus.kubeconfig.new"},
                                                                                      {"/a?c", "/abc"},
                                                                                      {"/a\\*c", "/a*c"},
                                                                                      {"/a\\ c", "/a c"},
                                                                                      {"/a*", "/a"},
                                                                                      {"**/a/**/b", "/x/a/y/a/b"}}) {
    EXPECT_TRUE(glob_matches(pattern, path)) << pattern << " " << path;
  }
  for (const auto& [pattern, path] : std::vector<std::pair<std::string, std::string>>{{"**/token", "/mytoken"},
                                                                                      {"/etc/*", "/etc/cni/x"},
                                                                                      {"/a?c", "/a/c"},
                                                                                      {"/a\\*c", "/abc"},
                                                                                      {"/etc/**/x", "/etcx"},
                                                                                      {"**/multus.kubeconfig*", "/multus.kubeconfig/x"},
                                                                                      {"/a", "/a/b"},
                                                                                      {"/a/b", "/a"}}) {
    EXPECT_FALSE(glob_matches(pattern, path)) << pattern << " " << path;
  }
}

TEST(Plan, AsksForTheOldAndTheNewPathOfARename) {
  node::Operation rename;
  rename.verb = node::Verb::kRename;
  rename.path = "/d/a.new";
  rename.path2 = "/d/a";
  EXPECT_TRUE(matches(rule("rename **/a errno=EIO"), rename));
  EXPECT_TRUE(matches(rule("rename **/a.new errno=EIO"), rename));
  EXPECT_TRUE(matches(rule("rename to=**/a errno=EIO"), rename));
  EXPECT_FALSE(matches(rule("rename to=**/a.new errno=EIO"), rename));
  EXPECT_FALSE(matches(rule("rename **/a to=**/a errno=EIO"), rename));
  EXPECT_TRUE(matches(rule("rename **/a.new to=**/a errno=EIO"), rename));
}

TEST(Plan, OpenIsEveryFormOfOpening) {
  node::Operation truncate;
  truncate.verb = node::Verb::kTruncate;
  truncate.path = "/x";
  EXPECT_TRUE(matches(rule("open ** errno=EMFILE"), truncate));
  truncate.change = std::make_shared<node::AttributeChange>();
  EXPECT_FALSE(matches(rule("open ** errno=EMFILE"), truncate));
  EXPECT_TRUE(matches(rule("truncate ** errno=EIO"), truncate));
  EXPECT_FALSE(concerns(rule("any ** errno=EIO"), node::Verb::kRead));
}

TEST(Errnos, EveryVerbButMarkHasSomeAndAllHaveNames) {
  for (int verb = 0; verb < static_cast<int>(node::Verb::kMark); ++verb) {
    const auto possible = errnos_for(static_cast<node::Verb>(verb));
    EXPECT_FALSE(possible.empty()) << to_string(static_cast<node::Verb>(verb));
    for (const int error : possible) {
      EXPECT_EQ(errno_from(errno_name(error)), error);
      EXPECT_NE(error, EAGAIN);
      EXPECT_NE(error, EINTR);
      EXPECT_NE(error, ENOSYS);
    }
  }
  EXPECT_TRUE(errnos_for(node::Verb::kMark).empty());
  EXPECT_EQ(errno_from("EOOPS"), std::nullopt);
  EXPECT_EQ(errno_from(""), std::nullopt);
}

TEST(Errnos, OfACallThatWasMade) {
  node::Operation create;
  create.verb = node::Verb::kCreate;
  const auto plain = errnos_for(create);
  EXPECT_EQ(std::ranges::count(plain, EEXIST), 0);
  create.flags = O_EXCL;
  const auto exclusive = errnos_for(create);
  EXPECT_EQ(std::ranges::count(exclusive, EEXIST), 1);
}

}  // namespace
}  // namespace entryproof::faults
