// select(): which scenarios of a suite are meant.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>
#include <regex>
#include <set>

#include "simulator/runner/suite.h"

namespace entryproof::runner {
namespace {

using Chosen = std::set<const Scenario*>;

std::string file_id(const Scenario& scenario) { return scenario.id.substr(0, scenario.id.find('#')); }

// How many single-character edits lie between two texts.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// "; near: a, b" with the likeliest of what there is, or nothing.
std::string suggestion(std::string_view wanted, const std::set<std::string>& known) {
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : known) {
    const bool within = name.find(wanted) != std::string::npos;
    near.emplace_back(within ? 0 : distance(wanted.substr(0, 200), name), name);
  }
  std::ranges::sort(near);
  std::vector<std::string> names;
  for (const auto& [edits, name] : near) {
    if (names.size() == 3 || edits > std::max<std::size_t>(3, wanted.size() / 2)) break;
    names.push_back(name);
  }
  return names.empty() ? std::string() : fmt::format("; near: {}", fmt::join(names, ", "));
}

std::unexpected<Error> nothing(std::string_view kind, const std::string& wanted, const std::set<std::string>& known) {
  return fail(ErrorCode::kUsage, fmt::format("{} \"{}\" matches nothing{}", kind, wanted, suggestion(wanted, known)));
}

Chosen chosen_by(const Suite& suite, const std::function<bool(const Scenario&)>& wanted) {
  Chosen chosen;
  for (const Scenario& scenario : suite.scenarios) {
    if (wanted(scenario)) chosen.insert(&scenario);
  }
  return chosen;
}

bool is_glob(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

Chosen matching(const Suite& suite, const std::string& pattern) {
  if (pattern.ends_with(".json")) {
    return chosen_by(suite, [&](const Scenario& scenario) {
      std::error_code error;
      return std::filesystem::equivalent(scenario.file, pattern, error) && !error;
    });
  }
  return chosen_by(suite, [&](const Scenario& scenario) {
    if (scenario.id == pattern || file_id(scenario) == pattern) return true;
    return is_glob(pattern) &&
           (fnmatch(pattern.c_str(), scenario.id.c_str(), 0) == 0 || fnmatch(pattern.c_str(), file_id(scenario).c_str(), 0) == 0);
  });
}

bool judges(const Scenario& scenario, const std::string& clause_or_check) {
  return std::ranges::any_of(
      scenario.checks(), [&](const std::string& check) { return check == clause_or_check || check.starts_with(clause_or_check + "/"); });
}

bool is_within(const Suite& suite, const Scenario& scenario, oracles::Profile profile) {
  return std::ranges::any_of(scenario.checks(), [&](const std::string& id) {
    const oracles::Check* check = suite.catalogue.find_check(id);
    return check != nullptr && check->profile <= profile;
  });
}

Result<std::optional<std::regex>> expression(const std::string& text, std::string_view flag) {
  if (text.empty()) return std::optional<std::regex>();
  try {
    return std::optional(std::regex(text, std::regex::ECMAScript | std::regex::optimize));
  } catch (const std::regex_error& error) {
    return fail(ErrorCode::kUsage, fmt::format("{} {}: not a regular expression: {}", flag, text, error.what()));
  }
}

// Narrows `chosen` down to what some of `wanted` mean; each must mean something in the suite. No wants narrow nothing.
Result<> narrow(const Suite& suite, std::string_view kind, const std::vector<std::string>& wanted, const std::set<std::string>& known,
                const std::function<bool(const Scenario&, const std::string&)>& meant, Chosen& chosen) {
  Chosen any;
  for (const std::string& want : wanted) {
    const Chosen found = chosen_by(suite, [&](const Scenario& scenario) { return meant(scenario, want); });
    if (found.empty()) return nothing(kind, want, known);
    any.insert(found.begin(), found.end());
  }
  if (!wanted.empty()) std::erase_if(chosen, [&](const Scenario* scenario) { return !any.contains(scenario); });
  return {};
}

std::set<std::string> known_clauses(const Suite& suite) {
  std::set<std::string> known;
  for (const oracles::Clause& clause : suite.catalogue.clauses()) {
    known.insert(clause.id);
    for (const oracles::Check& check : clause.checks) known.insert(check.id);
  }
  return known;
}

}  // namespace

Result<std::vector<const Scenario*>> select(const Suite& suite, const Selection& selection) {
  const Result<std::optional<std::regex>> filter = expression(selection.filter, "--filter");
  if (!filter) return std::unexpected(filter.error());
  const Result<std::optional<std::regex>> skip = expression(selection.skip, "--skip");
  if (!skip) return std::unexpected(skip.error());

  Chosen chosen;
  Chosen named;  // whatever the profile
  std::set<std::string> ids;
  std::set<std::string> tags;
  for (const Scenario& scenario : suite.scenarios) {
    ids.insert(file_id(scenario));
    tags.insert(scenario.tags.begin(), scenario.tags.end());
    if (selection.patterns.empty()) chosen.insert(&scenario);
  }
  for (const std::string& pattern : selection.patterns) {
    const Chosen found = matching(suite, pattern);
    if (found.empty()) return nothing("scenario", pattern, ids);
    chosen.insert(found.begin(), found.end());
    if (!is_glob(pattern)) named.insert(found.begin(), found.end());
  }
  const auto has_tag = [](const Scenario& scenario, const std::string& tag) { return scenario.tags.contains(tag); };
  if (auto done = narrow(suite, "tag", selection.tags, tags, has_tag, chosen); !done) return std::unexpected(done.error());
  if (auto done = narrow(suite, "clause", selection.clauses, known_clauses(suite), judges, chosen); !done)
    return std::unexpected(done.error());

  std::vector<const Scenario*> result;
  std::size_t above = 0;
  for (const Scenario& scenario : suite.scenarios) {
    if (!chosen.contains(&scenario)) continue;
    if (*filter && !std::regex_search(scenario.id, **filter)) continue;
    if (*skip && std::regex_search(scenario.id, **skip)) continue;
    if (selection.clauses.empty() && !named.contains(&scenario) && !is_within(suite, scenario, selection.profile)) {
      ++above;
      continue;
    }
    result.push_back(&scenario);
  }
  if (!result.empty()) return result;
  if (above > 0) {
    return fail(ErrorCode::kUsage, fmt::format("nothing is selected: {} scenarios lie above profile {}; say --profile production", above,
                                               oracles::to_string(selection.profile)));
  }
  return fail(ErrorCode::kUsage, "nothing is selected: the conditions exclude each other");
}

}  // namespace entryproof::runner
