#include "simulator/oracles/expectations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/oracles/redact.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::oracles {
namespace {

using lab::kConf;
using lab::kFlannel;
using lab::kKubeconfig;
using lab::kNetDir;
using testing::HasSubstr;

class Expectations : public testing::Test {
 protected:
  Expectations() {
    lab_.make_directories(kNetDir + "/multus.d");
    lab_.replace(lab::kPlugin, "ELF", 0755);
    lab_.replace(kKubeconfig, lab::kubeconfig());
    lab_.replace(kConf, lab::multus_conf(kFlannel));
  }
  Situation situation() { return {lab_.tree(), layout_, cluster_, Mode::kAutomatic, "", readers_}; }
  std::string kubeconfig(const KubeconfigDemand& demand) { return text(judge_kubeconfig(situation(), demand)); }
  std::string configuration(const ConfigurationDemand& demand) { return text(judge_configuration(situation(), demand)); }
  std::string object(const std::string& path, const ObjectDemand& demand) {
    return text(judge_object(lab_.tree(), node::View(), path, demand, cluster_));
  }
  static std::string text(const std::optional<Mismatch>& mismatch) { return mismatch ? mismatch->expected + " | " + mismatch->actual : ""; }

  lab::Lab lab_;
  Layout layout_;
  ClusterFacts cluster_ = lab::two_generations();
  Readers readers_;
};

TEST_F(Expectations, KubeconfigState) {
  EXPECT_EQ(kubeconfig({.state = "valid"}), "");
  EXPECT_EQ(kubeconfig({.state = "current", .server = "https://10.96.0.1:443", .mode = 0600, .insecure = false}), "");
  EXPECT_THAT(kubeconfig({.state = "absent"}), HasSubstr("it is there"));
  EXPECT_THAT(kubeconfig({.server = "https://10.96.0.2:443"}), HasSubstr("server https://10.96.0.1:443"));
  EXPECT_THAT(kubeconfig({.mode = 0644}), HasSubstr("mode 0600"));
  EXPECT_THAT(kubeconfig({.insecure = true}), HasSubstr("verification"));
  EXPECT_THAT(kubeconfig({.state = "valid", .path = "/nowhere"}), HasSubstr("there is no /nowhere"));

  lab_.replace(kKubeconfig, lab::kubeconfig("https://10.96.0.1:443", lab::kOtherToken));
  EXPECT_THAT(kubeconfig({.state = "valid"}), HasSubstr("of different generations"));
  lab_.replace(kKubeconfig, lab::kubeconfig("https://10.96.0.1:443", "issued-by-nobody"));
  EXPECT_EQ(kubeconfig({.state = "valid"}), "");
  EXPECT_THAT(kubeconfig({.state = "current"}), HasSubstr("never issued"));
  lab_.unlink(kKubeconfig);
  EXPECT_EQ(kubeconfig({.state = "absent"}), "");
  EXPECT_THAT(kubeconfig({.mode = 0600}), HasSubstr("there is no"));
}

TEST_F(Expectations, Configuration) {
  EXPECT_EQ(configuration({.delegate = "flannel", .primary_json = kFlannel, .own_files = 1, .self_delegating = false}), "");
  EXPECT_EQ(configuration({.primary_json = kFlannel, .equality = JsonEquality::kLossless}), "");
  EXPECT_EQ(configuration({.name = "multus-cni-network", .cni_version = "0.3.1"}), "");
  EXPECT_THAT(configuration({.delegate = "calico"}), HasSubstr("it delegates to flannel"));
  EXPECT_THAT(configuration({.primary_json = R"({"name":"cbr0"})"}), HasSubstr("was added"));
  EXPECT_THAT(configuration({.own_files = 2}), HasSubstr("2 Multus configurations"));
  EXPECT_THAT(configuration({.self_delegating = true}), HasSubstr("1 levels"));
  EXPECT_THAT(configuration({.cni_version = "1.0.0"}), HasSubstr("0.3.1"));
  EXPECT_THAT(configuration({.name = "n", .file = "/etc/cni/net.d/10-flannel.conflist"}), HasSubstr("another plugin's"));
  EXPECT_EQ(configuration({.name = "multus-cni-network", .file = kConf}), "");
}

TEST_F(Expectations, RuntimesAndAttach) {
  EXPECT_EQ(text(judge_runtimes(situation(), {.containerd = "00-multus.conf"})), "");
  EXPECT_THAT(text(judge_runtimes(situation(), {.crio = "00-multus.conf"})), "");
  EXPECT_THAT(text(judge_runtimes(situation(), {.containerd = ""})), HasSubstr("none (NotReady) | 00-multus.conf"));
  EXPECT_EQ(text(judge_attach(situation(), true)), "");
  EXPECT_THAT(text(judge_attach(situation(), false)), HasSubstr("it could, through 00-multus.conf"));
  lab_.truncate(kConf);
  EXPECT_EQ(text(judge_runtimes(situation(), {.containerd = ""})), "");
  EXPECT_THAT(text(judge_attach(situation(), true)), HasSubstr("not ready"));
}

TEST_F(Expectations, Objects) {
  EXPECT_EQ(object(kConf, {.type = "file", .json = R"({"type":"multus","capabilities":{"portMappings":true}})", .mode = 0600, .uid = 0}),
            "");
  EXPECT_EQ(object(kKubeconfig, {.yaml = R"({"kind":"Config","users":[{"name":"multus"}]})", .contains = "current-context"}), "");
  EXPECT_THAT(object(kKubeconfig, {.yaml = R"({"kind":"Other"})"}), HasSubstr("/kind"));
  EXPECT_THAT(object(kConf, {.json = R"({"type":"bridge"})"}), HasSubstr("/type"));
  EXPECT_THAT(object(kConf, {.equals = "x"}), HasSubstr("multus"));
  EXPECT_THAT(object(kConf, {.same_as = kKubeconfig}), HasSubstr("the first difference at 0"));
  EXPECT_EQ(object(kConf, {.same_as = kConf}), "");
  EXPECT_EQ(object("/nowhere", {.type = "absent"}), "");
  EXPECT_THAT(object(kConf, {.type = "absent"}), HasSubstr("a file"));
  EXPECT_THAT(object("/nowhere", {.type = "file"}), HasSubstr("nothing is there"));
  EXPECT_THAT(object(kConf, {.type = "directory"}), HasSubstr("a file"));
  EXPECT_EQ(object(kNetDir, {.only = std::vector<std::string>{"00-multus.conf", "10-flannel.conflist", "multus.d"}}), "");
  EXPECT_THAT(object(kNetDir, {.only = std::vector<std::string>{"multus.d"}}), HasSubstr("00-multus.conf is there, too"));
}

TEST_F(Expectations, UnchangedMeansTheSameInodeBytesAndTime) {
  const node::Tree before = lab_.tree();
  ObjectDemand demand;
  demand.unchanged_since = &before;
  EXPECT_EQ(object(kConf, demand), "");
  lab_.replace(kConf, lab::multus_conf(kFlannel));
  EXPECT_THAT(object(kConf, demand), HasSubstr("another inode"));
  lab_.write(kKubeconfig, "#!");
  EXPECT_NE(object(kKubeconfig, demand), "");
}

TEST_F(Expectations, NoTextHoldsTheToken) {
  lab_.replace("/etc/token", lab::kToken);
  const std::string shown = object("/etc/token", {.equals = lab::kOtherToken});
  EXPECT_THAT(shown, HasSubstr("[token]"));
  const Redactor redactor({lab::kToken, lab::kOtherToken});
  EXPECT_FALSE(redactor.leaks(shown));
  const std::string listing = summary(lab_.tree(), layout_, cluster_);
  EXPECT_FALSE(redactor.leaks(listing));
  EXPECT_THAT(listing, HasSubstr("multus, kubeconfig /etc/cni/net.d/multus.d/multus.kubeconfig, delegates to flannel"));
  EXPECT_THAT(listing, HasSubstr("valid, server https://10.96.0.1:443, the current token and CA"));
}

TEST(Redact, MakesAnyBytesALine) {
  EXPECT_EQ(printable("a\nb\t\x1b[31m\xFF\xC3\xA9"), "a\\nb\\t\\x1b[31m\\xff\xC3\xA9");
  EXPECT_EQ(printable("\xE2\x80\xAE"), "\\xe2\\x80\\xae") << "no text that runs backwards";
  EXPECT_LE(printable(std::string(10'000, 'x')).size(), kTextMax);
  EXPECT_THAT(printable(std::string(10'000, 'x')), HasSubstr("bytes more"));
  EXPECT_EQ(printable(std::string(4096, 'x')), std::string(4096, 'x'));
  EXPECT_EQ(printable(std::string(4097, 'x')), std::string(4056, 'x') + "… (41 bytes more)");
}

TEST(Redact, KnowsWindowsOfASignature) {
  const Redactor redactor({"header.claims.abcdefghijklmnop", "opaque-secret\n", "short"});
  EXPECT_FALSE(redactor.leaks("header.claims.abcdefg"));
  EXPECT_TRUE(redactor.leaks("xx abcdefgh yy"));
  EXPECT_EQ(redactor.redact("xx cdefghijkl yy ijklmnopq"), "xx [token] yy [token]q");
  EXPECT_EQ(redactor.redact("an opaque-secret, short"), "an [token], short");
  EXPECT_EQ(Redactor().redact("abc"), "abc");
}

TEST_F(Expectations, ADirectoryHoldsTheNamesItHeld) {
  const node::Tree then = lab_.tree();
  EXPECT_EQ(object(kNetDir, {.same_names_since = &then}), "");
  lab_.replace(kKubeconfig, lab::kubeconfig("https://10.96.0.2:443"));
  EXPECT_EQ(object(kNetDir + "/multus.d", {.same_names_since = &then}), "") << "names, not bytes";
  lab_.replace(kNetDir + "/.lock", "");
  EXPECT_THAT(object(kNetDir, {.same_names_since = &then}), HasSubstr(".lock has come"));
  lab_.unlink(kNetDir + "/.lock");
  lab_.unlink(kConf);
  EXPECT_THAT(object(kNetDir, {.same_names_since = &then}), HasSubstr("00-multus.conf is gone"));
  EXPECT_THAT(object(kKubeconfig, {.same_names_since = &then}), HasSubstr("it was not"));
}

TEST_F(Expectations, NoPartOfATokenIsWhereItMustNotBe) {
  const std::string signature = lab::kToken.substr(lab::kToken.rfind('.') + 1);
  EXPECT_FALSE(judge_secret_in_text("publishing " + lab::kToken.substr(0, 40), "the output", cluster_)) << "headers are no secret";
  const auto told = judge_secret_in_text("token ends in " + signature.substr(3, 9), "the output", cluster_);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->actual.find(signature.substr(3, 9)), std::string::npos) << "the finding does not tell it, either";
  lab_.make_directories("/sa");
  lab_.replace("/sa/token", lab::kToken);
  EXPECT_FALSE(judge_secret_in_files(lab_.tree(), kKubeconfig, "/sa", cluster_));
  lab_.replace(kKubeconfig + ".bak", lab::kubeconfig());
  const auto found = judge_secret_in_files(lab_.tree(), kKubeconfig, "/sa", cluster_);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->actual, HasSubstr("multus.kubeconfig.bak"));
}

}  // namespace
}  // namespace entryproof::oracles
