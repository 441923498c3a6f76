#include "simulator/oracles/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/base/digest.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::oracles {
namespace {

using testing::HasSubstr;

TEST(Kubeconfig, TheFormOfEveryRealEntrypointIsRead) {
  const std::string text = lab::kubeconfig();
  const KubeconfigFacts facts = parse_kubeconfig(text, false);
  EXPECT_TRUE(facts.valid) << facts.reason;
  EXPECT_TRUE(facts.form_right());
  EXPECT_EQ(facts.server, "https://10.96.0.1:443");
  EXPECT_EQ(facts.token, lab::kToken);
  EXPECT_EQ(facts.ca_pem, lab::kCa);
  EXPECT_EQ(facts.certificates, 1U);
  EXPECT_FALSE(facts.insecure);
}

// upstream measured 414 bytes with a CA of 59 bytes, a token of 7 and 10.96.0.1: our golden text is theirs.
TEST(Kubeconfig, GoldenTextHasTheMeasuredSize) {
  const std::string tls = "certificate-authority-data: " + base64_encode(std::string(59, 'x'));
  EXPECT_EQ(lab::kubeconfig("https://10.96.0.1:443", "tok-AAA", tls).size(), 414U);
  EXPECT_EQ(lab::kubeconfig("https://[10.96.0.1]:443", "tok-AAA", tls).size(), 416U);
}

struct UrlCase {
  const char* url;
  bool valid;
  bool form_right;
  HostKind kind;
  const char* host;
};

class ServerUrlTable : public testing::TestWithParam<UrlCase> {};

TEST_P(ServerUrlTable, IsJudged) {
  const UrlCase& expected = GetParam();
  const KubeconfigFacts facts = parse_kubeconfig(lab::kubeconfig(expected.url), false);
  EXPECT_EQ(facts.valid, expected.valid) << expected.url << ": " << facts.reason;
  EXPECT_TRUE(facts.whole);
  if (!expected.valid) return;
  EXPECT_EQ(facts.form_right(), expected.form_right) << expected.url << ": " << facts.url.form_defect;
  EXPECT_EQ(facts.url.kind, expected.kind) << expected.url;
  EXPECT_EQ(facts.url.host, expected.host);
}

// FRESH-18's table and FRESH-19's.
INSTANTIATE_TEST_SUITE_P(
    Kubeconfig, ServerUrlTable,
    testing::Values(UrlCase{"https://10.96.0.1:443", true, true, HostKind::kIpv4, "10.96.0.1"},
                    UrlCase{"https://[10.96.0.1]:443", true, false, HostKind::kIpv4, "10.96.0.1"},
                    UrlCase{"https://kubernetes.default.svc:443", true, true, HostKind::kDns, "kubernetes.default.svc"},
                    UrlCase{"https://[kubernetes.default.svc]:443", true, false, HostKind::kDns, "kubernetes.default.svc"},
                    UrlCase{"https://Kubernetes.Default.SVC.:6443", true, true, HostKind::kDns, "Kubernetes.Default.SVC."},
                    UrlCase{"https://[fd00::1]:443", true, true, HostKind::kIpv6, "fd00::1"},
                    UrlCase{"https://fd00::1:443", true, false, HostKind::kIpv6, "fd00::1"},
                    UrlCase{"https://[::ffff:10.96.0.1]:443", true, true, HostKind::kIpv6, "::ffff:10.96.0.1"},
                    UrlCase{"https://[fe80::1%25eth0]:443", true, true, HostKind::kIpv6, "fe80::1%eth0"},
                    UrlCase{"https://[FD00::1]:443", true, true, HostKind::kIpv6, "FD00::1"},
                    UrlCase{"https://10.96.0.1", true, true, HostKind::kIpv4, "10.96.0.1"},
                    UrlCase{"HTTPS://10.96.0.1:443/prefix", true, true, HostKind::kIpv4, "10.96.0.1"},
                    UrlCase{"https://[fe80::1%eth0]:443", false, false, {}, ""}, UrlCase{"https://[[fd00::1]]:443", false, false, {}, ""},
                    UrlCase{"https://:443", false, false, {}, ""}, UrlCase{"https://[]:443", false, false, {}, ""},
                    UrlCase{"\"https://10.96.0.1:\"", false, false, {}, ""}, UrlCase{"https://10.96.0.1:0", false, false, {}, ""},
                    UrlCase{"https://10.96.0.1:65536", false, false, {}, ""}, UrlCase{"https://10.96.0.1:https", false, false, {}, ""},
                    UrlCase{"https://10.96.0.1:+443", false, false, {}, ""}, UrlCase{"https://10.96.0.1 :443", false, false, {}, ""},
                    UrlCase{"https://a/b:443", true, true, HostKind::kDns, "a"}, UrlCase{"https://[fd00::1:443", false, false, {}, ""},
                    UrlCase{"https://user@10.96.0.1:443", false, false, {}, ""}, UrlCase{"10.96.0.1:443", false, false, {}, ""},
                    UrlCase{"http://10.96.0.1:443", false, false, {}, ""}, UrlCase{"https://10.96.0.1:443?x=1", false, false, {}, ""}));

TEST(Kubeconfig, HttpIsRightOnlyWhereThePodSaysSo) {
  EXPECT_TRUE(parse_kubeconfig(lab::kubeconfig("http://10.96.0.1:80"), true).valid);
  EXPECT_THAT(parse_kubeconfig(lab::kubeconfig("http://10.96.0.1:80"), false).reason, HasSubstr("scheme"));
}

struct TokenCase {
  std::string token;   // as it stands between the quotes
  const char* reason;  // "" = valid
};

class TokenTable : public testing::TestWithParam<TokenCase> {};

TEST_P(TokenTable, IsJudged) {
  const KubeconfigFacts facts = parse_kubeconfig(lab::kubeconfig("https://10.96.0.1:443", GetParam().token), false);
  EXPECT_EQ(facts.valid, std::string_view(GetParam().reason).empty()) << facts.reason;
  EXPECT_THAT(facts.reason, HasSubstr(GetParam().reason));
}

// FRESH-21's tokens, as a text template pastes them.
INSTANTIATE_TEST_SUITE_P(Kubeconfig, TokenTable,
                         testing::Values(TokenCase{"tok-AAA", ""}, TokenCase{"tok-AAA\n", "white space"},
                                         TokenCase{"tok-AAA\r\n", "white space"}, TokenCase{"", "empty"},
                                         TokenCase{"a\"b", "did not find expected key"}, TokenCase{"a\\q", "unknown escape"},
                                         TokenCase{"a b", "white space"}, TokenCase{"a\\tb", "white space"}, TokenCase{"a\\0b", "control"},
                                         TokenCase{std::string("a\0b", 3), "control characters are not allowed"},
                                         TokenCase{std::string(1U << 20, 't'), ""}));

class CaTable : public testing::TestWithParam<std::pair<std::string, const char*>> {};

TEST_P(CaTable, IsJudged) {
  const auto& [tls, reason] = GetParam();
  const KubeconfigFacts facts = parse_kubeconfig(lab::kubeconfig("https://10.96.0.1:443", "t", tls), false);
  EXPECT_EQ(facts.valid, std::string_view(reason).empty()) << facts.reason;
  EXPECT_THAT(facts.reason, HasSubstr(reason));
}

const std::string kData = "certificate-authority-data: ";
INSTANTIATE_TEST_SUITE_P(
    Kubeconfig, CaTable,
    testing::Values(std::pair{kData + base64_encode(lab::kCa), ""}, std::pair{kData + base64_encode(lab::kCa + lab::kOtherCa), ""},
                    std::pair{kData + base64_encode("leading text\n" + lab::kCa + "trailing text"), ""},
                    std::pair{kData + "\"" + base64_encode(lab::kCa) + "\"", ""}, std::pair{kData, "no CA"},
                    std::pair{std::string("    "), "no CA"}, std::pair{kData + base64_encode("no certificate"), "no X.509"},
                    std::pair{kData + base64_encode("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "no X.509"},
                    std::pair{kData + "@@@@", "YAML"}, std::pair{kData + "abc", "not base64"},
                    std::pair{std::string("insecure-skip-tls-verify: true"), ""},
                    std::pair{std::string("insecure-skip-tls-verify: \"true\""), "not true or false"},
                    std::pair{std::string("insecure-skip-tls-verify: false"), "no CA"},
                    std::pair{"insecure-skip-tls-verify: true\n    " + kData + base64_encode(lab::kCa), "together with"}));

TEST(Kubeconfig, TheNameOfTheServersCertificateIsRead) {
  const std::string ca = kData + base64_encode(lab::kCa) + "\n    tls-server-name: ";
  EXPECT_EQ(parse_kubeconfig(lab::kubeconfig("https://10.96.0.1:443", "t", ca + "kubernetes.default"), false).tls_server_name,
            "kubernetes.default");
  EXPECT_THAT(parse_kubeconfig(lab::kubeconfig("https://10.96.0.1:443", "t", ca + "[a]"), false).reason, HasSubstr("tls-server-name"));
}

TEST(Kubeconfig, CountsCertificatesOfABundle) {
  EXPECT_EQ(count_certificates(lab::kCa + lab::kOtherCa), 2U);
  EXPECT_EQ(count_certificates("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" + lab::kCa), 1U);
  EXPECT_EQ(count_certificates(lab::kCa.substr(0, lab::kCa.size() / 2)), 0U);
}

struct DocumentCase {
  const char* from;
  const char* to;
  const char* reason;
};

class DocumentTable : public testing::TestWithParam<DocumentCase> {};

TEST_P(DocumentTable, IsRefusedAsNotWhole) {
  std::string text = lab::kubeconfig();
  const auto at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string_view(GetParam().from).size(), GetParam().to);
  const KubeconfigFacts facts = parse_kubeconfig(text, false);
  EXPECT_FALSE(facts.valid);
  EXPECT_FALSE(facts.whole);
  EXPECT_THAT(facts.reason, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Kubeconfig, DocumentTable,
    testing::Values(DocumentCase{"current-context: multus-context", "", "no current-context"},
                    DocumentCase{"current-context: multus-context", "current-context: other", "no context of the name"},
                    DocumentCase{"current-context: multus-context", "current-context: 5", "not a text"},
                    DocumentCase{"cluster: local", "cluster: other", "no cluster of the name"},
                    DocumentCase{"user: multus\n", "user: other\n", "no user of the name"},
                    DocumentCase{"kind: Config", "kind: Other", "kind is not Config"}, DocumentCase{"users:", "clusters:", "there already"},
                    DocumentCase{"users:\n", "users:\n- name: multus\n  user: {}\n", "one name twice"},
                    DocumentCase{"- name: multus-context", "- name: &a multus-context", "anchor"}));

TEST(Kubeconfig, EveryPrefixIsInvalidAndNoneCrashes) {
  const std::string text = lab::kubeconfig();
  // The last bytes are the context's name; without the line end it is the same document.
  for (std::size_t size = 0; size + 1 < text.size(); ++size) EXPECT_FALSE(parse_kubeconfig(text.substr(0, size), false).valid) << size;
}

TEST(Kubeconfig, ReasonsNeverHoldTheToken) {
  for (const std::string wrong : {"\"", " ", "\\q", "\n  : ["}) {
    const KubeconfigFacts facts =
        parse_kubeconfig(lab::kubeconfig("https://10.96.0.1:443", "SECRETSECRET" + wrong + "SECRETSECRET"), false);
    EXPECT_FALSE(facts.valid);
    EXPECT_EQ(facts.reason.find("SECRET"), std::string::npos) << facts.reason;
  }
}

TEST(Kubeconfig, TheReaderRemembersByBytes) {
  KubeconfigReader reader;
  const auto first = reader.read(lab::kubeconfig());
  EXPECT_EQ(reader.read(lab::kubeconfig()), first);
  EXPECT_NE(reader.read(lab::kubeconfig("https://10.96.0.2:443")), first);
}

TEST(Kubeconfig, CredentialsInFilesAreReadOnTheHost) {
  lab::Lab lab;
  const std::string tls = "certificate-authority: /etc/ca.crt";
  std::string text = lab::kubeconfig("https://10.96.0.1:443", "", tls);
  const std::string inline_token = "token: \"\"";
  text.replace(text.find(inline_token), inline_token.size(), "tokenFile: /etc/token");
  lab.make_directories(lab::kNetDir + "/multus.d");
  lab.replace(lab::kKubeconfig, text);
  KubeconfigReader reader;
  EXPECT_THAT(read_kubeconfig(lab.tree(), lab::kKubeconfig, reader).reason, HasSubstr("certificate-authority file"));
  lab.replace("/etc/ca.crt", lab::kCa);
  EXPECT_THAT(read_kubeconfig(lab.tree(), lab::kKubeconfig, reader).reason, HasSubstr("tokenFile"));
  lab.replace("/etc/token", lab::kToken + "\n");
  const PlacedKubeconfig placed = read_kubeconfig(lab.tree(), lab::kKubeconfig, reader);
  EXPECT_EQ(placed.state, PlacedKubeconfig::State::kValid) << placed.reason;
  EXPECT_EQ(standing(*placed.facts, lab::two_generations()), Standing::kCurrent);
}

TEST(Kubeconfig, WhatIsNoFileIsInvalid) {
  lab::Lab lab;
  KubeconfigReader reader;
  EXPECT_EQ(read_kubeconfig(lab.tree(), lab::kKubeconfig, reader).state, PlacedKubeconfig::State::kAbsent);
  lab.make_directories(lab::kKubeconfig);
  EXPECT_EQ(read_kubeconfig(lab.tree(), lab::kKubeconfig, reader).state, PlacedKubeconfig::State::kInvalid);
}

TEST(Kubeconfig, StandingTellsGenerationsApart) {
  const ClusterFacts cluster = lab::two_generations();
  const auto stands = [&](const std::string& token, const std::string& ca) {
    return standing(parse_kubeconfig(lab::kubeconfig("https://10.96.0.1:443", token, kData + base64_encode(ca)), false), cluster);
  };
  EXPECT_EQ(stands(lab::kToken, lab::kCa), Standing::kCurrent);
  EXPECT_EQ(stands(lab::kOtherToken, lab::kOtherCa), Standing::kStale);
  EXPECT_EQ(stands(lab::kToken, lab::kOtherCa), Standing::kMixed);
  EXPECT_EQ(stands(lab::kOtherToken, lab::kCa), Standing::kMixed);
  EXPECT_EQ(stands("foreign", lab::kCa), Standing::kUnknown);
  const KubeconfigFacts insecure =
      parse_kubeconfig(lab::kubeconfig("https://10.96.0.1:443", lab::kToken, "insecure-skip-tls-verify: true"), false);
  EXPECT_EQ(standing(insecure, cluster), Standing::kCurrent);
}

}  // namespace
}  // namespace entryproof::oracles
