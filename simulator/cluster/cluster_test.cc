// The cluster's credentials, and the volume that brings them: what they say when read back, and what a reader of the volume sees at each
// step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "simulator/cluster/authority.h"
#include "simulator/cluster/chain.h"
#include "simulator/cluster/control_plane.h"
#include "simulator/cluster/service_account.h"
#include "simulator/cluster/tokens.h"
#include "simulator/cluster/volume.h"
#include "simulator/node/node.h"
#include "simulator/node/view.h"

namespace entryproof::cluster {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

constexpr std::int64_t kNow = VirtualClock::kDefaultEpochNs;

// --- authority ---

struct Freer {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::unique_ptr<X509, Freer> parse(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  std::unique_ptr<X509, Freer> certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  BIO_free(bio);
  return certificate;
}

TEST(Authority, CertificateIsASelfSignedCaOfItsName) {
  const Authority& authority = Authority::pooled(3);
  const auto certificate = parse(authority.certificate_pem());
  ASSERT_NE(certificate, nullptr);
  char name[64] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
  EXPECT_STREQ(name, "entryproof-ca-3");
  EXPECT_EQ(authority.common_name(), "entryproof-ca-3");
  EXPECT_EQ(X509_check_ca(certificate.get()), 1);
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())), 1);
  EXPECT_EQ(X509_cmp_current_time(X509_get0_notBefore(certificate.get())), -1);
  EXPECT_EQ(X509_cmp_current_time(X509_get0_notAfter(certificate.get())), 1);
}

TEST(Authority, PoolGivesTheSameOneAndTellsNumbersApart) {
  EXPECT_EQ(&Authority::pooled(1), &Authority::pooled(1));
  EXPECT_NE(Authority::pooled(1).certificate_pem(), Authority::pooled(2).certificate_pem());
  EXPECT_EQ(Authority::pooled(1).certificate_pem().size(), Authority::pooled(2).certificate_pem().size());
}

TEST(Authority, PoolMayBeAskedFromManyThreads) {
  std::vector<const Authority*> seen(8);
  {
    std::vector<std::jthread> threads;
    for (const Authority*& one : seen) threads.emplace_back([&one] { one = &Authority::pooled(7); });
  }
  EXPECT_EQ(std::set<const Authority*>(seen.begin(), seen.end()).size(), 1U);
}

TEST(Authority, AnIntermediateIsSignedByItsRootAndComesWithTheChain) {
  const Authority& root = Authority::pooled(1);
  const Authority& intermediate = root.intermediate();
  EXPECT_EQ(&intermediate, &root.intermediate());
  const auto certificate = parse(intermediate.certificate_pem());
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(X509_check_ca(certificate.get()), 1);
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(parse(root.certificate_pem()).get())), 1);
  const auto serving = intermediate.serving(usual_serving_request());
  EXPECT_EQ(certificates_in(serving->chain_pem), 2U);
  EXPECT_EQ(certificates_in(root.serving(usual_serving_request())->chain_pem), 1U);
  EXPECT_TRUE(serving->chain_pem.ends_with(intermediate.certificate_pem()));
}

TEST(Authority, EqualRequestsGetOneCertificateWhoseKeyFits) {
  const Authority& root = Authority::pooled(1);
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048}) {
    ServingRequest request = usual_serving_request();
    request.key = type;
    const auto serving = root.serving(request);
    EXPECT_EQ(serving, root.serving(request));
    const auto certificate = parse(serving->chain_pem);
    BIO* const bio = BIO_new_mem_buf(serving->key_pem.data(), static_cast<int>(serving->key_pem.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    EXPECT_EQ(X509_check_private_key(certificate.get(), key), 1);
    EVP_PKEY_free(key);
    BIO_free(bio);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "10.96.0.1", 0), 1);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "fd00:10:96::1", 0), 1);
    EXPECT_EQ(X509_check_host(certificate.get(), "kubernetes.default.svc", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_host(certificate.get(), "kube-apiserver", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr), 0);
  }
  ServingRequest other = usual_serving_request();
  other.validity = Validity::expired();
  EXPECT_NE(root.serving(other), root.serving(usual_serving_request()));
}

TEST(Authority, ValidityIsAsAsked) {
  const Authority& expired = Authority::pooled(1, KeyType::kEcP256, Validity::expired());
  EXPECT_NE(&expired, &Authority::pooled(1));
  EXPECT_EQ(X509_cmp_current_time(X509_get0_notAfter(parse(expired.certificate_pem()).get())), -1);
  const Authority& future = Authority::pooled(1, KeyType::kEcP256, Validity::not_yet_valid());
  EXPECT_EQ(X509_cmp_current_time(X509_get0_notBefore(parse(future.certificate_pem()).get())), 1);
}

// --- chains ---

