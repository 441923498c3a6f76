#include "simulator/base/yaml.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

namespace entryproof {
namespace {

using Kind = YamlNode::Kind;

struct Typed {
  const char* text;
  Kind kind;
  const char* value;
};

class YamlScalar : public testing::TestWithParam<Typed> {};

TEST_P(YamlScalar, HasTheTypeThatClientsGiveIt) {
  const Result<YamlNode> node = parse_yaml(std::string("key: ") + GetParam().text + "\n");
  ASSERT_TRUE(node) << node.error().message;
  const YamlNode* value = node->find("key");
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(value->kind, GetParam().kind);
  EXPECT_EQ(value->text, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(Yaml, YamlScalar,
                         testing::Values(Typed{"", Kind::kNull, ""}, Typed{"~", Kind::kNull, "~"}, Typed{"null", Kind::kNull, "null"},
                                         Typed{"\"null\"", Kind::kString, "null"}, Typed{"true", Kind::kBool, "true"},
                                         Typed{"yes", Kind::kBool, "true"}, Typed{"off", Kind::kBool, "false"},
                                         Typed{"'true'", Kind::kString, "true"}, Typed{"12345", Kind::kInteger, "12345"},
                                         Typed{"\"12345\"", Kind::kString, "12345"}, Typed{"0x1F", Kind::kInteger, "0x1F"},
                                         Typed{"1_000", Kind::kInteger, "1_000"}, Typed{"1.5", Kind::kFloat, "1.5"},
                                         Typed{"-.inf", Kind::kFloat, "-.inf"}, Typed{"1e3", Kind::kFloat, "1e3"},
                                         Typed{"10.96.0.1", Kind::kString, "10.96.0.1"}, Typed{"2026-01-01", Kind::kString, "2026-01-01"},
                                         Typed{"eyJhbGciOi.J9.x-_", Kind::kString, "eyJhbGciOi.J9.x-_"},
                                         Typed{"!!str 5", Kind::kString, "5"}, Typed{"|\n  a\n  b", Kind::kString, "a\nb\n"},
                                         Typed{"\"tok-AAA\n  \"", Kind::kString, "tok-AAA "}));

class YamlRefused : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(YamlRefused, SaysWhyAndWhere) {
  const Result<YamlNode> node = parse_yaml(GetParam().first);
  ASSERT_FALSE(node);
  EXPECT_NE(node.error().message.find(GetParam().second), std::string::npos) << node.error().message;
}

INSTANTIATE_TEST_SUITE_P(Yaml, YamlRefused,
                         testing::Values(std::pair{"", "empty"}, std::pair{"a: 1\nb: 2\na: 3\n", "line 3: a key that is there already"},
                                         std::pair{"a: &x 1\n", "anchor"}, std::pair{"a: *x\n", "alias"},
                                         std::pair{"<<: {a: 1}\n", "merge"}, std::pair{"a: 1\n---\nb: 2\n", "more than one"},
                                         std::pair{"? [a]\n: 1\n", "key"}, std::pair{"a: !!binary aGk=\n", "tag"},
                                         std::pair{"a: !!int x\n", "tag"},
                                         std::pair{"token: \"a\"b\"\n", "line 1: did not find expected key"},
                                         std::pair{"token: \"a\\q\"\n", "unknown escape"},
                                         std::pair{"url: https://10.96.0.1:\nx: [", "line"}));

TEST(Yaml, ReadsAllDocumentsOfAStream) {
  const auto documents = parse_yaml_documents("# nothing\n---\na: 1\n---\n---\n# nothing\n---\n- 2\n...\n");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ(documents->at(0).find("a")->text, "1");
  EXPECT_EQ(documents->at(1).items.at(0).line, 8U);
  EXPECT_TRUE(parse_yaml_documents("")->empty());
  EXPECT_FALSE(parse_yaml_documents("a: 1\n---\nb: *x\n"));
  EXPECT_FALSE(parse_yaml_documents("a: 1\n---\nb: 1\n", {.nodes = 4}));  // together they are too many
}

TEST(Yaml, KeepsOrderItemsAndLines) {
  const Result<YamlNode> node = parse_yaml("b: [1, two]\na:\n  c: {d: e}\n");
  ASSERT_TRUE(node);
  ASSERT_EQ(node->members.size(), 2U);
  EXPECT_EQ(node->members[0].name, "b");
  EXPECT_EQ(node->find("b")->items[1].text, "two");
  EXPECT_EQ(node->find("a")->find("c")->find("d")->line, 3U);
  EXPECT_EQ(node->find("nowhere"), nullptr);
}

TEST(Yaml, StopsAtItsCaps) {
  EXPECT_EQ(parse_yaml("a: b\n", {.bytes = 3}).error().code, ErrorCode::kLimit);
  EXPECT_EQ(parse_yaml(std::string(100, '[') + std::string(100, ']')).error().code, ErrorCode::kLimit);
  EXPECT_EQ(parse_yaml("[1, 2, 3, 4]", {.nodes = 4}).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(parse_yaml("[1, 2, 3]", {.nodes = 4}));
}

TEST(Yaml, ErrorsDoNotQuoteTheDocument) {
  const Result<YamlNode> node = parse_yaml("token: \"SECRET-SECRET\"SECRET\n");
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().line().find("SECRET"), std::string::npos);
}

RC_GTEST_PROP(Yaml, SurvivesAnyBytes, (const std::string& bytes)) {
  const Result<YamlNode> node = parse_yaml(bytes, {.bytes = 4096, .depth = 8, .nodes = 64});
  if (!node) RC_ASSERT(!node.error().message.empty());
}

RC_GTEST_PROP(Yaml, SurvivesAnyArrangementOfItsSigns, ()) {
  const auto bytes = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab:-?[]{},&*!|>'\"%@#~ \n\t0\\<\xC3\xA9")));
  const Result<YamlNode> node = parse_yaml(bytes);
  if (!node) RC_ASSERT(!node.error().message.empty());
}

}  // namespace
}  // namespace entryproof
