// Facts about what each release makes of a master's content: what it refuses and how, and what it changes on the way.
#include <gtest/gtest.h>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

std::function<void(Pod&)> master(const std::string& text) {
  return [=](Pod& pod) { pod.put(kMaster, text); };
}

// A master with these members beside the necessary ones.
std::function<void(Pod&)> with(const std::string& members) {
  return master(R"({"cniVersion":"0.3.1","name":"n","type":"t",)" + members + "}");
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

// A row for the shell and one for all of 4.x, from the same content.
struct Content {
  std::string name;
  std::function<void(Pod&)> arrange;
  std::string shell_ends;
  std::string thin_ends;
  std::vector<std::string> more = {};
};

std::vector<Row> endings() {
  const std::string bom = "\xef\xbb\xbf";
  const std::string good = R"({"cniVersion":"0.3.1","name":"n","type":"t"})";
  const std::vector<std::string> override_name = {"--override-network-name=true"};
  const std::vector<Content> contents = {
      {"truncated", master(R"({"cniVersion":"0.3.1",)"), "exit 1", "exit 0"},
      {"empty", master(""), "exit 1", "exit 0"},
      {"trailing garbage", master(good + " x"), "exit 1", "exit 0"},
      {"byte order mark", master(bom + good), "exit 1", "exit 0"},
      {"comment", master("// c\n" + good), "exit 1", "exit 0"},
      {"array", master("[]"), "exit 1", "exit 0"},
      {"string", master("\"x\""), "exit 1", "exit 0"},
      {"null", master("null"), "exit 1", "exit 0"},
      {"no version", master(R"({"name":"n","type":"t"})"), "exit 1", "exit 0"},
      {"version in capitals", master(R"({"CNIVERSION":"0.3.1","name":"n","type":"t"})"), "exit 1", "exit 0"},
      {"version a number", master(R"({"cniVersion":0.3,"name":"n","type":"t"})"), "runs", "exit 2"},
      {"version null", master(R"({"cniVersion":null,"name":"n","type":"t"})"), "runs", "exit 2"},
      {"version empty", master(R"({"cniVersion":"","name":"n","type":"t"})"), "runs", "runs"},
      {"version abc", master(R"({"cniVersion":"abc","name":"n","type":"t"})"), "runs", "runs"},
      {"version with quote", master(R"({"cniVersion":"0.3\"1","name":"n","type":"t"})"), "runs", "runs"},
      {"capability not bool", with(R"("plugins":[{"type":"t","capabilities":{"a":1}}])"), "runs", "exit 2"},
      {"capabilities a list", with(R"("plugins":[{"type":"t","capabilities":["a"]}])"), "exit 1", "exit 2"},
      {"capabilities null", with(R"("plugins":[{"type":"t","capabilities":null}])"), "exit 1", "exit 2"},
      {"capabilities at the top", with(R"("capabilities":{"portMappings":true})"), "exit 1", "runs"},
      {"plugins an object", with(R"("plugins":{"a":1})"), "runs", "exit 2"},
      {"plugins null", with(R"("plugins":null)"), "exit 1", "exit 2"},
      {"plugins strings", with(R"("plugins":["a"])"), "runs", "exit 2"},
      {"plugins none", with(R"("plugins":[])"), "runs", "runs"},
      {"no name to override with", master(R"({"cniVersion":"0.3.1","type":"t"})"), "exit 1", "exit 0", override_name},
      {"name a number to override with", master(R"({"cniVersion":"0.3.1","name":5,"type":"t"})"), "runs", "exit 2", override_name},
      {"name with quote to override with", master(R"({"cniVersion":"0.3.1","name":"a\"b","type":"t"})"), "runs", "runs", override_name},
      {"1e400", with(R"("n":1e400)"), "runs", "exit 0"},
      {"duplicate keys", with(R"("n":1,"n":2)"), "runs", "runs"},
      {"broken UTF-8", with("\"n\":\"\xff\""), "exit 1", "runs"},
      {"9000 levels", with("\"n\":" + nested(8999)), "exit 1", "runs"},
      {"10001 levels", with("\"n\":" + nested(10000)), "exit 1", "exit 0"},
  };
  std::vector<Row> rows;
  for (const Content& content : contents) {
    const auto kubeconfig_stays = [](bool conf) {
      return [conf](Pod& pod) {
        EXPECT_TRUE(pod.exists(kKubeconfig));
        EXPECT_EQ(pod.exists(kConf), conf);
      };
    };
    rows.push_back({content.name, kShellOnly, content.arrange, in_auto(content.more), content.shell_ends,
                    kubeconfig_stays(content.shell_ends == "runs")});
    rows.push_back({content.name, kThinOnes, content.arrange, in_auto(content.more), content.thin_ends,
                    kubeconfig_stays(content.thin_ends == "runs")});
  }
  return rows;
}

std::vector<Row> values() {
  const std::vector<std::string> override_name = {"--override-network-name=true"};
  const std::string numbers = R"("a":9007199254740993,"b":1000000000000000000000,"c":123456789012345678901234,"d":1.0,"e":1e3)";
  const auto two_plugins =
      with(R"("plugins":[{"type":"a","capabilities":{"x":true,"y":true,"z":false}},{"type":"b","capabilities":{"y":false}}])");
  const auto blanks = with(R"("n":"a   b * c")");
  const auto in_working_directory = all_of({says(kConf, "a b "), [](Pod& pod) {
                                              for (const std::string& name : pod.names("/")) says(kConf, " " + name)(pod);
                                            }});
  return {
      {"numbers kept", kShellOnly, with(numbers), in_auto(), "runs", says(kConf, numbers)},
      {"numbers through float64", kThinOnes, with(numbers), in_auto(), "runs",
       says(kConf,
            R"({"a":9007199254740992,"b":1e+21,"c":1.2345678901234569e+23,"cniVersion":"0.3.1","d":1,"e":1000,"name":"n","type":"t"})")},
      {"1e400 kept", kShellOnly, with(R"("n":1e400)"), in_auto(), "runs", says(kConf, R"("n":1e400)")},
      {"escapes", kThinOnes, with("\"n\":\"<>&\xe2\x80\xa8\\u00e9\""), in_auto(), "runs",
       says(kConf, "\"n\":\"\\u003c\\u003e\\u0026\\u2028\xc3\xa9\"")},
      {"duplicates kept", kShellOnly, with(R"("n":1,"n":2)"), in_auto(), "runs", says(kConf, R"("n":1,"n":2)")},
      {"last duplicate", kThinOnes, with(R"("n":1,"n":2)"), in_auto(), "runs", says(kConf, R"("n":2,"name")")},
      {"replacement character", kThinOnes, with("\"n\":\"a\xff\xfe\""), in_auto(), "runs",
       says(kConf, "\"n\":\"a\xef\xbf\xbd\xef\xbf\xbd\"")},
      {"true capabilities", kShellOnly, two_plugins, in_auto(), "runs", says(kConf, R"("capabilities": {"x": true, "y": true},)")},
      {"all capabilities", kThinOnes, two_plugins, in_auto(), "runs", says(kConf, R"("capabilities": {"x":true,"y":false,"z":false},)")},
      {"blanks and stars fall apart", kShellOnly, blanks, in_auto(), "runs", in_working_directory},
      {"blanks and stars kept", kThinOnes, blanks, in_auto(), "runs", says(kConf, R"("n":"a   b * c")")},
      {"name a number", kShellOnly, master(R"({"cniVersion":"0.3.1","name":5,"type":"t"})"), in_auto(override_name), "runs",
       says(kConf, R"("name": "5")")},
      {"name with quote", kAllVersions, master(R"({"cniVersion":"0.3.1","name":"a\"b","type":"t"})"), in_auto(override_name), "runs",
       says(kConf, R"("name": "a"b",)")},
      {"version with quote", kThinOnes, master(R"({"cniVersion":"0.3\"1","name":"n","type":"t"})"), in_auto(), "runs",
       says(kConf, R"("cniVersion": "0.3"1",)")},
      {"version passed on", kThinOnes, master(R"({"cniVersion":"abc","name":"n","type":"t"})"), in_auto(), "runs",
       says(kConf, R"("cniVersion": "abc",)")},
  };
}

class MasterContent : public testing::TestWithParam<Row> {};
TEST_P(MasterContent, Fact) { play(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Endings, MasterContent, testing::ValuesIn(endings()), row_name);
INSTANTIATE_TEST_SUITE_P(Values, MasterContent, testing::ValuesIn(values()), row_name);

}  // namespace
}  // namespace entryproof::subjects::predecessor
