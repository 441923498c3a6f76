// Whatever a client sends or trusts: tokens, certificates, headers and bodies are refused with a reason, and never crash the judge.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/digest.h"
#include "simulator/cluster/authority.h"
#include "simulator/cluster/chain.h"
#include "simulator/cluster/handshake.h"
#include "simulator/cluster/service_account.h"

namespace entryproof::cluster {
namespace {

constexpr std::int64_t kNow = VirtualClock::kDefaultEpochNs;

const ServiceAccount& account() {
  static const ServiceAccount one(1, kNow);
  return one;
}

// A good text with a few bytes changed, cut out or put in: what random bytes never reach.
rc::Gen<std::string> damaged(const std::string& good) {
  return rc::gen::exec([good] {
    std::string text = good;
    const int edits = *rc::gen::inRange(1, 4);
    for (int i = 0; i < edits && !text.empty(); ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const auto piece = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                                         rc::gen::element<std::string>(".", "=", "\n", "\r", "A", "-----BEGIN CERTIFICATE-----\n",
                                                                       "-----END CERTIFICATE-----\n", "-", " "));
      text.replace(at, *rc::gen::inRange<std::size_t>(0, 20), piece);
    }
    return text;
  });
}

std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

RC_GTEST_PROP(Tokens, OnlyWhatWasIssuedIsBelieved, ()) {
  const std::string& good = account().current().token;
  const std::string token = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(), damaged(good));
  const auto claims = verify_token(token);
  RC_ASSERT(claims.has_value() == (token == good));
  if (!claims) RC_ASSERT(!claims.error().message.empty());
}

// The header is read before anything is known to be ours.
RC_GTEST_PROP(Tokens, AnyHeaderIsJudged, ()) {
  const std::string& good = account().current().token;
  const auto kid =
      *rc::gen::oneOf(rc::gen::map(rc::gen::arbitrary<std::string>(), [](const std::string& text) { return nlohmann::json(text); }),
                      rc::gen::element<nlohmann::json>("entryproof-0", "entryproof-00", "entryproof--1", "entryproof-18446744073709551616",
                                                       "entryproof-rsa-0", "entryproof-999999", nullptr, 7, nlohmann::json::array()));
  const auto algorithm = *rc::gen::element<nlohmann::json>("ES256", "none", "HS256", "RS256", "", nullptr, 3);
  const nlohmann::json header = {{"alg", algorithm}, {"kid", kid}};
  const auto text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto claims = verify_token(base64url(text) + good.substr(good.find('.')));
  RC_ASSERT(claims.has_value() == (text == R"({"alg":"ES256","kid":"entryproof-0"})"));
}

RC_GTEST_PROP(Tokens, AnyRequestReadsBackAsIssued, ()) {
  TokenRequest request;
  request.seed = *rc::gen::arbitrary<std::uint64_t>();
  request.generation = *rc::gen::inRange<std::uint64_t>(0, 100);
  request.wall_ns = kNow + *rc::gen::inRange<std::int64_t>(0, 1'000'000) * 1'000'000'000;
  request.pod_name = *rc::gen::element<std::string>("a", "kube-multus-ds-x7k2p", "with \"quotes\" and \\");
  request.life_seconds = *rc::gen::inRange<std::int64_t>(1, 100'000);
  request.stretched = *rc::gen::arbitrary<bool>();
  request.legacy = *rc::gen::arbitrary<bool>();
  const auto claims = verify_token(issue_token(request));
  RC_ASSERT(claims.has_value());
  RC_ASSERT(claims->legacy() == request.legacy);
  RC_ASSERT(claims->account == "multus");
  if (request.legacy) {
    RC_ASSERT(!claims->expires);
    return;
  }
  RC_ASSERT(claims->pod_name == request.pod_name);
  RC_ASSERT(claims->pod_uid == pod_uid_of(request.seed, request.pod_name));
  RC_ASSERT(*claims->expires == claims->issued_at + (request.stretched ? kStretchedLifeSeconds : request.life_seconds));
}

RC_GTEST_PROP(Chain, AnyBundleAndAnyHostAreJudged, ()) {
  const Authority& root = Authority::pooled(0);
  const std::string good = root.certificate_pem() + Authority::pooled(1).certificate_pem();
  const std::string bundle = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(), damaged(good), rc::gen::just(good));
  const std::string chain = *rc::gen::oneOf(damaged(root.serving(usual_serving_request())->chain_pem),
                                            rc::gen::just(root.serving(usual_serving_request())->chain_pem));
  const std::string host = *rc::gen::oneOf(
      rc::gen::arbitrary<std::string>(), rc::gen::element<std::string>("10.96.0.1", "kubernetes", "", ".", "*", "[::1]", "fd00:10:96::1"));
  const auto defect = chain_defect(bundle, chain, host, kNow);
  RC_ASSERT(!defect || !defect->empty());
  if (certificates_in(bundle) == 0) RC_ASSERT(defect.has_value());
  if (host.empty()) RC_ASSERT(defect.has_value());
}

// A block that is spoilt is passed over, and the others count: as in Go, whose verdict a kubeconfig meets.
RC_GTEST_PROP(Chain, ASpoiltBlockSpoilsNoOther, ()) {
  const std::string good = Authority::pooled(0).certificate_pem();
  const std::string noise = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc# \n=+/")));
  const std::string spoilt = "-----BEGIN CERTIFICATE-----\n" + noise + "\n-----END CERTIFICATE-----\n";
  RC_ASSERT(certificates_in(noise + "\n" + good) == 1U);
  RC_ASSERT(certificates_in(spoilt + good) == 1U);
  RC_ASSERT(certificates_in(good + spoilt) == 1U);
  RC_ASSERT(certificates_in(good + good) == 2U);
}

