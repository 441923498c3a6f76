#include "simulator/oracles/cni_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/oracles/test_lab.h"

namespace entryproof::oracles {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CniConfig, ReadsWhatEntrypointsOfTheFieldPublish) {
  const CniConfig plain = parse_cni_config(lab::multus_conf(lab::kFlannel), false);
  EXPECT_TRUE(plain.own()) << plain.error;
  EXPECT_EQ(plain.name, "multus-cni-network");
  EXPECT_EQ(plain.cni_version, "0.3.1");
  EXPECT_EQ(plain.kubeconfig, lab::kKubeconfig);
  EXPECT_THAT(plain.delegate_types, ElementsAre("flannel"));
  EXPECT_TRUE(plain.capabilities.at("portMappings"));
  EXPECT_FALSE(plain.self_delegating);
  EXPECT_EQ(plain.multus_depth, 1U);

  EXPECT_TRUE(parse_cni_config(lab::multus_conf_3_9_3(lab::kFlannel), false).own());
  const CniConfig list = parse_cni_config(lab::multus_conflist(lab::kFlannel), true);
  EXPECT_TRUE(list.own()) << list.error;
  EXPECT_EQ(list.kubeconfig, lab::kKubeconfig);
  EXPECT_EQ(list.cni_version, "1.0.0");
}

TEST(CniConfig, APrimaryIsNobodysOwn) {
  const CniConfig primary = parse_cni_config(lab::kFlannel, true);
  EXPECT_TRUE(primary.accepted());
  EXPECT_FALSE(primary.own());
  EXPECT_THAT(primary.types, ElementsAre("flannel", "portmap"));
}

TEST(CniConfig, FindsMultusAtAnyDepth) {
  const std::string once = lab::multus_conf(lab::kFlannel);
  for (const std::string& delegate :
       {once, lab::multus_conflist(lab::kFlannel), std::string(R"({"name":"x","plugins":[{"type":"bridge"},{"type":"multus-shim"}]})"),
        R"({"type":"other","delegates":[{"plugins":[)" + once + "]}]}"}) {
    const CniConfig config = parse_cni_config(lab::multus_conf(delegate), false);
    EXPECT_TRUE(config.self_delegating) << delegate;
    EXPECT_EQ(config.multus_depth, 2U);
  }
  EXPECT_EQ(parse_cni_config(lab::multus_conf(lab::multus_conf(once)), false).multus_depth, 3U);
}

struct Refused {
  std::string text;
  bool list;
  const char* reason;
};

class RefusedTable : public testing::TestWithParam<Refused> {};

TEST_P(RefusedTable, SaysWhy) {
  const CniConfig config = parse_cni_config(GetParam().text, GetParam().list);
  EXPECT_FALSE(config.accepted());
  EXPECT_FALSE(config.own());
  EXPECT_THAT(config.error, HasSubstr(GetParam().reason));
}

