#include "simulator/runner/scenario_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "simulator/base/file.h"

#include <rapidcheck/gtest.h>

namespace entryproof::runner {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A scenario whose steps are `steps`, the text of an array's inside; `more` goes before them.
std::string with_steps(const std::string& steps, const std::string& more = "") {
  return R"({"scenario": 1, "title": "t", "why": "w", )" + more + R"("steps": [)" + steps + "]}";
}

Scenario one(const std::string& text) {
  auto cases = parse_scenario(text, "x.json", "x");
  EXPECT_TRUE(cases) << cases.error().line();
  return cases && cases->size() == 1 ? cases->front() : Scenario{};
}

std::string refusal(const std::string& text) {
  const auto cases = parse_scenario(text, "x.json", "x");
  return cases ? "accepted" : cases.error().line();
}

template <class T>
T step(const std::string& text) {
  const Scenario scenario = one(with_steps(text));
  const T* found = scenario.steps.empty() ? nullptr : std::get_if<T>(&scenario.steps[0].action);
  EXPECT_NE(found, nullptr) << text;
  return found != nullptr ? *found : T{};
}

TEST(ScenarioLoader, ReadsWhatItIs) {
  const Scenario scenario = one(R"({
  "scenario": 1,
  "title": "A title", "why": "A reason.", "tags": ["b", "a"], "worlds": ["fuse"],
  "given": {
    "primary": "flannel", "credentials": "hostpath", "token_suffix": "\n", "environment": { "A": "b", "C": null },
    "tree": { "/x": { "text": "hello", "mode": "0600", "uid": 7, "gid": 8 }, "node:/y": { "json": { "b": [1], "a": 2.5 } } },
    "absent": ["/usr/src"], "umask": "0077", "disk_bytes": 65536
  },
  "steps": [
    { "start": "build" }
  ],
  "except": { "ATOM-23/config-never-missing": "because" }
})");
  EXPECT_EQ(scenario.id, "x");
  EXPECT_EQ(scenario.file, "x.json");
  EXPECT_EQ(scenario.title, "A title");
  EXPECT_EQ(scenario.why, "A reason.");
  EXPECT_THAT(scenario.tags, ElementsAre("a", "b"));
  EXPECT_THAT(scenario.worlds, ElementsAre("fuse"));
  const Given& given = scenario.given;
  EXPECT_EQ(given.primary, "flannel");
  EXPECT_EQ(given.credentials, "hostpath");
  EXPECT_EQ(given.token_suffix, "\n");
  EXPECT_EQ(given.environment.at("A"), "b");
  EXPECT_EQ(given.environment.at("C"), std::nullopt);
  EXPECT_EQ(given.tree.at("/x").content, "hello");
  EXPECT_EQ(given.tree.at("/x").mode, 0600U);
  EXPECT_EQ(given.tree.at("/x").uid, 7U);
  EXPECT_EQ(given.tree.at("/x").gid, 8U);
  EXPECT_EQ(given.tree.at("node:/y").kind, Object::Kind::kJson);
  EXPECT_EQ(given.tree.at("node:/y").content, R"({"a":2.5,"b":[1]})");
  EXPECT_THAT(given.absent, ElementsAre("/usr/src"));
  EXPECT_EQ(given.umask, 077U);
  EXPECT_EQ(given.disk_bytes, 65536U);
  EXPECT_EQ(scenario.steps[0].pointer, "/steps/0");
  EXPECT_EQ(scenario.steps[0].line, 10);
  EXPECT_EQ(scenario.except.at("ATOM-23/config-never-missing"), "because");
}

TEST(ScenarioLoader, TheUsualNodeNeedsNoWords) {
  const Scenario scenario = one(with_steps(R"({"rest": true})"));
  EXPECT_EQ(scenario.given.primary, "");
  EXPECT_EQ(scenario.given.credentials, "projected");
  EXPECT_EQ(scenario.given.umask, 022U);
  EXPECT_TRUE(scenario.worlds.empty());
}

