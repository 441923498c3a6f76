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

// Of a command that plays cases.
template <class Perform>
int playing(Streams& streams, Perform perform) {
  if (auto prepared = prepare_process(); !prepared) return complain(streams, prepared.error());
  return perform(catch_interrupts());
}

struct Dispatch {
  Streams& streams;

  int operator()(const Message& message) const {
    (message.exit_code == 0 ? streams.out : streams.err) << message.text;
    return message.exit_code;
  }
  int operator()(const RunCommand& run) const {
    return playing(streams, [&](const auto& interrupted) { return run_command(run, streams, runner::play, interrupted); });
  }
  int operator()(const ExploreCommand& explore) const {
    return playing(streams, [&](const auto& interrupted) { return explore_command(explore, streams, interrupted); });
  }
  int operator()(const HistoriesCommand& histories) const {
    return playing(streams, [&](const auto& interrupted) { return histories_command(histories, streams, interrupted); });
  }
  int operator()(const ReplayCommand& replay) const {
    return playing(streams, [&](const auto& interrupted) { return replay_command(replay, streams, interrupted); });
  }
  int operator()(const FuzzCommand& fuzz) const {
    return playing(streams, [&](const auto& interrupted) { return fuzz_command(fuzz, streams, interrupted); });
  }
  int operator()(const UpgradeCommand& upgrade) const {
    return playing(streams, [&](const auto& interrupted) { return upgrade_command(upgrade, streams, interrupted); });
  }
  int operator()(const ListCommand& list) const { return list_command(list, streams); }
  int operator()(const ExplainCommand& explain) const { return explain_command(explain, streams); }
  int operator()(const LintCommand& lint) const { return lint_command(lint, streams); }
  int operator()(const AuditCommand& audit) const { return audit_command(audit, streams); }
  int operator()(const ReportCommand& report) const { return report_command(report, streams); }
};

// Instead of the suite's scenarios those of the deployment in a manifest.
Result<> tell_stories_of(const std::string& path, Choice& choice) {
  runner::Suite& suite = choice.suite;
  audit::Manifests manifests;
  if (auto loaded = audit::load_manifests(path, manifests); !loaded) return loaded;
  const auto staged = audit::stage(manifests, path);
  if (!staged) return std::unexpected(staged.error());
  choice.left_out = staged->left_out;
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
    const int code = std::visit(Dispatch{streams}, parse(argc, argv));
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
    if (auto told = tell_stories_of(chosen.manifest, choice); !told) return std::unexpected(told.error());
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
