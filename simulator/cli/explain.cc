// `entryproof explain`: a clause, a check or a scenario in prose, with its sources.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "simulator/cli/commands.h"
#include "simulator/cli/describe.h"
#include "simulator/reports/run.h"
#include "simulator/reports/text.h"

namespace entryproof::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kMostSuggestions = 8;

// A paragraph broken at spaces, every line indented.
std::string paragraph(std::string_view text, std::size_t indent) {
  const std::string folded = reports::one_line(text, 16'384);
  std::string out;
  std::string line;
  const auto flush = [&] {
    out += std::string(indent, ' ') + line + "\n";
    line.clear();
  };
  for (std::size_t at = 0; at < folded.size();) {
    const std::size_t end = std::min(folded.find(' ', at), folded.size());
    const std::string_view word = std::string_view(folded).substr(at, end - at);
    if (!line.empty() && indent + line.size() + 1 + word.size() > kWidth) flush();
    if (!line.empty()) line += ' ';
    line += word;
    at = end + 1;
  }
  if (!line.empty()) flush();
  return out;
}

std::string section(std::string_view title, std::string_view text) {
  return text.empty() ? "" : fmt::format("\n{}\n{}", title, paragraph(text, 2));
}

std::string check_line(const oracles::Check& check) {
  std::string needs;
  for (const auto need : check.needs) needs += fmt::format(", needs {}", oracles::to_string(need));
  return fmt::format("  {} ({}, {}{}{})\n{}", check.id, oracles::to_string(check.level), oracles::to_string(check.profile),
                     check.live ? ", judged after every operation" : "", needs, paragraph(check.sentence, 4));
}

std::string sources(const oracles::Clause& clause) {
  if (clause.sources.empty()) return {};
  std::string out = "\nSources\n";
  for (const auto& source : clause.sources) out += paragraph(source, 2);
  return out;
}

// The scenarios that expect a check for which `wanted` is true.
template <class Wanted>
std::string scenarios_with(const runner::Suite& suite, const Wanted& wanted) {
  std::string out;
  for (const auto& scenario : suite.scenarios) {
    if (std::ranges::any_of(scenario.checks(), wanted))
      out += fmt::format("  {}  {}\n", scenario.id, reports::one_line(scenario.title, 120));
  }
  return out.empty() ? out : "\nScenarios\n" + out;
}

std::string explain_clause(const runner::Suite& suite, const oracles::Clause& clause) {
  std::string out = fmt::format("{}: {}\n", clause.id, reports::one_line(clause.title, 500));
  out += section("What happened", clause.happened) + section("What a build must do", clause.text);
  out += "\nChecks\n";
  for (const auto& check : clause.checks) out += check_line(check);
  out += scenarios_with(suite, [&](const std::string& id) { return reports::clause_of(id) == clause.id; });
  return out + sources(clause) + section("Since", clause.since);
}

std::string explain_check(const runner::Suite& suite, const oracles::Check& check) {
  std::string out = check_line(check).substr(2);
  if (const auto* clause = suite.catalogue.find_clause(reports::clause_of(check.id))) {
    out += section(fmt::format("Of the clause {}: {}", clause->id, reports::one_line(clause->title, 500)), clause->text);
    out += section("What happened", clause->happened);
    out += check.live ? "\nScenarios\n  all of them\n" : scenarios_with(suite, [&](const std::string& id) { return id == check.id; });
    out += sources(*clause);
  }
  return out;
}

std::string explain_scenario(const runner::Suite& suite, const runner::Scenario& scenario) {
  std::string out = fmt::format("{}: {}\n{}", scenario.id, reports::one_line(scenario.title, 500), section("Why", scenario.why));
  out += "\nSteps\n";
  std::size_t number = 0;
  for (const auto& step : scenario.steps) out += paragraph(fmt::format("{}. {}", ++number, describe(step)), 2);
  out += "\nChecks\n";
  for (const auto& id : scenario.checks()) {
    const auto* check = suite.catalogue.find_check(id);
    out += check == nullptr ? fmt::format("  {}\n", id) : check_line(*check);
  }
  for (const auto& [id, reason] : scenario.except) out += paragraph(fmt::format("except {}: {}", id, reason), 2);
  if (!scenario.tags.empty()) out += fmt::format("\nTags\n  {}\n", fmt::join(scenario.tags, ", "));
  return out + fmt::format("\nFile\n  {}\n", scenario.file);
}

// Ids that hold the text, whatever its case: what somebody may have meant.
std::string suggestions(const runner::Suite& suite, std::string_view text) {
  const auto lower = [](std::string_view word) {
    std::string out(word);
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
  };
  std::vector<std::string> found;
  const auto consider = [&](const std::string& id) {
    if (lower(id).find(lower(text)) != std::string::npos && found.size() < kMostSuggestions) found.push_back(id);
  };
  for (const auto& clause : suite.catalogue.clauses()) {
    consider(clause.id);
    for (const auto& check : clause.checks) consider(check.id);
  }
  for (const auto& scenario : suite.scenarios) consider(scenario.id);
  return found.empty() ? "`entryproof list` shows the scenarios" : fmt::format("did you mean {}?", fmt::join(found, ", "));
}

}  // namespace

int explain_command(const ExplainCommand& command, Streams& streams) {
  const auto directory = find_scenarios(command.scenarios_directory);
  if (!directory) return complain(streams, directory.error());
  const auto suite = runner::Suite::load(*directory);
  if (!suite) return complain(streams, suite.error());

  if (const auto* clause = suite->catalogue.find_clause(command.id)) {
    streams.out << explain_clause(*suite, *clause);
    return kConformant;
  }
  if (const auto* check = suite->catalogue.find_check(command.id)) {
    streams.out << explain_check(*suite, *check);
    return kConformant;
  }
  const auto scenario = std::ranges::find(suite->scenarios, command.id, &runner::Scenario::id);
  if (scenario != suite->scenarios.end()) {
    streams.out << explain_scenario(*suite, *scenario);
    return kConformant;
  }
  return complain(streams, {ErrorCode::kUsage,
                            fmt::format("no clause, check or scenario is called \"{}\"; {}", command.id, suggestions(*suite, command.id)),
                            {}});
}

}  // namespace entryproof::cli