TEST(ScenarioLoader, ReadsEachVerb) {
  const auto start = step<StartStep>(R"({"start": "build", "args": ["--a=b"], "env": {"A": null}})");
  EXPECT_EQ(start.what, "build");
  EXPECT_EQ(start.as, "build");
  EXPECT_THAT(start.args, ElementsAre("--a=b"));
  EXPECT_EQ(start.environment.at("A"), std::nullopt);
  EXPECT_FALSE(start.wait);
  EXPECT_EQ(step<StartStep>(R"({"start": "predecessor:3.9.3"})").as, "old");
  const auto run = step<StartStep>(R"({"run": "predecessor:4.0.2", "as": "older", "within": "1m"})");
  EXPECT_TRUE(run.wait);
  EXPECT_EQ(run.as, "older");
  EXPECT_EQ(run.within, 60s);
  const auto put = step<PutStep>(R"({"put": "/x", "bytes": "AP8=", "mode": "04755"})");
  EXPECT_EQ(put.object.content, std::string("\0\xFF", 2));
  EXPECT_EQ(put.object.mode, 04755U);
  EXPECT_EQ(step<PutStep>(R"({"put": "/x", "symlink": "../y"})").object.kind, Object::Kind::kSymlink);
  EXPECT_EQ(step<PutStep>(R"({"put": "/x", "directory": true})").object.kind, Object::Kind::kDirectory);
  EXPECT_EQ(step<PutStep>(R"({"put": "/x", "fifo": true})").object.kind, Object::Kind::kFifo);
  EXPECT_EQ(step<PutStep>(R"({"put": "/x", "fixture": "flannel"})").object.content, "flannel");
  EXPECT_EQ(step<RemoveStep>(R"({"remove": "/x"})").path, "/x");
  EXPECT_EQ(faults::to_string(*step<RemoveStep>(R"({"remove": "/x", "behind": "open **/y"})").behind), "open **/y nth=1");
  EXPECT_EQ(step<RenameStep>(R"({"rename": "/x", "to": "/y"})").to, "/y");
  EXPECT_EQ(step<LinkStep>(R"({"link": "/x", "target": "y"})").target, "y");
  const auto ca = step<RotateStep>(R"({"rotate": "ca"})");
  EXPECT_EQ(ca.what, RotateStep::What::kCa);
  const auto both = step<RotateStep>(R"({"rotate": "both"})");
  EXPECT_EQ(both.what, RotateStep::What::kBoth);
  const auto key = step<RotateStep>(R"({"rotate": "signing-key", "keep_old": true, "expires": "same", "torn": true})");
  EXPECT_EQ(key.what, RotateStep::What::kSigningKey);
  EXPECT_TRUE(key.keep_old && key.torn && key.expires == RotateStep::Expires::kSame);
  EXPECT_EQ(faults::to_string(*step<SignalStep>(R"({"signal": "INT", "at": 5})").at), "any ** nth=5");
  EXPECT_EQ(faults::to_string(*step<SignalStep>(R"({"signal": "INT", "at": "rename to=**/x after"})").at), "rename to=**/x nth=1 after");
  const auto signal = step<SignalStep>(R"({"signal": "INT", "to": "old"})");
  EXPECT_EQ(signal.number, SIGINT);
  EXPECT_EQ(signal.who, "old");
  EXPECT_EQ(step<KillStep>(R"({"kill": "build", "at": 12})").at_operation, 12U);
  EXPECT_EQ(step<KillStep>(R"({"kill": "build"})").at_operation, std::nullopt);
  EXPECT_EQ(step<StopStep>(R"({"stop": "old"})").who, "old");
  EXPECT_EQ(step<RestStep>(R"({"rest": true, "within": "2s"})").within, 2s);
  EXPECT_EQ(step<RememberStep>(R"({"remember": "then"})").name, "then");
  EXPECT_EQ(step<WaitStep>(R"({"advance": "250ms"})").duration, 250ms);
}

