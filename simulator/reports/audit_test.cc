#include "simulator/reports/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace entryproof::reports {
namespace {

using audit::Report;
using audit::Severity;
using testing::HasSubstr;
using testing::Not;

std::vector<Report> sample() {
  Report bad;
  bad.kind = Report::Kind::kManifest;
  bad.subject = "m.yaml:3: DaemonSet multus";
  bad.facts = {{"mode", "automatic"}};
  bad.findings = {{"UPGRADE-45", Severity::kRisk, "m.yaml", 0, "a risk", "it | may\nhappen", "do 50%"},
                  {"EXIST-01", Severity::kBroken, "a,b:c.yaml", 12, "no \x1b[31mkubeconfig", "Pods fail", "write it"}};
  bad.unread = {{"/etc/x", "EACCES"}};
  Report good;
  good.subject = "/mnt/node-1";
  good.facts = {{"token", "digest abc"}};
  return {bad, good};
}

TEST(AuditReport, TextBeginsWithTheWorstAndCountsAtTheEnd) {
  const std::string text = render_audit(sample(), {});
  EXPECT_LT(text.find("EXIST-01 a,b:c.yaml:12"), text.find("UPGRADE-45 m.yaml"));
  EXPECT_THAT(text, HasSubstr("\nnode /mnt/node-1: nothing found\n"));
  EXPECT_THAT(text, HasSubstr("/etc/x: EACCES; nothing is concluded from it"));
  EXPECT_TRUE(text.ends_with("2 subjects, 1 broken, 0 will-break, 1 risk, 1 unread\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("digest abc")));
  EXPECT_THAT(render_audit(sample(), {.whole = true}), HasSubstr("digest abc"));
  EXPECT_THAT(render_audit(sample(), {.color = true}), HasSubstr("\x1b[31mbroken"));
}

TEST(AuditReport, JsonIsOneObjectALineUnderFrozenNames) {
  std::istringstream lines(render_audit(sample(), {.format = AuditFormat::kJson}));
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 9U);
  EXPECT_EQ(objects[0], (nlohmann::json{{"kind", "audit"}, {"format", 1}}));
  EXPECT_EQ(objects[1]["type"], "manifest");
  std::set<std::string> names;
  for (const auto& [name, value] : objects[3].items()) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"kind", "subject", "clause", "severity", "file", "line", "what", "consequence", "remedy"}));
  EXPECT_EQ(objects[3]["clause"], "EXIST-01");
  EXPECT_EQ(objects[3]["severity"], "broken");
  EXPECT_EQ(objects[5]["kind"], "unread");
  EXPECT_EQ(objects[8], (nlohmann::json{{"kind", "footer"}, {"subjects", 2}, {"findings", 2}, {"exit", 1}}));
}

TEST(AuditReport, MarkdownAndGithubEscapeWhatWouldBreakThem) {
  EXPECT_THAT(render_audit(sample(), {.format = AuditFormat::kMarkdown}), HasSubstr(R"(it \| may\\nhappen)"));
  const std::string github = render_audit(sample(), {.format = AuditFormat::kGithub});
  EXPECT_THAT(github, HasSubstr("::error file=a%2Cb%3Ac.yaml,line=12,title=EXIST-01::no "));
  EXPECT_THAT(github, HasSubstr("::warning file=m.yaml,title=UPGRADE-45::"));
  EXPECT_THAT(github, HasSubstr("do 50%25\n"));
}

}  // namespace
}  // namespace entryproof::reports
