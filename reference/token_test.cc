#include "reference/token.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "reference/certificate.h"

namespace reference {
namespace {

std::string token(const std::string& claims, const std::string& signature = "signature") {
  std::string payload = encode_base64(claims);
  std::erase(payload, '=');
  std::ranges::replace(payload, '+', '-');
  std::ranges::replace(payload, '/', '_');
  return "header." + payload + "." + signature;
}

TEST(Token, ReadsWhatItSaysOfItself) {  // FRESH-09
  const auto claims = read_claims(token(R"({"iss":"i","sub":"s?>~","iat":1700000000,"exp":1700003607.5})"));
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->issued, 1700000000);
  EXPECT_EQ(claims->expires, 1700003607);
  EXPECT_EQ(claims->issuer, "i");
  EXPECT_EQ(claims->subject, "s?>~");
}

TEST(Token, OneThatSaysNothingIsAsGood) {  // FRESH-09: hand-made and legacy tokens
  for (const std::string& odd :
       {std::string("opaque"), std::string("a.b"), std::string("a..c"), std::string("a.!!.c"), std::string("a.b.c.d"), token("[1]"),
        token("{"), token(R"({"exp":"soon"})"), token(R"({"exp":-1,"iat":1e99})")}) {
    EXPECT_EQ(describe_expiry(read_claims(odd), 0), "does not say when it expires") << odd;
    EXPECT_FALSE(is_ending(odd, 1'800'000'000)) << odd;
    EXPECT_FALSE(is_later(odd, odd));
  }
}

TEST(Token, TellsItsEnd) {
  const std::string one = token(R"({"iat":1000,"exp":4600})");
  EXPECT_EQ(describe_expiry(read_claims(one), 1000), "expires 1970-01-01T01:16:40Z, in 60 min");
  EXPECT_EQ(describe_expiry(read_claims(one), 4720), "expires 1970-01-01T01:16:40Z, 2 min ago");
  EXPECT_FALSE(is_ending(one, 4200));
  EXPECT_TRUE(is_ending(one, 4241));
  EXPECT_TRUE(is_ending(one, 9999));
}

TEST(Token, AtMostOneOfTwoIsLater) {  // ORDER-43
  const std::string older = token(R"({"iss":"i","sub":"s","iat":1,"exp":9,"pod":"a"})");
  const std::string newer = token(R"({"iss":"i","sub":"s","iat":2,"exp":8,"pod":"b"})");
  const std::string twin = token(R"({"iss":"i","sub":"s","iat":2,"exp":8,"pod":"c"})");
  EXPECT_TRUE(is_later(newer, older));
  EXPECT_FALSE(is_later(older, newer));
  EXPECT_NE(is_later(twin, newer), is_later(newer, twin));
  EXPECT_FALSE(is_later(token(R"({"iss":"i","sub":"other","iat":3})"), older));
  // The same claims under another signature: somebody has damaged it, and EXIST-04 wants it repaired.
  EXPECT_FALSE(is_later(token(R"({"iss":"i","sub":"s","iat":2,"exp":8,"pod":"b"})", "zzz"), newer));
}

}  // namespace
}  // namespace reference