TEST(ScenarioLoader, ReadsEachDemand) {
  const auto expect = step<ExpectStep>(R"({"expect": {"check": "EXIST-01/x", "within": "5s", "for": "1h",
      "kubeconfig": {"state": "current", "server": "https://h:1", "mode": "0600", "insecure": false, "path": "node:/etc/k"},
      "configuration": {"delegate": "d", "lossless": "/p", "own_files": 1, "self_delegating": false, "name": "n", "file": "node:/f",
                        "cni_version": "1.0.0"},
      "runtime": {"containerd": "", "crio": "c"}, "exit": {"code": 3, "of": "old"}, "attach": false, "quiet": true,
      "tree": {"/t": {"type": "file", "json": [1], "yaml": {}, "equals": "e", "contains": "c", "same_as": "/s", "unchanged_since": "u",
                      "mode": "0644", "uid": 0, "target": "x"}, "/d": {"closed": true}, "/s": {"same_since": "u"}}}})");
  EXPECT_EQ(expect.check, "EXIST-01/x");
  EXPECT_EQ(expect.within, 5s);
  EXPECT_EQ(expect.hold_for, 1h);
  EXPECT_EQ(expect.kubeconfig->state, "current");
  EXPECT_EQ(expect.kubeconfig->server, "https://h:1");
  EXPECT_EQ(expect.kubeconfig->mode, 0600U);
  EXPECT_EQ(expect.kubeconfig->insecure, false);
  EXPECT_EQ(expect.kubeconfig->path, "/etc/k") << "a host path, without node:";
  EXPECT_EQ(expect.configuration->lossless, "/p");
  EXPECT_EQ(expect.configuration->own_files, 1U);
  EXPECT_EQ(expect.configuration->self_delegating, false);
  EXPECT_EQ(expect.configuration->file, "/f");
  EXPECT_EQ(expect.configuration->cni_version, "1.0.0");
  EXPECT_EQ(expect.runtime->containerd, "");
  EXPECT_EQ(expect.runtime->crio, "c");
  EXPECT_EQ(expect.exit->code, 3);
  EXPECT_EQ(expect.exit->who, "old");
  EXPECT_EQ(expect.attach, false);
  EXPECT_EQ(expect.quiet, true);
  const ObjectMatcher& matcher = expect.tree.at("/t");
  EXPECT_EQ(matcher.type, "file");
  EXPECT_EQ(matcher.json, "[1]");
  EXPECT_EQ(matcher.yaml, "{}");
  EXPECT_EQ(matcher.equals, "e");
  EXPECT_EQ(matcher.same_as, "/s");
  EXPECT_EQ(matcher.unchanged_since, "u");
  EXPECT_EQ(matcher.mode, 0644U);
  EXPECT_EQ(matcher.uid, 0U);
  EXPECT_FALSE(matcher.closed);
  EXPECT_TRUE(expect.tree.at("/d").closed);
  EXPECT_EQ(expect.tree.at("/s").same_since, "u");
  EXPECT_EQ(step<ExpectStep>(R"({"expect": {"check": "A-1/x", "kubeconfig": "absent"}})").kubeconfig->state, "absent");
  EXPECT_EQ(step<ExpectStep>(R"({"expect": {"check": "A-M1/x", "exit": {"not_zero": true}}})").exit->not_zero, true);
  EXPECT_EQ(step<ExpectStep>(R"({"expect": {"check": "A-M1/x", "exit": {"no_crash": true}}})").exit->no_crash, true);
}

TEST(ScenarioLoader, ListsItsChecksOnce) {
  const std::string expect = R"({"expect": {"check": "B-2/x", "attach": true}})";
  EXPECT_THAT(one(with_steps(expect + R"(,{"expect": {"check": "A-1/x", "attach": true}},)" + expect)).checks(),
              ElementsAre("B-2/x", "A-1/x"));
}

