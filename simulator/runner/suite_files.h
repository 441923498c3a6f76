// Where the parts of a suite lie on disk: what Suite::load and lint share.
#pragma once

#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/runner/suite.h"

namespace entryproof::runner {

struct ScenarioFile {
  std::string path;
  std::string id;  // path below the suite's directory without ".json"; of a file elsewhere its name without ".json"
};

// The scenario files that `path` means: itself, or all below it but the suite's catalogue, schema, fixtures and test data. Sorted by id;
// links to directories are not followed.
Result<std::vector<ScenarioFile>> find_scenario_files(const std::string& path, const std::string& suite_directory);

// Fills `suite.catalogue` and `suite.fixtures`.
Result<> load_catalogue_and_fixtures(const std::string& directory, Suite& suite);

}  // namespace entryproof::runner
