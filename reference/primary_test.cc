#include "reference/primary.h"

#include <gtest/gtest.h>

#include "reference/memory_host_test_support.h"

namespace reference {
namespace {

const std::string kDirectory = "/net.d";
const std::string kBridge = R"({"cniVersion":"0.3.1","name":"b","type":"bridge"})";
const std::string kCalico = R"({"cniVersion":"1.0.0","name":"c","plugins":[{"type":"calico"}]})";
const std::string kMultus = R"({"cniVersion":"0.3.1","name":"m","type":"multus","delegates":[]})";

Selection select(MemoryHost& host, const std::string& name = "", bool renamed = false) {
  return select_primary(host, {.directory = kDirectory, .file_name = name, .renamed = renamed, .excluded = {"/net.d/00-multus.conf"}});
}

std::string chosen(MemoryHost& host, const std::string& name = "", bool renamed = false) {
  const Selection selection = select(host, name, renamed);
  return selection.primary ? selection.primary->path : "none: " + selection.problem->text;
}

TEST(Primary, TakesTheFirstAsTheRuntimeSorts) {  // CONF-33
  MemoryHost host;
  host.put("/net.d/9-z.conf", kBridge);
  host.put("/net.d/10-b.conflist", kCalico);
  host.put("/net.d/10_c.conf", kBridge);
  EXPECT_EQ(chosen(host), "/net.d/10-b.conflist");
  host.put("/net.d/10-a.json", kBridge);
  EXPECT_EQ(chosen(host), "/net.d/10-a.json");
  host.put("/net.d/10-A.conf", kBridge);
  EXPECT_EQ(chosen(host), "/net.d/10-A.conf");
}

TEST(Primary, SkipsWhatTheRuntimeCouldNotLoad) {  // CONF-33, CONF-35
  MemoryHost host;
  host.put("/net.d/00-multus.conf", kBridge);  // ours, whatever stands in it now
  host.put("/net.d/01-a.conf.bak", kBridge);
  host.put_directory("/net.d/02-directory.conf");
  host.put_link("/net.d/03-dangling.conf", "nowhere");
  host.put("/net.d/04-half.conf", kBridge.substr(0, 20));
  host.put("/net.d/05-empty.conf", "");
  host.put_fifo("/net.d/06-fifo.conf");
  host.put("/net.d/07-list.conf", kCalico);
  host.put("/net.d/08-single.conflist", kBridge);
  host.put("/net.d/09-huge.conf", kBridge + std::string(kConfigurationCap, ' '));
  host.put("/net.d/09-name with blanks.conf", kBridge);
  EXPECT_EQ(chosen(host), "/net.d/09-name with blanks.conf");
  EXPECT_EQ(select(host).skipped.size(), 7U);
  EXPECT_EQ(host.open_descriptors(), 0);
}

TEST(Primary, NeverTakesMultusUnderAnyName) {  // CONF-30, UPGRADE-M2, UPGRADE-M6
  const std::string nested = R"({"cniVersion":"0.3.1","name":"x","type":"multus-shim","delegates":[)" + kMultus + "]}";
  for (const std::string& text : std::initializer_list<std::string>{
           kMultus, nested, R"({"cniVersion":"1.0.0","name":"x","plugins":[{"type":"tuning"},{"type":"multus"}]})",
           R"({"cniVersion":"0.3.1","name":"x","type":"other","delegates":[{"type":"bridge"},{"plugins":[{"type":"multus"}]}]})",
           R"({"cniVersion":"0.3.1","name":"x","type":"bridge","Type":"multus"})",
           R"({"cniVersion":"0.3.1","name":"x","type":"bridge","delegate\u017f":[{"TYPE":"multus"}]})",  // Go folds the long s
           R"({"cniVersion":"0.3.1","name":"x","type":"m\u0075ltus"})",
           R"({"cniVersion":"0.3.1","name":"x","type":"flannel","delegate":{"type":"multus"}})"}) {
    for (const char* name : {"05-multus.conf", "70-multus.conf", "00-multus.conf.json", "a.conflist", ".hidden.conf"}) {
      MemoryHost host;
      host.put(std::string("/net.d/") + name, text);
      EXPECT_TRUE(chosen(host).starts_with("none: ")) << text;
      EXPECT_TRUE(chosen(host, name).starts_with("none: ")) << text;
    }
  }
  MemoryHost host;
  host.put("/net.d/70.conf", R"({"cniVersion":"0.3.1","name":"multus","type":"bridge","ipam":{"type":"multus-ipam"}})");
  EXPECT_EQ(chosen(host), "/net.d/70.conf");
}

TEST(Primary, TakesTheNamedOne) {  // CONF-33
  MemoryHost host;
  host.put("/net.d/10-a.conf", kBridge);
  host.put("/net.d/calico.cfg", kCalico);
  EXPECT_EQ(chosen(host, "calico.cfg"), "/net.d/calico.cfg");
  const Selection none = select(host, "missing.conf");
  ASSERT_TRUE(none.problem);
  EXPECT_EQ(none.problem->exit_code, kExitNoInput);
}

TEST(Primary, ARenamedOneStandsInUntilTheRealOneIsBack) {  // UPGRADE-48
  MemoryHost host;
  host.put("/net.d/10-a.conf.old", kBridge);
  EXPECT_TRUE(chosen(host).starts_with("none: "));
  EXPECT_EQ(chosen(host, "", true), "/net.d/10-a.conf.old");
  EXPECT_EQ(chosen(host, "10-a.conf", true), "/net.d/10-a.conf.old");
  host.put("/net.d/20-a.conf", kBridge);
  EXPECT_EQ(chosen(host, "", true), "/net.d/20-a.conf");
}

TEST(Primary, TellsWhenAnEarlierOneMayBeInTheMaking) {  // ORDER-41
  MemoryHost host;
  host.put("/net.d/20-b.conf", kBridge);
  EXPECT_FALSE(select(host).unfinished);
  host.put("/net.d/10-a.conf", kMultus);
  EXPECT_FALSE(select(host).unfinished);
  host.put("/net.d/30-c.conf", "");
  EXPECT_FALSE(select(host).unfinished);
  host.put("/net.d/10-a.conf", kBridge.substr(0, 10));
  EXPECT_TRUE(select(host).unfinished);
  EXPECT_EQ(chosen(host), "/net.d/20-b.conf");
}

TEST(Primary, FindsTheOneThatWasSetAside) {  // UPGRADE-48
  MemoryHost host;
  host.put("/net.d/05-x.conf.old", kCalico);
  host.put("/net.d/10-a.conf.old", kBridge);
  host.put("/net.d/notes.old", kBridge);
  EXPECT_EQ(find_set_aside(host, "/net.d", kBridge), "/net.d/10-a.conf.old");
  EXPECT_EQ(find_set_aside(host, "/net.d", "{}"), "");
  EXPECT_EQ(find_set_aside(host, "/none", kBridge), "");
  host.before = [](std::string_view verb, const std::string&) { return verb == "read" ? std::optional(5) : std::nullopt; };
  EXPECT_FALSE(find_set_aside(host, "/net.d", kBridge));
  host.before = nullptr;
  host.put("/net.d/10-a.conf", kBridge);  // its owner has written it anew
  EXPECT_EQ(find_set_aside(host, "/net.d", kBridge), "");
}

TEST(Primary, JudgesTypes) {  // CONF-35: what made others panic
  const auto judge = [](const std::string& text, Shape shape = Shape::kEither) {
    return judge_primary("/p", FileStatus{}, text, shape).has_value();
  };
  EXPECT_TRUE(judge(kBridge));
  EXPECT_TRUE(judge(kCalico));
  EXPECT_TRUE(judge(R"({"cniVersion":"0.3.1","type":"x"})"));
  EXPECT_TRUE(judge(R"({"cniVersion":"1.1.0","name":"x","plugins":[{"type":"x","capabilities":null}]})"));
  for (const char* text : {"null",
                           "[]",
                           "\"x\"",
                           "{}",
                           R"({"type":"x"})",
                           R"({"CNIVersion":"0.3.1","type":"x"})",
                           R"({"cniVersion":1,"type":"x"})",
                           R"({"cniVersion":null,"type":"x"})",
                           R"({"cniVersion":"","type":"x"})",
                           R"({"cniVersion":"abc","type":"x"})",
                           R"({"cniVersion":"1.0.0\"","type":"x"})",
                           R"({"cniVersion":"1","type":"x"})",
                           R"({"cniVersion":"1.0.0.0","type":"x"})",
                           R"({"cniVersion":"0.3.1"})",
                           R"({"cniVersion":"0.3.1","type":5})",
                           R"({"cniVersion":"0.3.1","type":""})",
                           R"({"cniVersion":"0.3.1","type":"x","name":5})",
                           R"({"cniVersion":"0.3.1","type":"x","capabilities":[]})",
                           R"({"cniVersion":"0.3.1","type":"x","capabilities":{"a":1}})",
                           R"({"cniVersion":"1.0.0","plugins":{}})",
                           R"({"cniVersion":"1.0.0","plugins":[]})",
                           R"({"cniVersion":"1.0.0","plugins":null})",
                           R"({"cniVersion":"1.0.0","plugins":["x"]})",
                           R"({"cniVersion":"1.0.0","plugins":[{"a":1}]})",
                           R"({"cniVersion":"0.3.1","type":"x","n":1e400})"}) {
    EXPECT_FALSE(judge(text)) << text;
  }
}

TEST(Primary, GathersCapabilities) {
  const auto primary =
      judge_primary("/p", FileStatus{},
                    R"({"cniVersion":"1.0.0","name":"n","plugins":[{"type":"a","capabilities":{"portMappings":true,"x":true}},
                                        {"type":"b","capabilities":{"x":false,"bandwidth":true}}]})",
                    Shape::kList);
  ASSERT_TRUE(primary);
  EXPECT_EQ(primary->capabilities, (std::map<std::string, bool>{{"bandwidth", true}, {"portMappings", true}, {"x", false}}));
}

}  // namespace
}  // namespace reference