TEST(ScenarioLoader, RefusesWithFileLineAndPointer) {
  EXPECT_EQ(refusal("{\n \"scenario\": 1, \"title\": \"t\", \"why\": \"w\",\n \"steps\": [\n  {\"advance\":\n   \"5\"}]}"),
            "x.json:5 (/steps/0/advance): a duration with its unit is wanted: \"500ms\", \"2s\", \"1m\", \"1h\"");
  EXPECT_THAT(refusal(with_steps(R"({"put": "/x", "text": "", "mode": 420})")),
              HasSubstr("x.json:1 (/steps/0/mode): a mode is wanted, octal and in quotes"));
}

TEST(ScenarioLoader, RefusesPastItsCaps) {
  EXPECT_THAT(refusal(with_steps(R"({"put": "/x", "text": ")" + std::string(300'000, 'x') + "\"}")), HasSubstr("more than 262144 bytes"));
  std::string steps = R"({"rest": true})";
  for (int i = 0; i < 200; ++i) steps += R"(,{"rest": true})";
  EXPECT_THAT(refusal(with_steps(steps)), HasSubstr("(/steps): more than 200 entries"));
  std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_THAT(refusal(with_steps(R"({"put": "/x", "json": )" + deep + "}")), HasSubstr("nested deeper than 32"));
  std::string rows = R"("r": {})";
  for (int i = 0; i < 200; ++i) rows += ",\"r" + std::to_string(i) + "\": {}";
  EXPECT_THAT(refusal(with_steps(R"({"rest": true})", R"("vary": {"rows": {)" + rows + "}}, ")), HasSubstr("more than 200 entries"));
}

TEST(ScenarioVary, MakesACasePerRow) {
  const auto cases = parse_scenario(R"({"scenario": 1, "title": "host ${host}", "why": "w",
    "vary": {"rows": {"b": {"host": "h2", "args": ["--x"], "n": 2, "file": "g"}, "a": {"host": "h1", "args": [], "n": 1, "file": "f"}}},
    "given": {"environment": {"HOST": "${host}"}, "tree": {"/tmp/${file}.conf": {"text": "<${host}>"}}},
    "steps": [{"start": "build", "args": "${args}"}, {"kill": "build", "at": "${n}"}]})",
                                    "x.json", "a/x");
  ASSERT_TRUE(cases) << cases.error().line();
  ASSERT_EQ(cases->size(), 2U);
  const Scenario& first = (*cases)[0];
  EXPECT_EQ(first.id, "a/x#a");
  EXPECT_EQ((*cases)[1].id, "a/x#b");
  EXPECT_EQ(first.title, "host h1");
  EXPECT_EQ(first.given.environment.at("HOST"), "h1");
  EXPECT_EQ(first.given.tree.at("/tmp/f.conf").content, "<h1>");
  EXPECT_EQ(std::get<KillStep>((*cases)[1].steps[1].action).at_operation, 2U);
  EXPECT_THAT(std::get<StartStep>((*cases)[1].steps[0].action).args, ElementsAre("--x"));
}

TEST(ScenarioVary, ValuesAreNotFilledAgain) {
  const Scenario scenario = one(with_steps(R"({"put": "/x", "text": "${a}"})", R"("vary": {"rows": {"r": {"a": "${b}"}}}, )"));
  EXPECT_EQ(std::get<PutStep>(scenario.steps[0].action).object.content, "${b}");
}

TEST(ScenarioVary, NamesRowsAndValuesInItsRefusals) {
  EXPECT_THAT(refusal(with_steps(R"({"advance": "${t}"})", R"("vary": {"rows": {"ok": {"t": "1s"}, "slow": {"t": "1"}}}, )")),
              HasSubstr("(/steps/0/advance): row \"slow\": a duration"));
  EXPECT_THAT(refusal(with_steps(R"({"advance": "${t}"})", R"("vary": {"rows": {"r": {"t": "1s", "u": 1}}}, )")),
              HasSubstr("(/vary/rows/r/u): row \"r\": no \"${u}\" uses this value"));
}

