// `entryproof run`: resolve the builds, choose the scenarios, play, report, and say the verdict as an exit code.
#include <fmt/core.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>

#include "simulator/cli/baseline_listener.h"
#include "simulator/cli/commands.h"
#include "simulator/cli/control.h"
#include "simulator/cli/repeat.h"
#include "simulator/explore/run.h"
#include "simulator/reports/text.h"
#include "simulator/runner/build.h"

namespace entryproof::cli {
namespace {

// The builds of a run whose failures are played again, under the names that they had there.
Result<std::vector<runner::Build>> resolve_again(const Earlier& earlier, const RunCommand& command) {
  std::vector<runner::Build> builds;
  for (const auto& record : earlier.builds) {
    auto resolved = runner::resolve_build(record.path, command.with);
    if (!resolved) return resolved;
    resolved->front().name = record.name;
    builds.push_back(std::move(resolved->front()));
  }
  return builds;
}

Result<std::vector<runner::Build>> resolve(const RunCommand& command, const std::optional<Earlier>& earlier) {
  if (earlier && command.builds.empty()) return resolve_again(*earlier, command);
  std::vector<runner::Build> builds;
  std::set<std::string> names;
  for (const auto& spec : command.builds.empty() ? std::vector<std::string>{"reference"} : command.builds) {
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
std::string command_prefix(const RunCommand& command, const faults::Plan& faults) {
  std::string prefix = shell_quoted(command.program) + " replay";
  const auto add = [&prefix](const char* option, const std::string& value) {
    prefix += fmt::format(" {} {}", option, shell_quoted(value));
  };
  if (!command.chosen.scenarios_directory.empty()) add("--scenarios", command.chosen.scenarios_directory);
  if (!command.chosen.manifest.empty()) add("--manifest", command.chosen.manifest);
  for (const auto& [outside, inside] : command.with) add("--with", outside == inside ? outside : outside + ":" + inside);
  for (const auto& [name, spelling] : command.features) prefix += fmt::format(" {}", shell_quoted("--feature=" + name + "=" + spelling));
  for (const auto& arg : command.args) prefix += fmt::format(" {}", shell_quoted("--arg=" + arg));
  for (const auto& [name, value] : command.environment) add("--env", name + "=" + value);
  for (const auto& rule : faults) add("--fault", faults::to_string(rule));
  return prefix;
}

Result<std::string> make_keep_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "entryproof-kept-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) return fail_errno("make directory", path, errno);
  return path;
}

Result<runner::RunOptions> run_options(const RunCommand& command, const std::optional<Earlier>& earlier) {
  runner::RunOptions options;
  options.world = command.world;
  options.seed = command.seed.value_or(earlier ? earlier->seed : 1);
  if (earlier) {
    if (!options.world) options.world = runner::world_from(earlier->world);
    options.wanted = [&failed = earlier->failed](const runner::Scenario& scenario, const runner::Build& build) {
      return failed.contains({scenario.id, build.name});
    };
  }
  options.profile = command.chosen.selection.profile;
  options.jobs = command.jobs;
  if (command.chosen.shard) {
    const auto shard = assign_index(*command.chosen.shard, variable);
    if (!shard) return std::unexpected(shard.error());
    options.shard = shard->text();
  }
  options.case_timeout = command.timeout;
  options.max_time = command.max_time;
  options.fail_fast = command.fail_fast;
  options.strict = command.shown.strict;
  options.with = command.with;
  options.extra_args = command.args;
  options.features = command.features;
  options.extra_environment = command.environment;
  auto faults = load_faults(command.faults);
  if (!faults) return std::unexpected(faults.error());
  options.faults = std::move(*faults);
  options.command_prefix = command_prefix(command, options.faults);
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

// The control socket answers once everything that forks has done so: when the header is told.
class ControlListener final : public runner::Listener {
 public:
  ControlListener(runner::Listener& listener, ControlSocket* control) : listener_(listener), control_(control) {}
  void on_header(const runner::Header& header) override {
    if (control_ != nullptr) control_->serve();
    listener_.on_header(header);
  }
  void on_progress(std::size_t done, std::size_t running, std::size_t total) override { listener_.on_progress(done, running, total); }
  void on_case(const runner::CaseRecord& record) override { listener_.on_case(record); }
  void on_footer(const runner::Footer& footer) override { listener_.on_footer(footer); }

 private:
  runner::Listener& listener_;
  ControlSocket* control_;
};

// Lets rules come while cases are played; those from the command line are there to be cleared, too.
Result<std::unique_ptr<ControlSocket>> open_control(const RunCommand& command, runner::FaultDesk& desk, runner::RunOptions& options) {
  if (command.control.empty()) return nullptr;
  if (command.repeat > 1) return fail(ErrorCode::kUsage, "--control says that runs differ, --repeat demands that they do not; choose one");
  if (auto set = desk.add(options.faults); !set) return std::unexpected(set.error());
  options.faults.clear();
  options.fault_desk = &desk;
  return ControlSocket::open(command.control, desk);
}

// Who plays what.
struct Cast {
  const runner::Suite& suite;
  const std::vector<const runner::Scenario*>& scenarios;
  const std::vector<runner::Build>& builds;
  const runner::RunOptions& options;
};

// Plays `times` times and tells the listener about the worst. Ends early when a time did.
Result<runner::Footer> play_repeatedly(unsigned times, const Player& play, const Cast& cast, runner::Listener& listener, Streams& streams,
                                       const std::atomic<bool>& interrupted) {
  Repeat repeat;
  for (unsigned time = 0; time < times; ++time) {
    Collector collector(listener, time == 0);
    const auto footer = play(cast.suite, cast.scenarios, cast.builds, cast.options, collector, interrupted);
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
  for (const auto& build : cast.builds) names.push_back(build.name);
  runner::Footer footer = runner::conclude(cases, names, cast.options.strict);
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

// The baseline that was asked for; an empty one where it is to be made.
Result<Baseline> load_baseline(const RunCommand& command, Streams& streams) {
  std::error_code error;
  if (command.baseline.empty() || (command.baseline_write && !std::filesystem::exists(command.baseline, error))) return Baseline();
  auto baseline = Baseline::load(command.baseline);
  if (!baseline) return baseline;
  const auto silent = std::ranges::count_if(baseline->entries(), [](const auto& entry) { return entry.second.empty(); });
  if (silent > 0) {
    streams.err << fmt::format("entryproof: {}: {} without a reason\n", command.baseline,
                               silent == 1 ? "an entry" : fmt::format("{} entries", silent));
  }
  return baseline;
}

// What a finding is to a run with this baseline. While it is written, everything that decides gets into it, and is known already.
auto known_by(const Baseline& baseline, bool writing, bool strict) {
  return [&baseline, writing, strict](const runner::CaseRecord& record, const runner::CheckRecord& check) -> std::optional<std::string> {
    if (auto reason = baseline.reason({record.build, record.scenario, check.check})) return reason;
    const bool decides = check.status == oracles::Status::kFail ||
                         (strict && check.status == oracles::Status::kWarn && check.level == oracles::Level::kShould);
    return writing && decides ? std::optional<std::string>("") : std::nullopt;
  };
}

Result<> write_baseline(const RunCommand& command, const Baseline& before, const Baseline& after, Streams& streams) {
  if (auto saved = after.save(command.baseline); !saved) return saved;
  const auto added = std::ranges::count_if(after.entries(), [&](const auto& entry) { return !before.entries().contains(entry.first); });
  const auto removed = std::ranges::count_if(before.entries(), [&](const auto& entry) { return !after.entries().contains(entry.first); });
  streams.err << fmt::format("entryproof: {}: {} known, {} added, {} removed{}\n", command.baseline, after.entries().size(), added, removed,
                             added > 0 ? "; say why in \"reason\"" : "");
  return {};
}

}  // namespace

int run_command(const RunCommand& command, Streams& streams, const Player& play, const std::atomic<bool>& interrupted) {
  const auto choice = choose(command.chosen);
  if (!choice) return complain(streams, choice.error());
  for (const std::string& what : choice->left_out) streams.err << fmt::format("entryproof: not played: {}\n", reports::one_line(what, 300));
  const auto builds = resolve(command, choice->earlier);
  if (!builds) return complain(streams, builds.error());
  auto options = run_options(command, choice->earlier);
  if (!options) return complain(streams, options.error());
  std::mutex narrating;  // cases are played side by side
  options->take_apart = explore::taker_apart([&](const std::string& line) {
    const std::lock_guard lock(narrating);
    streams.err << "entryproof: " << reports::one_line(line, 1000) << std::endl;
  });
  const auto baseline = load_baseline(command, streams);
  if (!baseline) return complain(streams, baseline.error());
  if (!command.baseline.empty()) options->known = known_by(*baseline, command.baseline_write, options->strict);
  auto report = open_reports(command.shown, options->profile, true, streams);
  if (!report) return complain(streams, report.error());
  BaselineListener compared(**report, Comparison(*baseline, choice->suite, options->profile), command.baseline_write);
  runner::FaultDesk desk;
  const auto control = open_control(command, desk, *options);
  if (!control) return complain(streams, control.error());
  ControlListener listener(compared, control->get());

  const Cast cast{choice->suite, choice->scenarios, *builds, *options};
  auto footer = command.repeat == 1 ? play(cast.suite, cast.scenarios, cast.builds, cast.options, listener, interrupted)
                                    : play_repeatedly(command.repeat, play, cast, listener, streams, interrupted);
  if (!footer && !interrupted.load()) return complain(streams, footer.error());  // there is nothing to report
  const auto written = (*report)->finish();
  if (!options->keep_directory.empty()) streams.err << "nodes of failed cases: " << options->keep_directory << std::endl;
  if (interrupted.load()) {
    streams.err << "entryproof: interrupted; no verdict" << std::endl;
    return kInterrupted;
  }
  if (!written) return complain(streams, written.error());
  if (command.baseline_write) {
    if (auto saved = write_baseline(command, *baseline, compared.updated(), streams); !saved) return complain(streams, saved.error());
  }
  footer->stale = compared.stale();
  return runner::exit_code(*footer, options->profile);
}

}  // namespace entryproof::cli
