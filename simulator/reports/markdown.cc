#include "simulator/reports/markdown.h"

#include <fmt/core.h>

#include <algorithm>

#include "simulator/reports/kills.h"
#include "simulator/reports/matrix.h"
#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

constexpr std::size_t kCellBytes = 400;

// Text that can stand in a table: one line, no markup, no HTML.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : one_line(text, kCellBytes)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (std::string_view("|`*_[]\\#~@").contains(c)) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

// Text between backticks, outside of tables: one line, backticks replaced by what looks alike.
std::string code(std::string_view text) {
  std::string out = "`";
  for (const char c : one_line(text, kCellBytes)) out += c == '`' ? '\'' : c;
  return out + "`";
}

// Text that cannot end the block it stands in.
std::string fenced(std::string text) {
  std::ranges::replace(text, '`', '\'');
  return text;
}

std::string_view sign(oracles::Status status) {
  switch (status) {
    case oracles::Status::kPass:
      return "✅";
    case oracles::Status::kFail:
      return "❌";
    case oracles::Status::kError:
      return "💥";
    case oracles::Status::kUnknown:
      return "❔";
    case oracles::Status::kWarn:
      return "⚠️";
    case oracles::Status::kKnown:
      return "🔶";
    case oracles::Status::kNotTested:
      return "➖";
  }
  return "";
}

std::string verdict_table(const Run& run) {
  std::string out = "| build | core | durable | production |\n| --- | --- | --- | --- |\n";
  for (const auto& build : run.header.builds) {
    out += fmt::format("| {} |", plain(build.name));
    for (const auto profile : {oracles::Profile::kCore, oracles::Profile::kDurable, oracles::Profile::kProduction}) {
      out += fmt::format(" {} |", runner::to_string(verdict_on(run, build.name, {profile, false})));
    }
    out += "\n";
  }
  return out;
}

std::string clause_table(const Matrix& matrix) {
  std::string out = "| clause |";
  std::string rule = "| --- |";
  for (const auto& build : matrix.builds) {
    out += fmt::format(" {} |", plain(build));
    rule += " --- |";
  }
  out += "\n" + rule + "\n";
  for (const auto& clause : matrix.clauses) {
    out += fmt::format("| {} |", plain(clause));
    for (const auto& build : matrix.builds) {
      const Cell* cell = matrix.find(clause, build);
      out += cell == nullptr ? std::string(" |") : fmt::format(" {} {}/{} |", sign(cell->worst), cell->passed, cell->total);
    }
    out += "\n";
  }
  return out;
}

std::string findings(const Matrix& matrix) {
  std::string out;
  for (const auto& clause : matrix.clauses) {
    for (const auto& build : matrix.builds) {
      const Cell* cell = matrix.find(clause, build);
      if (cell == nullptr || cell->first == nullptr || cell->worst == oracles::Status::kNotTested) continue;
      out += fmt::format("- {} **{}** on {}: {} in {}\n", sign(cell->worst), plain(cell->first->check), plain(build),
                         oracles::to_string(cell->worst), code(cell->first_case->scenario));
      for (const auto& [name, value] : facts(*cell->first)) {
        out += fmt::format("  - {}: {}\n", name, name == "replay" ? code(value) : plain(value));
      }
    }
  }
  return out;
}

}  // namespace

std::string markdown(const Run& run, const Asked&) {
  Matrix matrix = matrix_of(run);
  std::erase_if(matrix.builds, [&](const auto& name) {
    return std::ranges::any_of(run.header.builds, [&](const auto& build) { return build.name == name && is_mutant(build); });
  });
  std::string out = "## Entryproof\n\n";
  out += fmt::format("{}, world {}, seed {}, suite {}\n\n", plain(run.header.tool), plain(run.header.world), run.header.seed,
                     code(std::string_view(run.header.suite).substr(0, 12)));
  if (run.header.shard) out += fmt::format("Shard {} alone: `entryproof report` puts all of them together.\n\n", plain(*run.header.shard));
  out += verdict_table(run);
  if (!matrix.builds.empty()) out += "\n" + clause_table(matrix);
  if (matrix.builds.size() < run.header.builds.size()) out += "\n### Kill matrix\n\n```text\n" + fenced(kill_text(kills_of(run))) + "```\n";
  if (const std::string list = findings(matrix); !list.empty()) out += "\n### First findings\n\n" + list;
  if (run.footer && !run.footer->stale.empty()) {
    out += "\n### Stale in the baseline\n\n";
    for (const auto& entry : run.footer->stale) out += fmt::format("- ❌ {}\n", plain(entry));
  }
  if (run.footer && !run.footer->not_tested.empty()) {
    out += fmt::format("\n### Not tested ({})\n\n", run.footer->not_tested.size());
    for (const auto& name : run.footer->not_tested) out += fmt::format("- {}\n", plain(name));
  }
  return out;
}

}  // namespace entryproof::reports
