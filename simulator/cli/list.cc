// `entryproof list`: what `run` would play, or what stands behind each check.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "simulator/cli/commands.h"
#include "simulator/cli/coverage.h"
#include "simulator/reports/text.h"

namespace entryproof::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string as_json(const std::vector<const runner::Scenario*>& scenarios) {
  Json list = Json::array();
  for (const auto* scenario : scenarios) {
    Json item = Json::object();
    item["scenario"] = scenario->id;
    item["title"] = scenario->title;
    item["file"] = scenario->file;
    item["tags"] = scenario->tags;
    item["checks"] = scenario->checks();
    list.push_back(std::move(item));
  }
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

int list_command(const ListCommand& asked, Streams& streams) {
  ListCommand command = asked;
  if (command.clauses) command.chosen.selection.profile = oracles::Profile::kProduction;  // coverage is of the whole catalogue
  const auto choice = choose(command.chosen);
  if (!choice) return complain(streams, choice.error());
  const auto& scenarios = choice->scenarios;
  if (command.clauses) {
    const auto coverage = coverage_of(choice->suite, scenarios);
    streams.out << (command.format == ListCommand::Format::kJson       ? coverage_json(coverage)
                    : command.format == ListCommand::Format::kMarkdown ? coverage_markdown(coverage)
                                                                       : coverage_text(coverage));
    return kConformant;
  }
  if (command.format == ListCommand::Format::kJson) {
    streams.out << as_json(scenarios);
    return kConformant;
  }
  std::size_t width = 0;
  for (const auto* scenario : scenarios) width = std::max(width, scenario->id.size());
  for (const auto* scenario : scenarios)
    streams.out << fmt::format("{:<{}}  {}\n", scenario->id, width, reports::one_line(scenario->title, 200));
  if (streams.err_is_terminal) streams.err << reports::counted(scenarios.size(), "scenario") << std::endl;
  return kConformant;
}

}  // namespace entryproof::cli