const std::string kGood = R"({"cniVersion":"0.3.1","name":"n","type":"multus"})";
INSTANTIATE_TEST_SUITE_P(
    CniConfig, RefusedTable,
    testing::Values(Refused{"", false, "empty"}, Refused{kGood.substr(0, 20), false, "not JSON"}, Refused{kGood + "}", false, "not JSON"},
                    Refused{kGood + std::string(100, '\0'), false, "NUL"}, Refused{"\xEF\xBB\xBF" + kGood, false, "byte order mark"},
                    Refused{"// x\n" + kGood, false, "not JSON"}, Refused{"[]", false, "no object"}, Refused{"null", false, "no object"},
                    Refused{R"({"name":"n"})", false, "type is missing"}, Refused{R"({"type":"multus"})", false, "name is missing"},
                    Refused{R"({"name":5,"type":"multus"})", false, "name is no text"},
                    Refused{R"({"cniVersion":1,"name":"n","type":"multus"})", false, "cniVersion is no text"},
                    Refused{R"({"name":"n","type":"multus","capabilities":{"a":1}})", false, "capability"},
                    Refused{R"({"name":"n","type":"multus","capabilities":[]})", false, "capabilities"}, Refused{kGood, true, "no plugins"},
                    Refused{R"({"name":"n","plugins":[]})", true, "no plugins"},
                    Refused{R"({"name":"n","plugins":{}})", true, "no plugins"},
                    Refused{R"({"name":"n","plugins":["x"]})", true, "no object"}, Refused{R"({"name":"n","plugins":[{}]})", true, "type"},
                    Refused{R"({"name":"n","plugins":[{"type":"multus"}]})", false, "type is missing"},
                    Refused{std::string(100'000, '['), false, "nested deeper"}));

TEST(CniConfig, ForgivesWhatGoForgives) {
  EXPECT_TRUE(parse_cni_config(R"({"name":"a","name":"b","type":"multus","cniVersion":null})", false).own());
  EXPECT_EQ(parse_cni_config(R"({"name":"a","name":"b","type":"multus"})", false).name, "b");
  EXPECT_EQ(parse_cni_config("{\"name\":\"a\xFF\",\"type\":\"multus\"}", false).name, "a\xEF\xBF\xBD");
}

TEST(CniConfig, ExtensionsDecideWhatIsLoaded) {
  for (const char* name : {"10-a.conf", "a.conflist", "b.json", ".hidden.conf", ".conf"}) EXPECT_TRUE(is_loadable_name(name)) << name;
  for (const char* name : {"10-a.conf.new", "a.CONF", "conf", "a.conf~", "70-multus.conf.temp12", ""})
    EXPECT_FALSE(is_loadable_name(name)) << name;
}

TEST(CniConfig, DeepNestingWithinTheCapIsWalked) {
  std::string text = lab::kFlannel;
  for (int i = 0; i < 200; ++i) text = R"({"name":"n","type":"multus","delegates":[)" + text + "]}";
  EXPECT_EQ(parse_cni_config(text, false).multus_depth, 200U);
}

TEST(JsonDifference, ComparesByValueOrLosslessly) {
  const auto value = [](const char* a, const char* b) { return json_difference(a, b, JsonEquality::kValue); };
  const auto lossless = [](const char* a, const char* b) { return json_difference(a, b, JsonEquality::kLossless); };
  EXPECT_EQ(value(R"({"a":1,"b":[2,null]})", R"({ "b" : [2.0, null], "a": 1e0 })"), "");
  EXPECT_NE(lossless(R"({"a":1})", R"({"a":1.0})"), "");
  EXPECT_EQ(value(R"([9007199254740993])", "[9007199254740992]"), "") << "what a double cannot tell apart is no core matter";
  EXPECT_EQ(lossless("[9007199254740993]", "[9007199254740992]"), "/0: 9007199254740993 became 9007199254740992");
  EXPECT_NE(lossless("[1000000000000000000000]", "[1e+21]"), "");
  EXPECT_EQ(lossless("[1.0, 1e3, 1E+2, -0, 0.50, 1e-3, 12.5e1]", "[1, 1000, 100, 0, 5e-1, 0.001, 125]"), "");
  EXPECT_NE(lossless("[100]", "[1e2]"), "") << "an integer's reader takes no float";
  EXPECT_NE(lossless("[0.1]", "[0.10000000000000001]"), "");
  EXPECT_NE(lossless("[-1.5]", "[1.5]"), "");
  EXPECT_EQ(lossless("[1e-999999999999]", "[1e-999999999999]"), "");
  EXPECT_NE(lossless("[1e-999999999999]", "[1e-999999999998]"), "");
  EXPECT_EQ(lossless(R"("\u003c\u2028")", "\"<\xE2\x80\xA8\""), "") << "escapes are writing, not value";
  EXPECT_EQ(value(R"({"a":1})", R"({"a":1,"b":2})"), "/b: was added");
  EXPECT_EQ(value(R"({"a":1,"b":2})", R"({"a":1})"), "/b: is missing");
  EXPECT_EQ(value("[1]", "[1,2]"), "the document: 1 elements became 2");
  EXPECT_EQ(value("0", "false"), "the document: 0 became false");
  EXPECT_THAT(value("{}", "{"), HasSubstr("what is there is not JSON"));
}

TEST(JsonDifference, SubsetsOfObjectsAndExactArrays) {
  EXPECT_EQ(json_subset_difference(R"({"a":{"b":1}})", R"({"a":{"b":1,"c":2},"d":3})"), "");
  EXPECT_EQ(json_subset_difference(R"({"a":[1]})", R"({"a":[1,2]})"), "/a: 1 elements became 2");
  EXPECT_EQ(json_subset_difference(R"({"a":[{"x":1}]})", R"({"a":[{"x":1,"y":2}]})"), "");
  EXPECT_EQ(json_subset_difference(R"({"z":1})", "{}"), "/z: is missing");
}

}  // namespace
}  // namespace entryproof::oracles
