#include "simulator/base/digest.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

namespace entryproof {
namespace {

TEST(Digest, KnowsTheStandardsExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
}

TEST(Digest, DecodesStrictly) {
  EXPECT_EQ(base64_decode("Zm8="), "fo");
  EXPECT_EQ(base64_decode(""), "");
  for (const char* bad : {"Zg", "Zg=", "Zg= =", "Zg==\n", "Z===", "====", "Zm9v Zm9v", "Zm-_", "Z=9v"})
    EXPECT_FALSE(base64_decode(bad)) << bad;
}

RC_GTEST_PROP(DigestProperty, WhatIsEncodedIsDecoded, (const std::string& bytes)) {
  RC_ASSERT(base64_decode(base64_encode(bytes)) == bytes);
}

}  // namespace
}  // namespace entryproof
