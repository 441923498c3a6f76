#include "reference/service_account.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "reference/certificate.h"
#include "reference/memory_host_test_support.h"

namespace reference {
namespace {

const std::string kDirectory = "/sa";
const std::string kTokenFile = "/sa/token";
const std::string kCaFile = "/sa/ca.crt";
const std::string kPem = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";

// Kubelet's swap, right before the nth call on files: FRESH-14.
TEST(ServiceAccount, NeverMixesGenerationsWheneverTheSwapHappens) {
  const std::string next_pem = kPem + kPem;
  for (int nth = 1; nth < 40; ++nth) {
    MemoryHost host;
    host.project(kDirectory, "old", kPem);
    host.before = [&, count = 0](std::string_view, const std::string&) mutable -> std::optional<int> {
      if (++count == nth) host.project(kDirectory, "new", next_pem);
      return std::nullopt;
    };
    const auto found = read_credentials(host, kTokenFile, kCaFile);
    ASSERT_TRUE(found) << nth << ": " << found.error().text;
    EXPECT_EQ(found->ca, found->token == "old" ? kPem : next_pem) << nth;
    EXPECT_EQ(host.open_descriptors(), 0);
  }
}

TEST(ServiceAccount, GivesUpOnADirectoryThatNeverRests) {
  MemoryHost host;
  host.project(kDirectory, "token", kPem);
  host.before = [&](std::string_view verb, const std::string&) -> std::optional<int> {
    if (verb == "open") host.project(kDirectory, "token", kPem);
    return std::nullopt;
  };
  EXPECT_FALSE(read_credentials(host, kTokenFile, kCaFile));
}

TEST(ServiceAccount, ReadsPlainFilesOfAStaticPod) {  // STATIC-51
  MemoryHost host;
  host.put("/secrets/token", "abc\n");
  host.put("/certificates/ca.crt", kPem);
  const auto found = read_credentials(host, "/secrets/token", "/certificates/ca.crt");
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->token, "abc");
}

TEST(ServiceAccount, NamesTheMissingPathAndThePodSetting) {  // EXIST-02
  MemoryHost host;
  auto found = read_credentials(host, kTokenFile, kCaFile);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().exit_code, kExitNoInput);
  EXPECT_NE(found.error().text.find(kTokenFile), std::string::npos);
  EXPECT_NE(found.error().text.find("automountServiceAccountToken"), std::string::npos);
  EXPECT_NE(found.error().text.find("static Pod"), std::string::npos);
  host.put(kTokenFile, "abc");
  found = read_credentials(host, kTokenFile, kCaFile);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().text.find(kCaFile), std::string::npos);
}

TEST(ServiceAccount, TokenTable) {  // FRESH-21
  struct Row {
    std::string bytes;
    std::string token;  // empty: refused
  };
  const Row rows[] = {{"abc", "abc"},
                      {"abc\n", "abc"},
                      {"abc\r\n", "abc"},
                      {" \t abc \n\n", "abc"},
                      {"a\"b\\c", "a\"b\\c"},
                      {"", ""},
                      {" \n", ""},
                      {"a b", ""},
                      {"a\nb", ""},
                      {std::string("a\0b", 3), ""},
                      {std::string("abc\0", 4), ""},
                      {"\xef\xbb\xbf"
                       "abc",
                       ""},
                      {"caf\xc3\xa9", ""},
                      {"a\x7f", ""},
                      {std::string(64 * 1024, 'x'), std::string(64 * 1024, 'x')},
                      {std::string(1024 * 1024, 'x'), ""}};
  for (const Row& row : rows) {
    MemoryHost host;
    host.project(kDirectory, row.bytes, kPem);
    const auto found = read_credentials(host, kTokenFile, kCaFile);
    ASSERT_EQ(found.has_value(), !row.token.empty()) << row.bytes.substr(0, 20);
    if (found) {
      EXPECT_EQ(found->token, row.token);
    }
    if (!found) {
      EXPECT_EQ(found.error().exit_code, kExitBadInput);
    }
  }
}

TEST(ServiceAccount, CertificateTable) {  // FRESH-13, FRESH-21
  const std::string crlf = "-----BEGIN CERTIFICATE-----\r\nMAMCAQU=\r\n-----END CERTIFICATE-----\r\n";
  for (const std::string& good : {kPem, kPem + kPem, crlf, "text before\n" + kPem + "text after", kPem.substr(0, kPem.size() - 1)}) {
    EXPECT_EQ(why_no_certificates(good), "") << good;
  }
  const std::string begin = "-----BEGIN CERTIFICATE-----\n";
  const std::string end = "\n-----END CERTIFICATE-----\n";
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("junk"), begin + "MAMCAQU=", begin + end, begin + "!!!!" + end,
        begin + "MAMCAQ==" + end /* cut short */, begin + "BAMCAQU=" + end /* no SEQUENCE */, "x" + kPem /* not a line of its own */,
        kPem + begin + "MAMC", std::string("-----BEGIN PUBLIC KEY-----\nMAMCAQU=\n-----END PUBLIC KEY-----\n")}) {
    EXPECT_NE(why_no_certificates(bad), "") << bad;
  }
}

TEST(ServiceAccount, WithoutVerificationNoCertificatesAreRead) {  // FRESH-13
  MemoryHost host;
  host.put(kTokenFile, "abc");
  const auto found = read_credentials(host, kTokenFile, "");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->ca, "");
}

TEST(ServiceAccount, RefusesAFifoInsteadOfWaiting) {  // FRESH-17
  MemoryHost host;
  host.put_fifo(kTokenFile);
  host.put(kCaFile, kPem);
  const auto found = read_credentials(host, kTokenFile, kCaFile);
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->no_token);
  EXPECT_NE(found->no_token->text.find(kTokenFile), std::string::npos);
  EXPECT_EQ(found->token, "");
  EXPECT_EQ(found->ca, kPem);
  host.put(kCaFile, "");
  EXPECT_FALSE(read_credentials(host, kTokenFile, kCaFile));
}

TEST(ServiceAccount, ProblemsHoldNoTokenBytes) {  // SECURE-54
  MemoryHost host;
  host.project(kDirectory, "canary canary-signature", kPem);
  const auto found = read_credentials(host, kTokenFile, kCaFile);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().text.find("canary"), std::string::npos);
}

TEST(Certificate, Base64RoundTrips) {
  for (const std::string& bytes :
       {std::string(), std::string("f"), std::string("fo"), std::string("foo"), std::string("\xff\x00\x80", 3)}) {
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
  }
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(decode_base64("Zm9v\nZm9v\r\n"), "foofoo");
  for (const char* wrong : {"Z", "Zm9", "Z===", "Zm8=Zm8=", "Zm9v-", "===="}) EXPECT_FALSE(decode_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace reference
