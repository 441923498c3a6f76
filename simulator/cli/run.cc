// `entryproof run`: resolve the builds, choose the scenarios, play, report, and say the verdict as an exit code.
#include <fmt/core.h>
#include <stdlib.h>

#include <filesystem>
#include <set>

#include "simulator/cli/commands.h"
#include "simulator/cli/repeat.h"
#include "simulator/reports/text.h"
#include "simulator/runner/build.h"

namespace entryproof::cli {
namespace {

Result<std::vector<runner::Build>> resolve(const RunCommand& command) {
  std::vector<runner::Build> builds;
  std::set<std::string> names;
  for (const auto& spec : command.builds) {
    auto resolved = runner::resolve_build(spec, command.with);
    if (!resolved) return resolved;
    for (auto& build : *resolved) {
      if (!names.insert(build.name).second) {
        return fail(ErrorCode::kUsage, fmt::format("two builds are called {}; name them apart with --build NAME=PATH", build.name));
      }
      builds.push_back(std::move(build));
    }
  }
  return builds;
}

// Everything that a replay needs and that does not belong to the case itself.
std::string command_prefix(const RunCommand& command) {
  std::string prefix = shell_quoted(command.program) + " run";
  const auto add = [&prefix](const char* option, const std::string& value) {
    prefix += fmt::format(" {} {}", option, shell_quoted(value));
  };
  if (!command.chosen.scenarios_directory.empty()) add("--scenarios", command.chosen.scenarios_directory);
  for (const auto& [outside, inside] : command.with) add("--with", outside == inside ? outside : outside + ":" + inside);
  for (const auto& arg : command.args) prefix += fmt::format(" {}", shell_quoted("--arg=" + arg));
  for (const auto& [name, value] : command.environment) add("--env", name + "=" + value);
  return prefix;
}

Result<std::string> make_keep_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "entryproof-kept-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) return fail_errno("make directory", path, errno);
  return path;
}

Result<runner::RunOptions> run_options(const RunCommand& command) {
  runner::RunOptions options;
  options.world = command.world;
  options.profile = command.chosen.selection.profile;
  options.jobs = command.jobs;
  options.seed = command.seed;
  if (command.chosen.shard) options.shard = command.chosen.shard->text();
  options.case_timeout = command.timeout;
  options.max_time = command.max_time;
  options.fail_fast = command.fail_fast;
  options.strict = command.shown.strict;
  options.with = command.with;
  options.extra_args = command.args;
  options.extra_environment = command.environment;
  options.command_prefix = command_prefix(command);
  if (command.keep) {
    auto directory = make_keep_directory();
    if (!directory) return std::unexpected(directory.error());
    options.keep_directory = *directory;
  }
  return options;
}

// Collects one time's cases; the header is told once, the footer is made of all times.
class Collector final : public runner::Listener {
 public:
  Collector(runner::Listener& listener, bool first) : listener_(listener), first_(first) {}
  void on_header(const runner::Header& header) override {
    if (first_) listener_.on_header(header);
  }
  void on_progress(std::size_t done, std::size_t running, std::size_t total) override { listener_.on_progress(done, running, total); }
  void on_case(const runner::CaseRecord& record) override { cases.push_back(record); }
  void on_footer(const runner::Footer&) override { ended = true; }

  std::vector<runner::CaseRecord> cases;
  bool ended = false;

 private:
  runner::Listener& listener_;
  bool first_;
};

// Plays `repeat` times and tells the listener about the worst. Ends early when a time did.
Result<runner::Footer> play_repeatedly(const RunCommand& command, const Player& play, const runner::Suite& suite,
                                       const std::vector<const runner::Scenario*>& scenarios, const std::vector<runner::Build>& builds,
                                       const runner::RunOptions& options, runner::Listener& listener, Streams& streams,
                                       const std::atomic<bool>& interrupted) {
  Repeat repeat;
  for (unsigned time = 0; time < command.repeat; ++time) {
    Collector collector(listener, time == 0);
    const auto footer = play(suite, scenarios, builds, options, collector, interrupted);
    if (!footer) return footer;
    repeat.add(collector.cases);
    if (!collector.ended) {
      for (const auto& record : collector.cases) listener.on_case(record);
      return footer;
    }
  }
  const auto cases = repeat.worst();
  for (const auto& record : cases) listener.on_case(record);
  std::vector<std::string> names;
  for (const auto& build : builds) names.push_back(build.name);
  runner::Footer footer = runner::conclude(cases, names, options.strict);
  const auto differences = repeat.differences();
  for (const auto& line : differences) streams.err << "entryproof: answers differ: " << reports::one_line(line, 1000) << "\n";
  for (auto& [build, profiles] : footer.verdicts) {
    for (auto& [profile, verdict] : profiles) {
      if (!differences.empty() && verdict == runner::Verdict::kConformant) verdict = runner::Verdict::kIncomplete;
    }
  }
  listener.on_footer(footer);
  return footer;
}

}  // namespace

int run_command(const RunCommand& command, Streams& streams, const Player& play, const std::atomic<bool>& interrupted) {
  runner::Suite suite;
  const auto scenarios = choose(command.chosen, suite);
  if (!scenarios) return complain(streams, scenarios.error());
  const auto builds = resolve(command);
  if (!builds) return complain(streams, builds.error());
  const auto options = run_options(command);
  if (!options) return complain(streams, options.error());
  auto report = open_reports(command.shown, options->profile, true, streams);
  if (!report) return complain(streams, report.error());

  const auto footer = command.repeat == 1
                          ? play(suite, *scenarios, *builds, *options, **report, interrupted)
                          : play_repeatedly(command, play, suite, *scenarios, *builds, *options, **report, streams, interrupted);
  if (!footer && !interrupted.load()) return complain(streams, footer.error());  // there is nothing to report
  const auto written = (*report)->finish();
  if (!options->keep_directory.empty()) streams.err << "nodes of failed cases: " << options->keep_directory << std::endl;
  if (interrupted.load()) {
    streams.err << "entryproof: interrupted; no verdict" << std::endl;
    return kInterrupted;
  }
  if (!written) return complain(streams, written.error());
  return runner::exit_code(*footer, options->profile);
}

}  // namespace entryproof::cli
