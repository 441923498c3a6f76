// `entryproof lint`: every problem of scenario files, one a line. They are judged with the catalogue and the fixtures of a suite: the one
// of
// --scenarios, or the one that came with the program.
#include <fmt/core.h>

#include <filesystem>

#include "simulator/cli/commands.h"
#include "simulator/reports/text.h"
#include "simulator/runner/lint.h"

namespace entryproof::cli {

int lint_command(const LintCommand& command, Streams& streams) {
  const auto directory = find_scenarios(command.scenarios_directory);
  if (!directory) return complain(streams, directory.error());
  std::vector<std::string> paths;
  std::size_t catalogues = 0;
  for (const auto& path : command.paths) {
    if (std::filesystem::path(path).filename() != "clauses.json") {
      paths.push_back(path);
      continue;
    }
    if (const auto catalogue = oracles::Catalogue::load(path); !catalogue) return complain(streams, catalogue.error());
    ++catalogues;
  }
  runner::LintReport report;
  if (!paths.empty() || catalogues == 0) {
    auto linted = runner::lint(*directory, paths);
    if (!linted) return complain(streams, linted.error());
    report = std::move(*linted);
  }
  for (const auto& problem : report.problems) complain(streams, problem);
  if (!report.problems.empty()) return kNoVerdict;
  streams.out << fmt::format("{} with {}{} well formed\n", reports::counted(report.files, "file"), reports::counted(report.cases, "case"),
                             catalogues == 0 ? " are" : ", and " + reports::counted(catalogues, "catalogue") + ", are");
  return kConformant;
}

}  // namespace entryproof::cli
