// Odd inputs: what is demanded of which, that every scenario made of one is well formed, and that the search finds what is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "simulator/explore/odd_grammar.h"
#include "simulator/explore/odd_search.h"
#include "simulator/explore/odd_shrink.h"
#include "simulator/runner/scenario_loader.h"

namespace entryproof::explore {
namespace {

const runner::Suite& suite() {
  static const runner::Suite kSuite = [] {
    auto loaded = runner::Suite::load(std::string(ENTRYPROOF_SOURCE_DIR) + "/scenarios");
    EXPECT_TRUE(loaded) << loaded.error().line();
    return loaded ? std::move(*loaded) : runner::Suite{};
  }();
  return kSuite;
}

OddInput input_of(OddPart part, std::string bytes) {
  OddInput input;
  input.part = part;
  input.bytes = std::move(bytes);
  return input;
}

OddInput primary(std::string bytes, bool list = false) {
  auto input = input_of(OddPart::kPrimary, std::move(bytes));
  input.list = list;
  return input;
}

OddInput manual(std::string bytes) { return input_of(OddPart::kManual, std::move(bytes)); }

TEST(OddInput, EveryClientAgreesOnAGoodPrimary) {
  for (const char* text : {R"({"cniVersion":"0.3.1","name":"n","type":"bridge","mtu":9007199254740993,"x":[1.0,1e3]})",
                           R"({"cniVersion":"0.4.0","name":"n","type":"bridge","capabilities":{"a":false},"ipam":{"type":"host-local"}})"})
    EXPECT_EQ(classify(primary(text)), OddClass::kGood) << text;
  EXPECT_EQ(classify(primary(R"({"cniVersion":"1.0.0","name":"n","plugins":[{"type":"bridge"},{"type":"portmap"}]})", true)),
            OddClass::kGood);
  for (const auto& [name, fixture] : suite().fixtures)
    EXPECT_NE(classify(primary(fixture.bytes, fixture.filename.ends_with("list"))), OddClass::kBad) << name;
}

TEST(OddInput, NoClientTakesABadPrimary) {
  for (const char* text : {"", "{", "null", "[]", R"({"name":"n"})", R"({"cniVersion":"0.3.1","name":"n","type":"bridge",})"})
    EXPECT_EQ(classify(primary(text)), OddClass::kBad) << text;
}

TEST(OddInput, OfWhatClientsDisputeNothingInParticularIsDemanded) {
  for (const char* text :
       {R"({"cniVersion":"0.3.1","name":"n","type":"bridge","type":"ptp"})", R"({"cniVersion":"0.3.1","name":"n","TYPE":"bridge"})",
        R"({"cniVersion":"9.9.9","name":"n","type":"bridge"})", R"({"cniVersion":"0.3.1","name":"n","type":"multus"})",
        R"({"cniVersion":"0.3.1","name":"n","type":"bridge","x":1e999})"})
    EXPECT_NE(classify(primary(text)), OddClass::kGood) << text;
}

TEST(OddInput, AManualConfigurationIsGoodIfItNamesTheKubeconfig) {
  const std::string good =
      R"({"cniVersion":"0.3.1","name":"n","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig","delegates":[{"cniVersion":"0.3.1","name":"c","type":"bridge"}]})";
  EXPECT_EQ(classify(manual(good)), OddClass::kGood);
  EXPECT_EQ(classify(manual(R"({"cniVersion":"0.3.1","name":"n","type":"bridge"})")), OddClass::kDisputed);
  EXPECT_EQ(classify(manual("{")), OddClass::kBad);
}

TEST(OddGrammar, MakesWellFormedScenariosOfEveryPartAndClass) {
  const OddMaterial material{.singles = {R"({"type":"a"})"}, .lists = {R"({"plugins":[]})"}, .token = "abc.def.ghi", .ca = "pem"};
  OddGrammar grammar(material, 7);
  std::set<OddClass> classes;
  for (std::size_t i = 0; i < 600; ++i) {
    auto input = grammar.make(static_cast<OddPart>(i % kOddParts));
    if (i % 3 == 0) input = grammar.vary(input);
    classes.insert(classify(input));
    const auto text = to_scenario(input, "title", "why");
    if (!text) continue;  // an argument that is no text
    const auto scenario = runner::parse_scenario(*text, "odd.json", "odd");
    ASSERT_TRUE(scenario) << scenario.error().line() << "\n" << *text;
    for (const auto& check : scenario->front().checks()) EXPECT_NE(suite().catalogue.find_check(check), nullptr) << check;
  }
  EXPECT_EQ(classes.size(), 3U);
}

TEST(OddGrammar, MakesTheSameFromTheSameSeed) {
  const OddMaterial material{.singles = {R"({"type":"a"})"}, .lists = {R"({"plugins":[]})"}, .token = "abc.def.ghi", .ca = "pem"};
  OddGrammar one(material, 7);
  OddGrammar other(material, 7);
  for (std::size_t i = 0; i < 100; ++i)
    EXPECT_EQ(one.make(static_cast<OddPart>(i % kOddParts)), other.make(static_cast<OddPart>(i % kOddParts)));
}

TEST(OddShrink, LeavesWhatItTakesAndNoMore) {
  const auto least = shrink(
      primary(R"({"a": 1, "bad": 1.0, "c": [1, 2, 3]})"),
      [](const OddInput& input) { return input.bytes.find("1.0") != std::string::npos; }, 1000);
  EXPECT_EQ(least.bytes, "1.0");
  auto flags = input_of(OddPart::kFlags, "");
  flags.flags = {"--a", "--b", "--c"};
  EXPECT_EQ(shrink(
                flags, [](const OddInput& input) { return std::ranges::find(input.flags, "--b") != input.flags.end(); }, 100)
                .flags,
            std::vector<std::string>{"--b"});
}

Result<OddSearchResult> search(const std::string& spec, std::vector<OddPart> parts, std::uint64_t runs) {
  const auto build = runner::resolve_build(spec);
  if (!build) return std::unexpected(build.error());
  OddListener nobody;
  const std::atomic<bool> interrupted = false;
  OddSearchOptions options;
  options.parts = std::move(parts);
  options.runs = runs;
  options.seed = 20261123;
  options.world = runner::WorldKind::kMemory;
  return search_odd_inputs(suite(), build->front(), options, nobody, interrupted);
}

TEST(OddSearch, FindsNothingInTheReference) {
  const auto result = search("reference", {}, 768);
  ASSERT_TRUE(result) << result.error().line();
  for (const auto& finding : result->findings) ADD_FAILURE() << finding.scenario;
  EXPECT_EQ(result->runs, 768U);
  EXPECT_GT(result->behaviours, 20U);
}

TEST(OddSearch, FindsAMutantTheSameWayEachTimeAndAsAScenario) {
  const auto result = search("mutant:manual-unchecked", {OddPart::kManual}, 128);
  ASSERT_TRUE(result) << result.error().line();
  ASSERT_FALSE(result->findings.empty());
  EXPECT_EQ(result->findings.front().check, "MANUAL-50/invalid-refused");
  EXPECT_LT(result->findings.front().input.bytes.size(), 40U);
  const auto scenario = runner::parse_scenario(result->findings.front().scenario, "found.json", "found");
  EXPECT_TRUE(scenario) << scenario.error().line();
  const auto again = search("mutant:manual-unchecked", {OddPart::kManual}, 128);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->findings.size(), result->findings.size());
  for (std::size_t i = 0; i < again->findings.size(); ++i) EXPECT_EQ(again->findings[i].scenario, result->findings[i].scenario);
}

}  // namespace
}  // namespace entryproof::explore