RC_GTEST_PROP(Handshake, AnyConfigurationHasAnExperience, ()) {
  ClientConfig client;
  client.scheme = *rc::gen::element<std::string>("https", "https", "http", "HTTPS", "");
  client.host = *rc::gen::oneOf(rc::gen::just(std::string(kServiceAddress)), rc::gen::arbitrary<std::string>());
  client.port = *rc::gen::element<std::uint16_t>(443, 443, 0, 80);
  client.ca_pem = *rc::gen::oneOf(rc::gen::just(account().current().ca_pem), damaged(account().current().ca_pem));
  client.token = *rc::gen::oneOf(rc::gen::just(account().current().token), damaged(account().current().token));
  client.insecure = *rc::gen::arbitrary<bool>();
  const auto experience = attempt(client, account().control());
  RC_ASSERT((experience.kind == Experience::Kind::kAuthenticated) == experience.cause.empty());
  RC_ASSERT(experience.cause.find('\n') == std::string::npos);
}

// Whatever an operator does in whatever order: the credentials of now are let in, and older ones exactly while nothing took them away.
RC_GTEST_PROP(ServiceAccount, TheCredentialsOfNowAlwaysAuthenticate, ()) {
  std::int64_t now = kNow;
  ServiceAccount history(std::make_shared<ControlPlane>(*rc::gen::inRange<std::uint64_t>(0, 3), [&now] { return now; }), now);
  ControlPlane& control = history.control();

  // What a token needs to count, kept beside the control plane's own books.
  struct Issued {
    std::string token;
    std::int64_t expires;
    bool alive = true;
  };
  std::vector<Issued> issued;
  const auto note = [&] {
    const auto& current = history.current();
    if (issued.empty() || issued.back().token != current.token) issued.push_back({current.token, *current.expires});
  };
  const auto kill_earlier = [&] {
    for (auto& one : issued) one.alive = one.token == history.current().token;
  };
  note();
  const int turns = *rc::gen::inRange(1, 12);
  for (int turn = 0; turn < turns; ++turn) {
    now += *rc::gen::inRange<std::int64_t>(0, 1500) * 1'000'000'000;
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        history.rotate(true, *rc::gen::arbitrary<bool>(), now);
        note();
        break;
      case 1:
        history.rotate_ca(CaStep::kReplace, now);
        break;
      case 2:
        history.rotate_ca(CaStep::kAdd, now);
        break;
      case 3:
        history.rotate_ca(CaStep::kSwitch, now);
        break;
      case 4:
        // Dropping the CA that the server still serves by would be an operator's mistake, so he switches first.
        history.rotate_ca(CaStep::kSwitch, now);
        history.rotate_ca(CaStep::kDropOld, now);
        break;
      case 5: {
        const bool keep_old = *rc::gen::arbitrary<bool>();
        history.rotate_signing_key(keep_old, now);
        note();
        if (!keep_old) kill_earlier();
        break;
      }
      case 6:
        history.replace_pod(now);
        note();
        kill_earlier();
        break;
      default:
        control.drop_old_signing_keys();
        // The newest token is signed by the newest key, and so is whatever else came after the last rotation of it.
        for (auto& one : issued) one.alive = one.alive && verify_token(one.token)->key == control.signing_key();
        break;
    }
    if (now >= *history.current().expires * 1'000'000'000) {
      history.rotate(true, false, now);
      note();
    }
    ClientConfig client;
    client.host = kServiceAddress;
    client.ca_pem = history.current().ca_pem;
    client.token = history.current().token;
    const auto experience = attempt(client, control);
    RC_ASSERT(experience.cause.empty());
    RC_ASSERT(experience.identity->pod_name == history.pod().name);
    for (const auto& one : issued) {
      RC_ASSERT(control.authenticate(one.token).has_value() == (one.alive && now <= one.expires * 1'000'000'000));
    }
  }
}

RC_GTEST_PROP(Objects, AnyPatchIsJudged, ()) {
  Objects objects;
  const ObjectKey key{"pods", "n", "p"};
  const std::string document = R"({"metadata":{"uid":"u"},"spec":{"a":[1,2]},"status":{}})";
  RC_ASSERT(objects.put(key, document).has_value());
  const auto body =
      *rc::gen::oneOf(rc::gen::arbitrary<std::string>(), damaged(document),
                      damaged(R"([{"op":"move","from":"/spec/a/0","path":"/metadata/uid"},{"op":"add","path":"","value":[]}])"));
  const auto type = *rc::gen::element<std::string>("application/json-patch+json", "application/merge-patch+json",
                                                   "application/strategic-merge-patch+json", "");
  const auto done = objects.patch(key, *rc::gen::element<std::string>("", "status"), type, body);
  if (!done) RC_ASSERT(done.error().status >= 400 && !done.error().reason.empty());
  const auto after = nlohmann::json::parse(*objects.get(key));
  RC_ASSERT(after["metadata"]["uid"] == "u");
  RC_ASSERT(after["metadata"]["name"] == "p");
}

}  // namespace
}  // namespace entryproof::cluster
