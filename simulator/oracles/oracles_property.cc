// Whatever lies on a node: the oracles answer, and never crash.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <set>

#include "simulator/oracles/attach.h"
#include "simulator/oracles/expectations.h"
#include "simulator/oracles/redact.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::oracles {
namespace {

// A good document with a few bytes changed, cut off or added: what random bytes never reach.
rc::Gen<std::string> damaged(const std::string& good) {
  return rc::gen::exec([good] {
    std::string text = good;
    const int edits = *rc::gen::inRange(0, 4);
    for (int i = 0; i < edits && !text.empty(); ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const auto piece = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                                         rc::gen::element<std::string>("\"", "\\", "\n", "{", "}", "[", ":", "&a ", "*a", "- ", "\xFF"));
      text.replace(at, *rc::gen::inRange<std::size_t>(0, 20), piece);
    }
    return text;
  });
}

RC_GTEST_PROP(Oracles, AnyKubeconfigIsJudged, ()) {
  const std::string bytes = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(), damaged(lab::kubeconfig()));
  const KubeconfigFacts facts = parse_kubeconfig(bytes, *rc::gen::arbitrary<bool>());
  RC_ASSERT(facts.valid == facts.reason.empty());
  if (facts.valid) {
    RC_ASSERT(facts.whole);
    RC_ASSERT(!facts.url.host.empty());
  }
}

RC_GTEST_PROP(Oracles, AnyServerUrlIsJudged, ()) {
  const auto url = "https://" + *rc::gen::container<std::string>(rc::gen::elementOf(std::string("a1:.[]%25/@?-fd ")));
  std::string reason;
  const auto parsed = parse_server_url(url, false, reason);
  RC_ASSERT(parsed.has_value() == reason.empty());
}

RC_GTEST_PROP(Oracles, AnyConfigurationIsJudged, ()) {
  const std::string bytes = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(), damaged(lab::multus_conf(lab::kFlannel)),
                                            damaged(lab::multus_conflist(lab::kFlannel)));
  for (const bool list : {false, true}) {
    const CniConfig config = parse_cni_config(bytes, list);
    if (config.own()) RC_ASSERT(config.multus_depth >= 1U);
    if (config.accepted()) RC_ASSERT(!config.name.empty() && !config.types.empty());
  }
  RC_ASSERT(json_difference(bytes, bytes, JsonEquality::kLossless).empty() || !json_difference(bytes, "{}", JsonEquality::kValue).empty());
}

RC_GTEST_PROP(Oracles, RenderingIsPrintableCappedAndWithoutTokens, (const std::string& before, const std::string& after)) {
  const Redactor redactor({lab::kToken});
  const std::string text = redactor.render(before + lab::kToken + after);
  RC_ASSERT(text.size() <= kTextMax);
  RC_ASSERT(!redactor.leaks(text));
  for (const char c : text) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

// Random operations of random actors on a node that is judged all the while.
RC_GTEST_PROP(Oracles, AnySequenceOfOperationsIsJudged, ()) {
  lab::Lab lab(lab::layout_with_source());
  lab.make_directories(lab::kNetDir + "/multus.d");
  const std::vector<std::string> paths{lab::kConf, lab::kManualConf, lab::kNetDir + "/00-multus.conflist", lab::kKubeconfig, lab::kPlugin};
  const std::vector<std::string> contents{lab::kubeconfig(),
                                          lab::kubeconfig("https://[10.96.0.1]:443"),
                                          lab::multus_conf(lab::kFlannel),
                                          lab::kBinary,
                                          lab::multus_conf(lab::multus_conf(lab::kFlannel)),
                                          lab::multus_conflist(lab::kFlannel),
                                          "",
                                          "torn"};
  bool built = false;
  for (int steps = *rc::gen::inRange(1, 12); steps > 0; --steps) {
    const auto actor = *rc::gen::element(node::Actor::kWorld, node::Actor::kStage, node::Actor::kBuild);
    built = built || actor == node::Actor::kBuild;
    lab.as(actor);
    const std::string path = *rc::gen::elementOf(paths);
    const std::string content = *rc::gen::elementOf(contents);
    if (*rc::gen::arbitrary<bool>()) {
      lab.unlink_and_copy(path, content, *rc::gen::element<mode_t>(0600, 0644, 0755));
    } else {
      lab.replace(path, content, *rc::gen::element<mode_t>(0600, 0644, 0755));
    }
  }
  if (!built) RC_ASSERT(lab.findings().empty());
  const std::vector<std::string> charged = lab.charged();
  RC_ASSERT(std::set<std::string>(charged.begin(), charged.end()).size() == charged.size());
  for (const Finding& finding : lab.findings()) RC_ASSERT(finding.at.has_value() && finding.at->op > 0);
  Readers readers;
  attach(lab.tree(), Layout{}, Mode::kManual, lab.oracle().published(), readers);
  RC_ASSERT(!summary(lab.tree(), Layout{}, lab::two_generations()).empty());
}

}  // namespace
}  // namespace entryproof::oracles