TEST(Chain, AVerdictHoldsForItsTimeOnly) {
  const Authority& root = Authority::pooled(2);
  ServingRequest request = usual_serving_request();
  request.validity = {kNow / 1'000'000'000, kNow / 1'000'000'000 + 100};
  const auto serving = root.serving(request);
  const auto defect = [&](std::int64_t seconds) {
    return chain_defect(root.certificate_pem(), serving->chain_pem, "10.96.0.1", kNow + seconds * 1'000'000'000).has_value();
  };
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(defect(-1));
    EXPECT_FALSE(defect(0));
    EXPECT_FALSE(defect(100));
    EXPECT_TRUE(defect(101));
  }
}

TEST(Chain, AnyCertificateOfTheBundleIsAnAnchor) {
  const Authority& root = Authority::pooled(2);
  const Authority& intermediate = root.intermediate();
  const auto serving = intermediate.serving(usual_serving_request());
  const auto leaf_alone = serving->chain_pem.substr(0, serving->chain_pem.size() - intermediate.certificate_pem().size());
  const auto believed = [&](const std::string& bundle, const std::string& chain) {
    return !chain_defect(bundle, chain, "10.96.0.1", kNow);
  };
  EXPECT_TRUE(believed(root.certificate_pem(), serving->chain_pem));
  EXPECT_TRUE(believed(intermediate.certificate_pem(), serving->chain_pem));
  EXPECT_TRUE(believed(intermediate.certificate_pem(), leaf_alone));
  EXPECT_FALSE(believed(root.certificate_pem(), leaf_alone));
  EXPECT_TRUE(believed(Authority::pooled(3).certificate_pem() + root.certificate_pem(), serving->chain_pem));
  EXPECT_FALSE(believed(Authority::pooled(3).certificate_pem(), serving->chain_pem));
  EXPECT_FALSE(believed(Authority::pooled(2, KeyType::kEcP256, Validity::expired()).certificate_pem(), serving->chain_pem));
  EXPECT_FALSE(believed("", serving->chain_pem));
  EXPECT_FALSE(believed(root.certificate_pem(), ""));
}

TEST(Chain, CountsCertificatesAsGoDoes) {
  const std::string good = Authority::pooled(0).certificate_pem();
  std::string windows;
  for (const char c : good) windows += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(certificates_in(windows), 1U);
  EXPECT_EQ(certificates_in("words before\n" + good + "words behind"), 1U);
  EXPECT_EQ(certificates_in("x" + good), 0U);
  EXPECT_EQ(certificates_in(good.substr(0, good.size() / 2)), 0U);
  EXPECT_EQ(certificates_in("-----BEGIN CERTIFICATE-----\nHeader: x\n\n" + good.substr(28)), 0U);
  EXPECT_EQ(certificates_in(std::string(2 << 20, '\n') + good), 0U);
}

TEST(Chain, AddressesHaveOneForm) {
  EXPECT_EQ(canonical_address("::ffff:10.96.0.1"), "10.96.0.1");
  EXPECT_EQ(canonical_address("FD00:10:96:0:0:0:0:1"), "fd00:10:96::1");
  for (const char* none : {"", "10.96.0", "010.96.0.1", "[::1]", "fe80::1%eth0", "name", "10.96.0.1 "}) {
    EXPECT_EQ(canonical_address(none), std::nullopt) << none;
  }
}

// --- tokens ---

