#include "reference/json.h"

#include <gtest/gtest.h>

namespace reference::json {
namespace {

std::string compacted(const std::string& text) {
  const auto document = Document::parse(text);
  return document ? document->root().compact() : "error: " + document.error();
}

TEST(Json, KeepsEveryToken) {  // D-14: numbers that pass through a double change
  for (const std::string text : {"9007199254740993", "123456789012345678901234", "1.0", "1e3", "1E+3", "1e400", "-0", "-0.0e-0",
                                 R"({"z":1,"a":2,"m":{"b":[],"a":{}}})", R"("\u003c\/\ud83d\ude00é \" \\")", "[true,false,null]",
                                 "\"\xf0\x9f\x98\x80\"", R"({"":""})"}) {
    EXPECT_EQ(compacted(text), text);
  }
  EXPECT_EQ(compacted(" {\n\t\"a b\" : [ 1 , \"x  *  y\" ] }\r\n"), R"({"a b":[1,"x  *  y"]})");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const std::string text : {"",
                                 " ",
                                 "{",
                                 "[",
                                 "}",
                                 "]",
                                 "[1,]",
                                 "[,1]",
                                 "[1,,2]",
                                 "[1 2]",
                                 "{\"a\":1,}",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{a:1}",
                                 "{1:2}",
                                 "{,}",
                                 "[1}",
                                 "01",
                                 "1.",
                                 ".5",
                                 "+1",
                                 "1e",
                                 "1e+",
                                 "-",
                                 "--1",
                                 "0x1",
                                 "NaN",
                                 "Infinity",
                                 "tru",
                                 "True",
                                 "'a'",
                                 "\"",
                                 "\"\\",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\u12g4\"",
                                 "\"\n\"",
                                 "1 2",
                                 "{} {}",
                                 "// c\n1",
                                 "/**/1",
                                 "\xef\xbb\xbf{}",
                                 "\"\xff\"",
                                 "\"\xc0\x80\"",
                                 "\"\xed\xa0\x80\"",
                                 "\"\xf4\x90\x80\x80\"",
                                 "\"\\ud800\"",
                                 "\"\\udc00\"",
                                 "\"\\ud800\\u0041\"",
                                 "\"\\ud800x\""}) {
    EXPECT_TRUE(compacted(text).starts_with("error: ")) << text;
  }
  EXPECT_TRUE(compacted(std::string("1\0", 2)).starts_with("error: "));
  EXPECT_TRUE(compacted(std::string("\"a\0\"", 4)).starts_with("error: "));
}

TEST(Json, RefusesDuplicateKeysHoweverTheyAreSpelt) {
  EXPECT_TRUE(compacted(R"({"a":1,"a":2})").starts_with("error: "));
  EXPECT_TRUE(compacted(R"({"a":1,"\u0061":2})").starts_with("error: "));
  EXPECT_EQ(compacted(R"({"a":{"a":1},"b":{"a":1}})"), R"({"a":{"a":1},"b":{"a":1}})");
}

TEST(Json, DepthIsBoundedAndCostsNoStack) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(compacted(nested(kMaxDepth)), nested(kMaxDepth));
  EXPECT_TRUE(compacted(nested(kMaxDepth + 1)).starts_with("error: "));
  EXPECT_TRUE(compacted(std::string(1'000'000, '[')).starts_with("error: "));
}

TEST(Json, FindsAndDecodes) {
  const auto document = Document::parse(R"({"a":{"b":[1,{"c":"\u0041\t"}]},"d":"\ud83d\ude00","b":[]})");
  ASSERT_TRUE(document);
  const Value root = document->root();
  ASSERT_EQ(root.members().size(), 3U);
  EXPECT_EQ(root.members()[2].first, "b");
  const auto items = root.find("a")->find("b")->items();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].source(), "1");
  EXPECT_EQ(items[1].find("c")->text(), "A\t");
  EXPECT_EQ(root.find("d")->text(), "\xf0\x9f\x98\x80");
  EXPECT_FALSE(root.find("c"));
  EXPECT_FALSE(items[0].find("c"));
  EXPECT_TRUE(root.find("b")->items().empty());
}

TEST(Json, KnowsNumbersThatNobodyCanHold) {
  EXPECT_TRUE(Document::parse("[1e308,-1e308,1e-400,123456789012345678901234]")->numbers_fit());
  EXPECT_FALSE(Document::parse("[1e400]")->numbers_fit());
  EXPECT_TRUE(Document::parse("[\"1e400\"]")->numbers_fit());
}

TEST(Json, QuotesWhatItReads) {  // D-13: Go's way of quoting is not JSON's
  for (const std::string& text :
       {std::string("plain"), std::string("\"\\/\b\f\n\r\t\a\v\x7f"), std::string("\0x", 2), std::string("é\U000e0001<>&")}) {
    const auto document = Document::parse(quote(text));
    ASSERT_TRUE(document) << quote(text) << document.error();
    EXPECT_EQ(document->root().text(), text);
  }
}

}  // namespace
}  // namespace reference::json
