// `entryproof lint`: whether scenario files would load. A file is checked together with the suite it lies in, because it names that suite's
// checks and fixtures.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "simulator/cli/commands.h"
#include "simulator/reports/text.h"

namespace entryproof::cli {
namespace {

namespace fs = std::filesystem;

// The directory of the suite that a file or directory belongs to: the nearest one above with clauses.json.
Result<std::string> suite_of(const std::string& path) {
  std::error_code error;
  const fs::path full = fs::canonical(path, error);
  if (error) return fail(ErrorCode::kUsage, error.message(), path);
  for (fs::path directory = full; directory.has_relative_path(); directory = directory.parent_path()) {
    if (fs::is_regular_file(directory / "clauses.json", error)) return directory.string();
  }
  return fail(ErrorCode::kUsage, "belongs to no suite: no clauses.json beside or above it", path);
}

// A file that is not among what the suite loaded has not been checked, and must not be called good.
Result<> check_loaded(const runner::Suite& suite, const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return {};
  const bool loaded = fs::path(path).filename() == "clauses.json" || std::ranges::any_of(suite.scenarios, [&](const auto& scenario) {
                        return fs::equivalent(scenario.file, path, ignored);
                      });
  if (loaded) return {};
  return fail(ErrorCode::kUsage, "is no scenario of its suite", path);
}

}  // namespace

int lint_command(const LintCommand& command, Streams& streams) {
  std::vector<std::string> paths = command.paths;
  if (paths.empty()) {
    auto directory = find_scenarios(command.scenarios_directory);
    if (!directory) return complain(streams, directory.error());
    paths.push_back(std::move(*directory));
  }
  std::map<std::string, runner::Suite> suites;
  for (const auto& path : paths) {
    const auto directory = suite_of(path);
    if (!directory) return complain(streams, directory.error());
    if (!suites.contains(*directory)) {
      auto suite = runner::Suite::load(*directory);
      if (!suite) return complain(streams, suite.error());
      suites.emplace(*directory, std::move(*suite));
    }
    if (const auto loaded = check_loaded(suites.at(*directory), path); !loaded) return complain(streams, loaded.error());
  }
  for (const auto& [directory, suite] : suites) {
    streams.out << fmt::format("{}: {} and {} are well formed\n", directory, reports::counted(suite.catalogue.clauses().size(), "clause"),
                               reports::counted(suite.scenarios.size(), "scenario"));
  }
  return kConformant;
}

}  // namespace entryproof::cli