TEST(Tokens, ReadBackAsIssued) {
  TokenRequest request;
  request.seed = 42;
  request.wall_ns = kNow;
  const auto claims = verify_token(issue_token(request));
  ASSERT_TRUE(claims) << claims.error().line();
  EXPECT_EQ(claims->subject, "system:serviceaccount:kube-system:multus");
  EXPECT_EQ(claims->issuer, kTokenIssuer);
  EXPECT_THAT(claims->audiences, ElementsAre(kTokenIssuer));
  EXPECT_EQ(claims->pod_name, request.pod_name);
  EXPECT_THAT(claims->id, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(claims->issued_at, kNow / 1'000'000'000);
  EXPECT_EQ(claims->not_before, claims->issued_at);
  EXPECT_EQ(claims->expires, claims->issued_at + 3607);
}

TEST(Tokens, ClaimsDependOnTheRequestAlone) {
  TokenRequest request;
  request.wall_ns = kNow;
  const auto unsigned_part = [](const std::string& token) { return token.substr(0, token.rfind('.')); };
  const std::string first = issue_token(request);
  const std::string again = issue_token(request);
  EXPECT_EQ(unsigned_part(first), unsigned_part(again));
  EXPECT_EQ(first.size(), again.size());
  request.generation = 1;
  EXPECT_NE(verify_token(issue_token(request))->id, verify_token(first)->id);
  request.generation = 0;
  request.seed = 1;
  EXPECT_NE(verify_token(issue_token(request))->id, verify_token(first)->id);
}

TEST(Tokens, AnythingElseIsRefused) {
  TokenRequest request;
  request.wall_ns = kNow;
  const std::string good = issue_token(request);
  std::string altered = good;
  char& claim = altered[altered.find('.') + 10];
  claim = claim == 'A' ? 'B' : 'A';
  for (const std::string& bad : {std::string(), std::string("a.b"), std::string(".."), good + ".", good.substr(0, good.size() - 1), altered,
                                 "." + good, good + "=", std::string(20'000, 'x')}) {
    EXPECT_FALSE(verify_token(bad)) << bad.substr(0, 100);
  }
}

// --- service account ---

TEST(ServiceAccount, RotationReplacesWhatItIsToldTo) {
  ServiceAccount account(1, kNow);
  const Generation first = account.current();
  const Generation token = account.rotate(true, false, kNow + 1);
  const Generation ca = account.rotate(false, true, kNow + 2);
  const Generation both = account.rotate(true, true, kNow + 3);
  EXPECT_NE(token.token, first.token);
  EXPECT_EQ(token.ca_pem, first.ca_pem);
  EXPECT_EQ(ca.token, token.token);
  EXPECT_NE(ca.ca_pem, token.ca_pem);
  EXPECT_NE(both.token, ca.token);
  EXPECT_NE(both.ca_pem, ca.ca_pem);
  account.rotate(false, false, kNow + 4);
  ASSERT_EQ(account.generations().size(), 4U);
  EXPECT_EQ(account.current().id, 4U);
}

// --- the volume ---

// A tree and a Node with an empty directory for the volume.
struct Ground {
  explicit Ground(const node::Tree& image = node::Tree()) : node(image, clock) {}
  std::optional<std::string> read(const std::string& path) const {
    const auto inode = node::View().resolve(node.tree(), {}, path);
    if (!inode) return std::nullopt;
    const auto bytes = node.tree().read_all(*inode);
    return bytes ? std::optional(*bytes) : std::nullopt;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    const auto entries = node.tree().list(node::kRoot);
    if (!entries) return all;
    for (const auto& entry : *entries) all.push_back(entry.name);
    return all;
  }
  VirtualClock clock;
  node::Node node;
};

TEST(AtomicVolume, LiesAsKubeletLaysIt) {
  Ground ground;
  AtomicVolume volume(1);
  ASSERT_TRUE(apply(ground.node, {}, node::kRoot, volume.update({{"token", "t"}, {"ca.crt", "c"}, {"namespace", "n"}}, kNow)));
  EXPECT_THAT(volume.data_directory(), MatchesRegex("\\.\\.2026_01_01_00_00_00\\.[0-9]{9}"));
  EXPECT_THAT(ground.names(),
              ElementsAre("..2026_01_01_00_00_00." + volume.data_directory().substr(22), "..data", "ca.crt", "namespace", "token"));
  const node::Tree& tree = ground.node.tree();
  const auto link = [&](const char* path) { return *tree.readlink(*node::View().resolve(tree, {}, path, false)); };
  EXPECT_EQ(link("/..data"), volume.data_directory());
  EXPECT_EQ(link("/token"), "..data/token");
  EXPECT_EQ(link("/ca.crt"), "..data/ca.crt");
  EXPECT_EQ(ground.read("/token"), "t");
  EXPECT_EQ(tree.attributes(*node::View().resolve(tree, {}, "/token"))->mode, 0644U);
  EXPECT_EQ(tree.attributes(*node::View().resolve(tree, {}, "/..data"))->mode, 0755U);
}

TEST(AtomicVolume, NoStepOfARotationShowsAMixture) {
  Ground ground;
  ServiceAccount account(1, kNow);
  AtomicVolume volume(1);
  ASSERT_TRUE(apply(ground.node, {}, node::kRoot, volume.update(ServiceAccount::files(account.current()), kNow)));
  for (int turn = 0; turn < 3; ++turn) {
    const Generation before = account.current();
    const Generation after = account.rotate(true, true, kNow + turn);
    bool swung = false;
    for (const Change& change : volume.update(ServiceAccount::files(after), kNow + turn)) {
      ASSERT_TRUE(apply(ground.node, {}, node::kRoot, {change}));
      const auto token = ground.read("/token");
      ASSERT_TRUE(token);
      swung = swung || *token == after.token;
      EXPECT_EQ(*token, swung ? after.token : before.token);
      EXPECT_EQ(ground.read("/ca.crt"), swung ? after.ca_pem : before.ca_pem);
    }
    EXPECT_TRUE(swung);
    EXPECT_EQ(ground.names().size(), 5U);  // the old directory is gone
  }
}

TEST(AtomicVolume, EqualPayloadIsNoUpdateAndGoneNamesGo) {
  Ground ground;
  AtomicVolume volume(9);
  ASSERT_TRUE(apply(ground.node, {}, node::kRoot, volume.update({{"a.conf", "1"}, {"b.conf", "2"}}, kNow)));
  EXPECT_TRUE(volume.update({{"a.conf", "1"}, {"b.conf", "2"}}, kNow).empty());
  ASSERT_TRUE(apply(ground.node, {}, node::kRoot, volume.update({{"b.conf", "3"}, {"c.conf", "4"}}, kNow)));
  EXPECT_EQ(ground.read("/a.conf"), std::nullopt);
  EXPECT_EQ(ground.read("/b.conf"), "3");
  EXPECT_EQ(ground.read("/c.conf"), "4");
  EXPECT_EQ(ground.names().size(), 4U);
}

TEST(AtomicVolume, FilesHaveTheModeOfTheVolume) {
  Ground ground;
  AtomicVolume secret(1, 0400);
  ASSERT_TRUE(apply(ground.node, {}, node::kRoot, secret.update({{"token", "t"}}, kNow)));
  EXPECT_EQ(ground.node.tree().attributes(*node::View().resolve(ground.node.tree(), {}, "/token"))->mode, 0400U);
}

TEST(PlainFiles, AreNeverPartial) {
  Ground ground;
  ASSERT_TRUE(apply(ground.node, {}, node::kRoot, plain_files({{"token", "old"}})));
  for (const Change& change : plain_files({{"token", "new one"}})) {
    ASSERT_TRUE(apply(ground.node, {}, node::kRoot, {change}));
    EXPECT_THAT(ground.read("/token").value_or("none"), testing::AnyOf("old", "new one"));
  }
  EXPECT_EQ(ground.read("/token"), "new one");
  EXPECT_THAT(ground.names(), ElementsAre("token"));
}

// --- changes ---

// Every path of a tree with its type, mode and content.
std::map<std::string, std::string> describe(const node::Tree& tree, node::InodeId directory = node::kRoot, const std::string& prefix = "") {
  std::map<std::string, std::string> all;
  const auto entries = tree.list(directory);
  if (!entries) return all;
  for (const auto& entry : *entries) {
    const auto attributes = *tree.attributes(entry.inode);
    const std::string path = prefix + "/" + entry.name;
    all[path] =
        std::to_string(static_cast<int>(attributes.type)) + " " + std::to_string(attributes.mode) + " " + std::to_string(attributes.uid);
    if (attributes.type == node::FileType::kFile) all[path] += " " + *tree.read_all(entry.inode);
    if (attributes.type == node::FileType::kSymlink) all[path] += " " + *tree.readlink(entry.inode);
    if (attributes.type == node::FileType::kDirectory) all.merge(describe(tree, entry.inode, path));
  }
  return all;
}

TEST(Changes, DoTheSameToANodeAndToATree) {
  Change owned = Change::write("d/owned", "x", 0400);
  owned.uid = 7;
  const std::vector<Change> changes = {Change::mkdir("d", 0700),
                                       Change::mkdir("d", 0711),
                                       Change::mkdir("d/e", 0777),
                                       Change::write("d/f", "long content", 0644),
                                       Change::write("d/f", "short", 0600),
                                       owned,
                                       Change::symlink("l", "d/f"),
                                       Change::write("l", "through the link", 0640),
                                       Change::fifo("p", 0622),
                                       Change::write("d/e/g", "", 0644),
                                       Change::rename("d/owned", "moved"),
                                       Change::remove("d/e"),
                                       Change::remove("nothing")};
  Ground ground;
  node::Caller strange;
  strange.umask = 077;  // exact modes, whatever the mask
  ASSERT_TRUE(apply(ground.node, strange, node::kRoot, changes));
  node::Tree tree;
  ASSERT_TRUE(apply(tree, node::kRoot, changes, kNow));
  EXPECT_EQ(describe(ground.node.tree()), describe(tree));
  const auto seen = describe(tree);
  EXPECT_EQ(seen.at("/d/f"), "0 416 0 through the link");
  EXPECT_EQ(seen.at("/moved"), "0 256 7 x");
  EXPECT_FALSE(seen.contains("/d/e"));
}

TEST(Changes, TheFirstErrorEndsThem) {
  node::Tree tree;
  const auto done =
      apply(tree, node::kRoot, {Change::write("a", "1", 0644), Change::write("missing/b", "2", 0644), Change::remove("a")}, kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), node::Errno{ENOENT});
  EXPECT_TRUE(describe(tree).contains("/a"));
  EXPECT_EQ(apply(tree, node::kRoot, {Change::symlink("a", "x")}, kNow).error(), node::Errno{EEXIST});
  EXPECT_EQ(apply(tree, node::kRoot, {Change::mkdir("a", 0755)}, kNow).error(), node::Errno{EEXIST});
}

}  // namespace
}  // namespace entryproof::cluster
