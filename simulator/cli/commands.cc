#include "simulator/cli/commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <filesystem>

#include "simulator/audit/staging.h"
#include "simulator/base/digest.h"
#include "simulator/reports/broadcast.h"
#include "simulator/reports/text.h"
#include "simulator/runner/lint.h"

namespace entryproof::cli {
namespace {

int dispatch(const Command& command, Streams& streams) {
  if (const auto* message = std::get_if<Message>(&command)) {
    (message->exit_code == 0 ? streams.out : streams.err) << message->text;
    return message->exit_code;
  }
  if (const auto* run_options = std::get_if<RunCommand>(&command)) {
    if (auto prepared = prepare_process(); !prepared) return complain(streams, prepared.error());
    return run_command(*run_options, streams, runner::play, catch_interrupts());
  }
  if (const auto* explore = std::get_if<ExploreCommand>(&command)) {
    if (auto prepared = prepare_process(); !prepared) return complain(streams, prepared.error());
    return explore_command(*explore, streams, catch_interrupts());
  }
  if (const auto* replay = std::get_if<ReplayCommand>(&command)) {
    if (auto prepared = prepare_process(); !prepared) return complain(streams, prepared.error());
    return replay_command(*replay, streams, catch_interrupts());
  }
  if (const auto* fuzz = std::get_if<FuzzCommand>(&command)) {
    if (auto prepared = prepare_process(); !prepared) return complain(streams, prepared.error());
    return fuzz_command(*fuzz, streams, catch_interrupts());
  }
  if (const auto* upgrade = std::get_if<UpgradeCommand>(&command)) {
    if (auto prepared = prepare_process(); !prepared) return complain(streams, prepared.error());
    return upgrade_command(*upgrade, streams, catch_interrupts());
  }
  if (const auto* histories = std::get_if<HistoriesCommand>(&command)) {
    if (auto prepared = prepare_process(); !prepared) return complain(streams, prepared.error());
    return histories_command(*histories, streams, catch_interrupts());
  }
  if (const auto* list = std::get_if<ListCommand>(&command)) return list_command(*list, streams);
  if (const auto* explain = std::get_if<ExplainCommand>(&command)) return explain_command(*explain, streams);
  if (const auto* lint = std::get_if<LintCommand>(&command)) return lint_command(*lint, streams);
  if (const auto* audit = std::get_if<AuditCommand>(&command)) return audit_command(*audit, streams);
  return report_command(std::get<ReportCommand>(command), streams);
}

// Instead of the suite's scenarios those of the deployment in a manifest.
Result<> tell_stories_of(const std::string& path, runner::Suite& suite) {
  audit::Manifests manifests;
  if (auto loaded = audit::load_manifests(path, manifests); !loaded) return loaded;
  const auto staged = audit::stage(manifests, path);
  if (!staged) return std::unexpected(staged.error());
  suite.scenarios = audit::stories(*staged);
  suite.digest = sha256_hex(suite.digest + audit::fingerprint(*staged));
  for (const auto& scenario : suite.scenarios) {
    if (const auto problems = runner::lint_scenario(scenario, suite); !problems.empty()) return std::unexpected(problems.front());
  }
  return {};
}

}  // namespace

int run(int argc, const char* const* argv) {
  Streams streams = standard_streams();
  try {
    const int code = dispatch(parse(argc, argv), streams);
    streams.out.flush();
    if (!streams.out && code == kConformant) return complain(streams, {ErrorCode::kIo, "write: standard output takes no more", {}});
    return code;
  } catch (const std::exception& exception) {  // a bug, or no memory: still one of the four exit codes
    return complain(streams, {ErrorCode::kInternal, fmt::format("internal error: {}", exception.what()), {}});
  }
}

Result<Choice> choose(const Chosen& chosen) {
  Choice choice;
  runner::Selection selection = chosen.selection;
  if (!chosen.rerun_failed.empty()) {
    auto earlier = load_earlier(chosen.rerun_failed);
    if (!earlier) return std::unexpected(earlier.error());
    choice.earlier = std::move(*earlier);
    if (selection.patterns.empty()) selection.patterns = choice.earlier->scenarios();
  }
  const auto directory = find_scenarios(chosen.scenarios_directory);
  if (!directory) return std::unexpected(directory.error());
  std::vector<std::string> files;  // scenarios that lie elsewhere are played with the suite's catalogue
  for (const auto& pattern : selection.patterns) {
    std::error_code error;
    if (pattern.ends_with(".json") && std::filesystem::is_regular_file(pattern, error)) files.push_back(pattern);
  }
  auto loaded = runner::Suite::load(*directory, files);
  if (!loaded) return std::unexpected(loaded.error());
  choice.suite = std::move(*loaded);
  if (!chosen.manifest.empty()) {
    if (auto told = tell_stories_of(chosen.manifest, choice.suite); !told) return std::unexpected(told.error());
  }
  auto scenarios = runner::select(choice.suite, selection);
  if (!scenarios) return std::unexpected(scenarios.error());
  choice.scenarios = std::move(*scenarios);
  if (choice.earlier) {
    const auto failed = choice.earlier->scenarios();
    std::erase_if(choice.scenarios, [&](const auto* scenario) { return !std::ranges::binary_search(failed, scenario->id); });
    if (choice.scenarios.empty()) return fail(ErrorCode::kUsage, "nothing is selected: nothing of it failed there", chosen.rerun_failed);
  }
  if (chosen.shard) {
    const auto shard = assign_index(*chosen.shard, variable);
    if (!shard) return std::unexpected(shard.error());
    // A part may be empty: with few scenarios that is nobody's mistake.
    std::erase_if(choice.scenarios, [&](const runner::Scenario* scenario) { return !shard->holds(scenario->id); });
  }
  return choice;
}

Result<std::unique_ptr<reports::Report>> open_reports(const Shown& shown, oracles::Profile profile, bool always_console, Streams& streams) {
  std::vector<reports::ReportSpec> specs = shown.reports;
  const auto on_screen = [](const reports::ReportSpec& spec) { return spec.path.empty() && spec.format == "console"; };
  const bool wanted = always_console || std::ranges::any_of(specs, on_screen);
  std::erase_if(specs, on_screen);
  if (wanted) specs.insert(specs.begin(), {"console", {}});

  const bool taken = std::ranges::any_of(shown.reports, [&](const auto& spec) { return spec.path.empty() && !on_screen(spec); });
  const reports::ConsoleOptions console{.asked = {profile, shown.strict},
                                        .detail = shown.detail,
                                        .color = taken ? shown.color == Color::kAlways : streams.colored(shown.color),
                                        .overprint = streams.err_is_terminal && shown.detail != Detail::kQuiet,
                                        .columns = streams.columns,
                                        .status = &streams.err};
  std::vector<std::unique_ptr<reports::Report>> opened;
  for (const auto& spec : specs) {
    auto report = reports::make_report(spec, console, taken && on_screen(spec) ? streams.err : streams.out);
    if (!report) return std::unexpected(report.error());
    opened.push_back(std::move(*report));
  }
  return std::make_unique<reports::Broadcast>(std::move(opened));
}

int complain(Streams& streams, const Error& error) {
  streams.err << "entryproof: " << reports::one_line(error.line(), 4000) << std::endl;
  return kNoVerdict;
}

}  // namespace entryproof::cli
