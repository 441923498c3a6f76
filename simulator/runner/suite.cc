#include "simulator/runner/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "simulator/base/digest.h"
#include "simulator/base/file.h"
#include "simulator/runner/lint.h"
#include "simulator/runner/scenario_loader.h"
#include "simulator/runner/suite_files.h"

namespace entryproof::runner {

Result<Suite> Suite::load(const std::string& directory, const std::vector<std::string>& more) {
  Suite suite;
  if (auto loaded = load_catalogue_and_fixtures(directory, suite); !loaded) return std::unexpected(loaded.error());
  Result<std::vector<ScenarioFile>> files = find_scenario_files(directory, directory);
  if (!files) return std::unexpected(files.error());
  std::set<std::string> ids;
  for (const ScenarioFile& file : *files) ids.insert(file.id);
  for (const std::string& path : more) {
    Result<std::vector<ScenarioFile>> named = find_scenario_files(path, directory);
    if (!named) return std::unexpected(named.error());
    for (ScenarioFile& file : *named) {
      std::error_code error;
      const bool known =
          std::ranges::any_of(*files, [&](const ScenarioFile& other) { return std::filesystem::equivalent(other.path, file.path, error); });
      if (known) continue;
      if (!ids.insert(file.id).second) return fail(ErrorCode::kUsage, fmt::format("there is another scenario \"{}\"", file.id), file.path);
      files->push_back(std::move(file));
    }
  }

  // Names and contents, so that two suites have one digest only if they would judge alike.
  std::string digests = "catalogue " + suite.catalogue.digest() + "\n";
  for (const auto& [name, fixture] : suite.fixtures)
    digests += fmt::format("{}/{} {}\n", name, fixture.filename, sha256_hex(fixture.bytes));
  for (const ScenarioFile& file : *files) {
    const Result<std::string> text = read_file(file.path, kScenarioLimits.bytes);
    if (!text) return std::unexpected(text.error());
    digests += fmt::format("{} {}\n", file.id, sha256_hex(*text));
    Result<std::vector<Scenario>> cases = parse_scenario(*text, file.path, file.id);
    if (!cases) return std::unexpected(cases.error());
    for (Scenario& scenario : *cases) {
      if (auto problems = lint_scenario(scenario, suite); !problems.empty()) return std::unexpected(std::move(problems.front()));
      suite.scenarios.push_back(std::move(scenario));
    }
  }
  std::ranges::sort(suite.scenarios, {}, &Scenario::id);
  suite.digest = sha256_hex(digests);
  return suite;
}

}  // namespace entryproof::runner
