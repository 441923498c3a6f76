// For tests that play single cases: a scenario written down in the test, and what its checks came to.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "simulator/runner/case.h"
#include "simulator/runner/memory_world.h"
#include "simulator/runner/scenario_loader.h"

namespace entryproof::runner {

inline const Suite& suite() {
  static const Suite loaded = [] {
    auto suite = Suite::load(ENTRYPROOF_SOURCE_DIR "/scenarios");
    EXPECT_TRUE(suite) << suite.error().line();
    return suite ? std::move(*suite) : Suite{};
  }();
  return loaded;
}

// Plays steps (the inside of a JSON array) against a build; gives each check's status, with what was seen.
inline std::map<std::string, std::string> play(const std::string& steps, const std::string& build = "reference",
                                               const std::string& given = R"({"primary": "flannel"})", WorldKind world = WorldKind::kMemory,
                                               const WorldMaker& make_world = make_memory_world) {
  const auto text = R"({"scenario": 1, "title": "t", "why": "w", "given": )" + given + R"(, "steps": [)" + steps + "]}";
  auto cases = parse_scenario(text, "test.json", "test");
  EXPECT_TRUE(cases) << cases.error().line();
  const auto builds = resolve_build(build);
  EXPECT_TRUE(builds) << builds.error().line();
  if (!cases || !builds) return {};
  RunOptions options;
  options.profile = oracles::Profile::kProduction;
  const auto played = play_case({suite(), cases->front(), builds->front(), options, world, 1, nullptr}, make_world);
  std::map<std::string, std::string> seen;
  for (const auto& check : played.record.checks) {
    seen[check.check] = std::string(to_string(check.status)) + (check.actual.empty() ? "" : ": " + check.actual);
  }
  return seen;
}

inline const std::string kStart = R"({"start": "build", "args": ["--multus-conf-file=auto"]}, {"rest": true})";

inline std::string expect(const std::string& check, const std::string& demand) {
  return R"(, {"expect": {"check": ")" + check + R"(", )" + demand + "}}";
}

inline const std::string kCluster = R"({"primary": "flannel", "cluster": {}})";

// Each way in which a published file can be worthless, and what a client of it is told; whatever the world, the answers are these.
struct Said {
  std::string steps;
  std::string state;
  std::string given = kCluster;
};
inline const std::vector<Said> kSaidByTheCluster = {
    {R"({"rotate": "signing-key"})", "unauthorized"},
    {R"({"rotate": "signing-key", "keep_old": true})", "authenticates"},
    {R"({"rotate": "pod"})", "unauthorized"},
    {R"({"rotate": "ca"})", "refused"},
    {R"({"rotate": "ca-add"})", "authenticates"},
    {R"({"rotate": "ca-add"}, {"rotate": "ca-switch"})", "refused"},
    {R"({"rotate": "ca-add"}, {"rotate": "ca-switch"}, {"rotate": "ca-drop"})", "refused"},
    {R"({"rotate": "ca-switch"})", "authenticates", R"({"primary": "flannel", "cluster": {"bundle": true}})"},
    {R"({"cluster": {"api": "down"}})", "refused"},
    {R"({"cluster": {"api": "slow", "latency": "1s"}})", "authenticates"},
    {R"({"cluster": {"certificate": "expired"}})", "refused"},
    {R"({"cluster": {"certificate": "wrong-name"}})", "refused"},
    {R"({"cluster": {"certificate": "foreign"}})", "refused"},
    {R"({"cluster": {"certificate": "foreign"}}, {"cluster": {"certificate": "right"}})", "authenticates"},
    {R"({"cluster": {"delete_pod": true}})", "unauthorized"},
};
inline const std::vector<Said> kSaidLater = {
    // in virtual time
    {R"({"advance": "1h"}, {"advance": "8s"})", "unauthorized"},
    {R"({"advance": "2h"})", "authenticates", R"({"primary": "flannel", "cluster": {"tokens": "stretched"}})"},
    {R"({"advance": "2h"})", "authenticates", R"({"primary": "flannel", "cluster": {"tokens": "legacy"}})"},
};

// The reference publishes and is stopped; then it happens.
inline std::string after(const Said& said) {
  return kStart + R"(, {"stop": "build"}, )" + said.steps + expect("FRESH-06/one-hour", R"("kubeconfig": ")" + said.state + "\"");
}

}  // namespace entryproof::runner
