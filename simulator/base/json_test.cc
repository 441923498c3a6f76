#include "simulator/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include <rapidcheck/gtest.h>

namespace entryproof {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  const auto document = JsonDocument::parse(text, "x.json", limits);
  return document ? "accepted: " + document->value().dump() : document.error().line();
}

TEST(Json, KeepsValuesAndTheirLines) {
  const auto document = JsonDocument::parse("{\n  \"a\": [1,\n    2\n  ,{\"b/c~\": \n null}],\n \"n\": -1.5e3 }\n", "x.json");
  ASSERT_TRUE(document) << document.error().line();
  EXPECT_EQ(document->value().dump(), R"({"a":[1,2,{"b/c~":null}],"n":-1500.0})");
  EXPECT_EQ(document->line_of(""), 1);
  EXPECT_EQ(document->line_of("/a"), 2);
  EXPECT_EQ(document->line_of("/a/0"), 2);
  EXPECT_EQ(document->line_of("/a/1"), 3);
  EXPECT_EQ(document->line_of("/a/2"), 4);
  EXPECT_EQ(document->line_of("/a/2/b~1c~0"), 5);
  EXPECT_EQ(document->line_of("/n"), 6);
  EXPECT_EQ(document->line_of("/a/2/none/deeper"), 4) << "the nearest ancestor stands for what is not there";
  EXPECT_EQ(document->where("/n"), "x.json:6 (/n)");
  EXPECT_EQ(document->refuse("/n", "too small").error().line(), "x.json:6 (/n): too small");
}

TEST(Json, KeepsIntegersAndDepthOne) {
  const auto document = JsonDocument::parse("18446744073709551615", "x.json");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->value().get<std::uint64_t>(), 18446744073709551615U);
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  EXPECT_THAT(refusal("{\"a\": 1,\n \"a\": 2}"), HasSubstr("x.json:2 (/a): duplicate key"));
  EXPECT_THAT(refusal("{\"o\": {\"a\": 1, \"a\": 1}}"), HasSubstr("(/o/a): duplicate key"));
  EXPECT_THAT(refusal("[1, // no\n 2]"), HasSubstr("x.json:1: "));
  EXPECT_THAT(refusal("[1,\n2,]"), HasSubstr("x.json:2"));
  EXPECT_THAT(refusal("\xEF\xBB\xBF{}"), HasSubstr("byte order mark"));
  EXPECT_THAT(refusal("\"\xC3\x28\""), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal("\"\xED\xA0\x80\""), HasSubstr("UTF-8")) << "an encoded surrogate";
  EXPECT_THAT(refusal("\"\\ud800\""), HasSubstr("surrogate"));
  EXPECT_THAT(refusal(""), HasSubstr("x.json:1"));
  EXPECT_THAT(refusal("{} {}"), HasSubstr("x.json:1"));
  EXPECT_THAT(refusal("01"), HasSubstr("x.json:1"));
  EXPECT_THAT(refusal("NaN"), HasSubstr("x.json:1"));
  EXPECT_THAT(refusal("1e400"), HasSubstr("x.json:1"));
  EXPECT_THAT(refusal(std::string_view("1\n\0]", 4)), HasSubstr("x.json:2: a NUL"));
  EXPECT_THAT(refusal("\"a\nb\""), HasSubstr("x.json:")) << "a line break inside a string";
}

TEST(Json, RefusesPastItsCaps) {
  const JsonLimits limits{.bytes = 40, .depth = 3, .values = 5};
  EXPECT_THAT(refusal("[[[]]]", limits), HasSubstr("accepted"));
  EXPECT_THAT(refusal("[[[[]]]]", limits), HasSubstr("(/0/0/0): nested deeper than 3"));
  EXPECT_THAT(refusal("[1,2,3,4]", limits), HasSubstr("accepted"));
  EXPECT_THAT(refusal("[1,2,3,4,5]", limits), HasSubstr("(/4): more than 5 values"));
  EXPECT_THAT(refusal(std::string(41, ' '), limits), HasSubstr("more than 40 bytes"));
  const auto deep = JsonDocument::parse(std::string(100'000, '['), "x.json");
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::kLimit);
}

TEST(Json, MessagesAreShortLines) {
  const std::string message = refusal("[\"" + std::string(5000, 'a') + "\" \"" + std::string(5000, 'b') + "\"]");
  EXPECT_LT(message.size(), 300U);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(Json, LoadsFilesAndSaysWhichOneIsMissing) {
  const std::string path = ::testing::TempDir() + "json_test.json";
  std::ofstream(path) << "[true]";
  const auto document = JsonDocument::load(path);
  ASSERT_TRUE(document) << document.error().line();
  EXPECT_EQ(document->name(), path);
  EXPECT_THAT(JsonDocument::load(path, {.bytes = 3}).error().line(), HasSubstr("more than 3 bytes"));
  EXPECT_THAT(JsonDocument::load(path + ".none").error().line(), HasSubstr("ENOENT"));
  EXPECT_THAT(JsonDocument::load("/").error().line(), HasSubstr("not a regular file"));
  std::remove(path.c_str());
}

// Any bytes are parsed or refused, and what is accepted is what the library alone would have read.
RC_GTEST_PROP(JsonProperty, NeverFallsOverAndAgreesWithTheLibrary, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-0.5", "null", "true", " ", "\n", "\xFF", "\"\\u00e9\""));
  std::string text;
  for (const auto& piece : pieces) text += piece;
  const auto document = JsonDocument::parse(text, "x.json");
  const auto plain = nlohmann::json::parse(text, nullptr, false);
  if (document) {
    RC_ASSERT(document->value() == plain);
  } else if (!plain.is_discarded()) {
    RC_ASSERT(document.error().message.find("duplicate key") != std::string::npos);
  }
}

}  // namespace
}  // namespace entryproof