// The corpora that the schema is held against, too (schema_test.cc).
TEST(ScenarioCorpus, GoodFilesAreAcceptedAndBadOnesRefused) {
  std::size_t good = 0;
  std::size_t bad = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ENTRYPROOF_SOURCE_DIR "/scenarios/testdata/good")) {
    ++good;
    const auto cases = load_scenario(entry.path().string(), "x");
    EXPECT_TRUE(cases) << cases.error().line();
  }
  for (const auto& entry : std::filesystem::directory_iterator(ENTRYPROOF_SOURCE_DIR "/scenarios/testdata/bad")) {
    ++bad;
    const auto cases = load_scenario(entry.path().string(), "x");
    ASSERT_FALSE(cases) << entry.path();
    EXPECT_THAT(cases.error().line(), ::testing::StartsWith(entry.path().string() + ":")) << "file and line";
  }
  EXPECT_GE(good, 5U);
  EXPECT_GE(bad, 40U);
}

// docs/scenarios.md shows each verb with an example in its table; each example is a step that the loader reads.
TEST(ScenarioDocs, EveryExampleOfAVerbIsRead) {
  const auto docs = read_file(ENTRYPROOF_SOURCE_DIR "/docs/scenarios.md", std::size_t{1} << 20);
  ASSERT_TRUE(docs) << docs.error().line();
  const std::regex row(R"re(\| `([a-z]+)` \| `(\{ "([a-z]+)": [^`]*)` \|)re");
  std::set<std::string> verbs;
  for (std::sregex_iterator found(docs->begin(), docs->end(), row), end; found != end; ++found) {
    if ((*found)[1] != (*found)[3]) continue;
    verbs.insert((*found)[1]);
    EXPECT_EQ(one(with_steps((*found)[2])).steps.size(), 1U) << (*found)[2];
  }
  EXPECT_EQ(verbs.size(), 22U);
}

// Hostile files: any bytes in the middle of a good file are accepted or refused in one line, never more.
RC_GTEST_PROP(ScenarioProperty, AnyDamageIsAcceptedOrRefusedInOneLine, ()) {
  static const std::string text = read_file(ENTRYPROOF_SOURCE_DIR "/scenarios/testdata/good/every-demand.json", 1U << 20).value_or("");
  RC_ASSERT(!text.empty());
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  const auto length = *rc::gen::inRange<std::size_t>(0, 40);
  const auto bytes = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("{}[]\",:01ae \n\\$\x80")));
  std::string damaged = text;
  damaged.replace(at, std::min(length, text.size() - at), bytes);
  const auto cases = parse_scenario(damaged, "x.json", "x");
  if (!cases) {
    RC_ASSERT(cases.error().where.starts_with("x.json:"));
    RC_ASSERT(cases.error().line().size() < 1000U);
    RC_ASSERT(cases.error().line().find('\n') == std::string::npos);
  }
}

TEST(ScenarioLoader, ReadsWhatABootEmptiesAndAKernelDenies) {
  EXPECT_EQ(step<PowerCutStep>(R"({"power-cut": "xfs", "omit": [14, 15]})").cut, (faults::PowerCut{"xfs", {14, 15}}));
  EXPECT_EQ(step<PowerCutStep>(R"({"power-cut": "xfs", "seed": 7})").cut, (faults::PowerCut{"xfs", {}, 7}));
  EXPECT_THAT(refusal(with_steps(R"({"power-cut": "xfs", "seed": 7, "omit": [1]})")), HasSubstr("/steps/0/seed"));
  EXPECT_THAT(step<PowerCutStep>(R"({"power-cut": "posix", "volatile": ["/run"]})").volatile_paths, testing::ElementsAre("/run"));
  EXPECT_THAT(step<RebootStep>(R"({"reboot": true, "volatile": ["/run", "node:/etc/cni"]})").volatile_paths,
              ElementsAre("/run", "node:/etc/cni"));
  EXPECT_EQ(step<StartStep>(R"({"start": "build", "deny": ["network", "inotify"]})").deny, (std::set<std::string>{"inotify", "network"}));
  EXPECT_THAT(refusal(with_steps(R"({"start": "build", "deny": ["mount"]})")), HasSubstr("/steps/0/deny/0"));
}

}  // namespace
}  // namespace entryproof::runner
