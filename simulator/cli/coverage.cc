#include "simulator/cli/coverage.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "simulator/reports/run.h"
#include "simulator/reports/text.h"
#include "simulator/runner/engine.h"
#include "simulator/runner/judgement.h"
#include "simulator/subjects/mutants/mutants.h"

namespace entryproof::cli {
namespace {

using Json = nlohmann::ordered_json;
using runner::WorldKind;

// Where the check can be decided: the world offers what it needs, and some scenario that has it can be played there.
std::vector<std::string> worlds_of(const oracles::Check& check, const std::vector<const runner::Scenario*>& holders) {
  std::vector<std::string> worlds;
  for (const auto kind : {WorldKind::kMemory, WorldKind::kFuse, WorldKind::kTmpfs}) {
    const std::string name(to_string(kind));
    const bool offered = std::ranges::all_of(check.needs, [kind](auto need) { return runner::offers(kind, need); });
    const bool played = runner::judged_everywhere(check) || std::ranges::any_of(holders, [&](const auto* scenario) {
                          return scenario->worlds.empty() || scenario->worlds.contains(name);
                        });
    if (offered && played) worlds.push_back(name);
  }
  return worlds;
}

std::string needs_text(const oracles::Check& check) {
  std::string text;
  for (const auto need : check.needs) text += fmt::format("{}{}", text.empty() ? "" : ", ", to_string(need));
  return text;
}

// Text of the catalogue is ours, but a page must not break on a character of it.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : reports::one_line(text, 4096)) {
    if (std::string_view("|*_[]<>`\\").contains(c)) out += '\\';
    out += c;
  }
  return out;
}

std::string scenario_count(const CheckCoverage& check) {
  return runner::judged_everywhere(*check.check) ? "all" : std::to_string(check.scenarios.size());
}

std::string clause_page(const ClauseCoverage& each) {
  const auto& clause = *each.clause;
  std::string out = fmt::format("\n## {}: {}\n\n", clause.id, plain(clause.title));
  if (!clause.happened.empty()) out += fmt::format("What happened: {}\n\n", plain(clause.happened));
  out += fmt::format("What a build must do: {}\n\n", plain(clause.text));
  out += "| check | what must hold | level | profile | worlds | scenarios | mutants |\n| --- | --- | --- | --- | --- | --- | --- |\n";
  for (const auto& check : each.checks) {
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", check.check->id.substr(check.check->id.find('/') + 1),
                       plain(check.check->sentence), to_string(check.check->level), to_string(check.check->profile),
                       fmt::join(check.worlds, ", "), scenario_count(check), fmt::join(check.mutants, ", "));
  }
  if (!clause.sources.empty()) {
    std::vector<std::string> sources;
    for (const auto& source : clause.sources) sources.push_back(plain(source));
    out += fmt::format("\nSources: {}.\n", fmt::join(sources, ", "));
  }
  if (!clause.since.empty()) out += fmt::format("\nSince {}.\n", plain(clause.since));
  return out;
}

}  // namespace

bool CheckCoverage::wanting() const { return mutants.empty() || (scenarios.empty() && !runner::judged_everywhere(*check)); }

std::vector<ClauseCoverage> coverage_of(const runner::Suite& suite, const std::vector<const runner::Scenario*>& scenarios) {
  std::map<std::string, std::vector<const runner::Scenario*>> holders;
  for (const auto* scenario : scenarios) {
    for (const auto& check : scenario->checks()) holders[check].push_back(scenario);
  }
  std::map<std::string, std::vector<std::string>> mutants;
  // What mutants say of themselves; the suite's tests hold them to it.
  for (const auto& mutant : subjects::mutants()) {
    for (const auto& check : mutant.kills) mutants[check].push_back(mutant.name);
  }
  std::vector<ClauseCoverage> all;
  for (const auto& clause : suite.catalogue.clauses()) {
    ClauseCoverage of_clause{&clause, {}};
    for (const auto& check : clause.checks) {
      CheckCoverage of_check{&check, {}, mutants[check.id], worlds_of(check, holders[check.id])};
      for (const auto* scenario : holders[check.id]) of_check.scenarios.push_back(scenario->id);
      of_clause.checks.push_back(std::move(of_check));
    }
    all.push_back(std::move(of_clause));
  }
  return all;
}

std::string coverage_text(const std::vector<ClauseCoverage>& coverage) {
  std::size_t width = 0;
  for (const auto& clause : coverage) {
    for (const auto& check : clause.checks) width = std::max(width, check.check->id.size());
  }
  std::string out;
  std::string wanting;
  for (const auto& clause : coverage) {
    for (const auto& check : clause.checks) {
      out +=
          fmt::format("{:<{}}  {:<6}  {:<10}  {:>3} scenarios  {:>3} mutants  {}\n", check.check->id, width, to_string(check.check->level),
                      to_string(check.check->profile), scenario_count(check), check.mutants.size(), fmt::join(check.worlds, " "));
      if (!check.wanting()) continue;
      const char* what = !check.mutants.empty()                                                ? "a scenario"
                         : check.scenarios.empty() && !runner::judged_everywhere(*check.check) ? "a scenario and a mutant"
                                                                                               : "a mutant";
      wanting += fmt::format("  {} wants {}\n", check.check->id, what);
    }
  }
  return wanting.empty() ? out : out + "\nwanting\n" + wanting;
}

std::string coverage_json(const std::vector<ClauseCoverage>& coverage) {
  Json list = Json::array();
  for (const auto& each : coverage) {
    Json checks = Json::array();
    for (const auto& check : each.checks) {
      checks.push_back({{"check", check.check->id},
                        {"sentence", check.check->sentence},
                        {"level", to_string(check.check->level)},
                        {"profile", to_string(check.check->profile)},
                        {"live", check.check->live},
                        {"needs", needs_text(*check.check)},
                        {"worlds", check.worlds},
                        {"scenarios", check.scenarios},
                        {"mutants", check.mutants}});
    }
    list.push_back({{"clause", each.clause->id},
                    {"title", each.clause->title},
                    {"since", each.clause->since},
                    {"sources", each.clause->sources},
                    {"checks", std::move(checks)}});
  }
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string coverage_markdown(const std::vector<ClauseCoverage>& coverage) {
  std::size_t checks = 0;
  std::set<std::string> mutants;
  std::set<std::string> scenarios;
  for (const auto& clause : coverage) {
    checks += clause.checks.size();
    for (const auto& check : clause.checks) {
      mutants.insert(check.mutants.begin(), check.mutants.end());
      scenarios.insert(check.scenarios.begin(), check.scenarios.end());
    }
  }
  std::string out = fmt::format(
      "# Clauses\n\nWhat a build must do, why, and what stands behind each check: {}, {}, {}, {}. Made by\n"
      "`entryproof list --clauses --format markdown`; a test holds it fresh. `entryproof explain ID` tells more about each.\n\n"
      "A check whose scenarios are \"all\" is judged after every operation of every scenario. \"Mutants\" are defective builds that it "
      "turns red.\n",
      reports::counted(coverage.size(), "clause"), reports::counted(checks, "check"), reports::counted(scenarios.size(), "scenario"),
      reports::counted(mutants.size(), "mutant"));
  for (const auto& clause : coverage) out += clause_page(clause);
  return out;
}

}  // namespace entryproof::cli
