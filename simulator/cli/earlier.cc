#include "simulator/cli/earlier.h"

#include <algorithm>

#include "simulator/reports/jsonl.h"

namespace entryproof::cli {

std::vector<std::string> Earlier::scenarios() const {
  std::set<std::string> once;
  for (const auto& [scenario, build] : failed) once.insert(scenario);
  return {once.begin(), once.end()};
}

Result<Earlier> load_earlier(const std::string& path) {
  const auto run = reports::load_jsonl(path);
  if (!run) return std::unexpected(run.error());
  Earlier earlier;
  earlier.seed = run->header.seed;
  earlier.world = run->header.world;
  for (const auto& record : run->cases) {
    if (record.status != oracles::Status::kPass && record.status != oracles::Status::kNotTested) {
      earlier.failed.emplace(record.scenario, record.build);
    }
  }
  if (earlier.failed.empty()) return fail(ErrorCode::kUsage, "nothing failed in that run, so there is nothing to play again", path);
  for (const auto& build : run->header.builds) {
    const bool any = std::ranges::any_of(earlier.failed, [&](const auto& each) { return each.second == build.name; });
    if (any) earlier.builds.push_back(build);
  }
  return earlier;
}

}  // namespace entryproof::cli
