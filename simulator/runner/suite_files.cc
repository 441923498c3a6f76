#include "simulator/runner/suite_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "simulator/base/file.h"

namespace entryproof::runner {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 20'000;
constexpr std::size_t kMostFixtureBytes = std::size_t{1} << 20;
constexpr std::array<std::string_view, 4> kNoScenarios{"clauses.json", "scenario.schema.json", "fixtures", "testdata"};

std::unexpected<Error> unreadable(const fs::path& path, const std::error_code& error) {
  return fail(ErrorCode::kIo, "cannot be read: " + error.message(), path.string());
}

// The path below `directory`, or nothing for one that lies elsewhere.
std::string below(const fs::path& path, const fs::path& directory) {
  std::error_code error;
  const fs::path relative = fs::weakly_canonical(path, error).lexically_relative(fs::weakly_canonical(directory, error));
  const std::string text = relative.generic_string();
  return error || text.empty() || text == "." || text == ".." || text.starts_with("../") ? std::string() : text;
}

std::string id_of(const fs::path& path, const fs::path& directory) {
  const std::string inside = below(path, directory);
  std::string id = inside.empty() ? path.filename().string() : inside;
  id.resize(id.size() - std::string_view(".json").size());
  return id;
}

}  // namespace

Result<std::vector<ScenarioFile>> find_scenario_files(const std::string& path, const std::string& suite_directory) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return fail(ErrorCode::kUsage, "there is no such file or directory", path);
  if (!fs::is_directory(status)) {
    if (!path.ends_with(".json")) return fail(ErrorCode::kUsage, "a scenario file ends in .json", path);
    return std::vector{ScenarioFile{path, id_of(path, suite_directory)}};
  }
  std::vector<ScenarioFile> files;
  fs::recursive_directory_iterator entry(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool not_ours = std::ranges::find(kNoScenarios, below(entry->path(), suite_directory)) != kNoScenarios.end();
    if (not_ours) entry.disable_recursion_pending();
    if (not_ours || entry->path().extension() != ".json" || entry->is_directory(error)) continue;
    if (files.size() == kMostFiles) return fail(ErrorCode::kLimit, fmt::format("more than {} scenario files", kMostFiles), path);
    files.push_back({entry->path().string(), id_of(entry->path(), suite_directory)});
  }
  if (error) return unreadable(path, error);
  std::ranges::sort(files, {}, &ScenarioFile::id);
  return files;
}

Result<> load_catalogue_and_fixtures(const std::string& directory, Suite& suite) {
  Result<oracles::Catalogue> catalogue = oracles::Catalogue::load(directory + "/clauses.json");
  if (!catalogue) return std::unexpected(catalogue.error());
  suite.catalogue = std::move(*catalogue);

  std::error_code error;
  fs::recursive_directory_iterator entry(directory + "/fixtures", error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry.depth() == 0) {
      if (!entry->is_directory(error))
        return fail(ErrorCode::kInvalidInput, "a fixture is a directory with one file", entry->path().string());
      continue;
    }
    const std::string name = entry->path().parent_path().filename().string();
    Result<std::string> bytes = read_file(entry->path().string(), kMostFixtureBytes);
    if (!bytes) return std::unexpected(bytes.error());
    const bool first = suite.fixtures.emplace(name, Fixture{name, entry->path().filename().string(), std::move(*bytes)}).second;
    if (!first) return fail(ErrorCode::kInvalidInput, "a fixture has one file", entry->path().string());
  }
  if (error) return unreadable(directory + "/fixtures", error);
  return {};
}

}  // namespace entryproof::runner
