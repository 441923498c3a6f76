#include "simulator/reports/kills.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "simulator/reports/matrix.h"
#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

using oracles::Status;

constexpr std::string_view kPrefix = "mutant:";
constexpr std::size_t kNameBytes = 64;

// What has been decided; errors, bounds and the untested say nothing about a mutant.
bool is_red(Status status) { return status == Status::kFail || status == Status::kWarn || status == Status::kKnown; }
bool is_judged(Status status) { return is_red(status) || status == Status::kPass; }

// The numbers of the columns, written downwards.
std::string column_heads(std::size_t mutants, std::size_t indent) {
  const std::size_t digits = std::to_string(mutants).size();
  std::string out;
  for (std::size_t digit = 0; digit < digits; ++digit) {
    out += std::string(indent, ' ');
    for (std::size_t column = 1; column <= mutants; ++column) out += fmt::format("{:0{}}", column, digits)[digit];
    out += "\n";
  }
  return out;
}

std::string wanting(std::string_view title, const std::vector<std::string>& names) {
  if (names.empty()) return fmt::format("{}: none\n", title);
  std::string out = fmt::format("{} ({}):\n", title, names.size());
  for (const auto& name : names) out += fmt::format("  {}\n", one_line(name, kNameBytes * 2));
  return out;
}

}  // namespace

bool is_mutant(const runner::BuildRecord& build) { return build.path.starts_with(kPrefix); }

Kills kills_of(const Run& run) {
  Kills kills;
  std::map<std::string, std::string> names;  // of mutants, by build
  for (const auto& build : run.header.builds) {
    if (!is_mutant(build)) continue;
    const std::string name = build.name.starts_with(kPrefix) ? build.name.substr(kPrefix.size()) : build.name;
    kills.mutants.push_back(name);
    names[build.name] = name;
  }
  std::set<std::string> checks;
  for (const auto& record : run.cases) {
    const auto mutant = names.find(record.build);
    if (mutant == names.end()) continue;
    for (const auto& check : record.checks) {
      checks.insert(check.check);
      if (is_judged(check.status)) kills.judged[{check.check, mutant->second}] |= is_red(check.status);
    }
  }
  kills.checks.assign(checks.begin(), checks.end());
  std::ranges::sort(kills.checks, {},
                    [](const std::string& check) { return std::pair(clause_order(std::string(clause_of(check))), check); });
  return kills;
}

std::vector<std::string> Kills::survivors() const {
  std::vector<std::string> left = mutants;
  std::erase_if(left, [&](const auto& mutant) {
    return std::ranges::any_of(judged, [&](const auto& cell) { return cell.second && cell.first.second == mutant; });
  });
  return left;
}

std::vector<std::string> Kills::never_killed() const {
  std::vector<std::string> left = not_judged();
  const std::set<std::string> unjudged(left.begin(), left.end());
  left = checks;
  std::erase_if(left, [&](const auto& check) {
    return unjudged.contains(check) ||
           std::ranges::any_of(judged, [&](const auto& cell) { return cell.second && cell.first.first == check; });
  });
  return left;
}

std::vector<std::string> Kills::not_judged() const {
  std::vector<std::string> left = checks;
  std::erase_if(
      left, [&](const auto& check) { return std::ranges::any_of(judged, [&](const auto& cell) { return cell.first.first == check; }); });
  return left;
}

std::string kill_text(const Kills& kills) {
  std::size_t width = 0;
  for (const auto& check : kills.checks) width = std::max(width, one_line(check, kNameBytes * 2).size());
  std::string out = fmt::format("{} by {}; x: red, .: green, blank: not judged\n\n", counted(kills.checks.size(), "check"),
                                counted(kills.mutants.size(), "mutant"));
  out += column_heads(kills.mutants.size(), width + 2);
  for (const auto& check : kills.checks) {
    std::string cells;
    std::size_t red = 0;
    for (const auto& mutant : kills.mutants) {
      const auto cell = kills.judged.find({check, mutant});
      red += cell != kills.judged.end() && cell->second ? 1 : 0;
      cells += cell == kills.judged.end() ? ' ' : cell->second ? 'x' : '.';
    }
    out += fmt::format("{:<{}}  {}  {}\n", one_line(check, kNameBytes * 2), width, cells, red);
  }
  out += "\n";
  const std::size_t digits = std::to_string(kills.mutants.size()).size();
  for (std::size_t i = 0; i < kills.mutants.size(); ++i) {
    const auto red =
        std::ranges::count_if(kills.judged, [&](const auto& cell) { return cell.second && cell.first.second == kills.mutants[i]; });
    out += fmt::format("{:0{}} {}: {}\n", i + 1, digits, one_line(kills.mutants[i], kNameBytes),
                       red == 0 ? "survived" : fmt::format("red in {}", counted(static_cast<std::size_t>(red), "check")));
  }
  out += "\n" + wanting("survivors", kills.survivors()) + wanting("checks that turned no mutant red", kills.never_killed());
  const auto unjudged = kills.not_judged();
  return unjudged.empty() ? out : out + wanting("checks that were judged on no mutant", unjudged);
}

}  // namespace entryproof::reports
