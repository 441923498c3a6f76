#include "simulator/reports/text.h"

#include <gmock/gmock.h>

namespace entryproof::reports {
namespace {

using testing::ElementsAre;

TEST(Text, IllFormedBytesAreReplaced) {
  EXPECT_EQ(valid_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"), "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
  EXPECT_EQ(valid_utf8("a\xff"), "a\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") << "a surrogate";
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80").find("\xf4"), std::string::npos) << "beyond U+10FFFF";
  EXPECT_EQ(valid_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd") << "cut short";
}

TEST(Text, ControlCharactersBecomeVisible) {
  EXPECT_EQ(visible(std::string_view("a\x1b[31mb\r\n\tc\0d\x7f", 14)), "a\\x1b[31mb\\r\n\tc\\x00d\\x7f");
  EXPECT_EQ(visible("\xc2\x9b"), "\\x9b") << "CSI as one character";
  EXPECT_EQ(visible("\xe2\x80\xae"), "\\u202e");
}

TEST(Text, OneLineOfVisibleCharacters) { EXPECT_EQ(visible_line("a \n\tb\x1b"), "a \\n\\tb\\x1b"); }

TEST(Text, EscapeSequencesAreStripped) {
  EXPECT_EQ(without_ansi("a\x1b[1;31mb\x1b[0m c\x1b]0;title\x07 d\x1b]8;;x\x1b\\e\x1b(f"),
            "ab c de"
            "f");
  EXPECT_EQ(without_ansi("x\x1b"), "x");
  EXPECT_EQ(without_ansi("x\x1b["), "x");
  EXPECT_EQ(without_ansi("x\x1b]never ends"), "x");
}

TEST(Text, CapsBetweenCharacters) {
  EXPECT_EQ(capped("abc", 3), "abc");
  EXPECT_EQ(capped("abcd", 3), "abc … (1 bytes more)");
  EXPECT_EQ(capped("ab\xe2\x82\xac", 3), "ab … (3 bytes more)");
}

TEST(Text, OneLineFoldsSpace) { EXPECT_EQ(one_line("  a \n\t b\n", 100), "a b"); }

TEST(Text, DiffKeepsCommonLines) {
  EXPECT_THAT(diff("a\nb\nc\n", "a\nx\nc"), ElementsAre(" a", "-b", "+x", " c"));
  EXPECT_THAT(diff("", "x"), ElementsAre("+x"));
  EXPECT_THAT(diff("x\ny", ""), ElementsAre("-x", "-y"));
}

TEST(Text, DiffOfVeryLongTextsIsBounded) {
  const std::string many(2000, '\n');
  const auto lines = diff(many, many);
  EXPECT_EQ(lines.size(), 4000U) << "all of one, then all of the other";
}

TEST(Text, Durations) {
  EXPECT_EQ(duration_text(12.25), "12 ms");
  EXPECT_EQ(duration_text(3400), "3.4 s");
  EXPECT_EQ(duration_text(125'000), "2 min 5 s");
}

}  // namespace
}  // namespace entryproof::reports
