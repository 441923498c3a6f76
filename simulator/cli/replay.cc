// `entryproof replay`: a finding again, from nothing but its address.
#include <fmt/core.h>

#include <charconv>
#include <filesystem>

#include "simulator/cli/commands.h"
#include "simulator/cli/control.h"
#include "simulator/cli/shell.h"
#include "simulator/explore/crash.h"
#include "simulator/explore/faults.h"
#include "simulator/reports/jsonl.h"
#include "simulator/reports/text.h"
#include "simulator/reports/tree_diff.h"
#include "simulator/runner/build.h"
#include "simulator/runner/replay.h"

namespace entryproof::cli {
namespace {

constexpr unsigned kTries = 5;

// "RUN.jsonl#3", if there is such a file: ids of scenarios have a '#', too.
std::optional<std::pair<std::string, std::size_t>> address(const std::string& text) {
  const std::size_t hash = text.rfind('#');
  if (hash == std::string::npos) return std::nullopt;
  std::size_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + hash + 1, end, number);
  std::error_code error;
  if (read.ec != std::errc{} || read.ptr != end || !std::filesystem::is_regular_file(text.substr(0, hash), error)) return std::nullopt;
  return std::pair(text.substr(0, hash), number);
}

// The replay command that the stored run has for its N-th finding, as options. What this command line says beside the address stays.
Result<ReplayCommand> from_address(const std::string& file, std::size_t number, const ReplayCommand& asked) {
  const auto run = reports::load_jsonl(file);
  if (!run) return std::unexpected(run.error());
  const auto* check = reports::finding(*run, number);
  if (check == nullptr) {
    return fail(ErrorCode::kUsage, fmt::format("has {}, no #{}", reports::counted(reports::count_findings(*run), "finding"), number), file);
  }
  auto words = shell_words(check->replay);
  if (!words) return std::unexpected(Error{words.error().code, "its replay command: " + words.error().message, file});
  if (!words->empty() && words->size() > 1 && (*words)[1] == "run") (*words)[1] = "replay";  // as older versions wrote it
  std::vector<const char*> argv;
  for (const auto& word : *words) argv.push_back(word.c_str());
  const Command parsed = parse(static_cast<int>(argv.size()), argv.data());
  const auto* stored = std::get_if<ReplayCommand>(&parsed);
  if (stored == nullptr)
    return fail(ErrorCode::kInvalidInput, fmt::format("finding {} has no replay command of this program", number), file);
  ReplayCommand command = *stored;
  if (command.check.empty()) command.check = check->check;
  if (!asked.build.empty()) command.build = asked.build;
  if (asked.world) command.world = asked.world;
  if (!asked.scenarios_directory.empty()) command.scenarios_directory = asked.scenarios_directory;
  command.tries = asked.tries;
  command.shell = asked.shell;
  command.shell_command = asked.shell_command;
  return command;
}

Result<runner::RunOptions> run_options(const ReplayCommand& command) {
  runner::RunOptions options;
  options.profile = command.profile;
  options.seed = command.seed;
  options.case_timeout = command.timeout;
  options.with = command.with;
  options.extra_args = command.args;
  options.features = command.features;
  options.extra_environment = command.environment;
  auto faults = load_faults(command.faults);
  if (!faults) return std::unexpected(faults.error());
  options.faults = std::move(*faults);
  return options;
}

void print(const runner::Reproduced& seen, Streams& streams) {
  auto& out = streams.out;
  const auto& finding = seen.finding;
  out << fmt::format("expected  {}\nactual    {}\n", reports::visible_line(finding.expected), reports::visible_line(finding.actual));
  if (seen.operation.empty()) {
    out << "\nno single operation made it so; the node as the case began, and when it was judged:\n";
  } else {
    out << fmt::format("at        {}\n", reports::place_text(*finding.at));
    out << fmt::format("\nthe node before and after \"{}\":\n", reports::visible_line(seen.operation));
  }
  const std::string changes = reports::tree_diff(seen.before, seen.after, seen.redactor);
  out << (changes.empty() ? "  no difference\n" : changes);
}

// What to play, found and resolved.
struct Script {
  runner::Suite suite;
  const runner::Scenario* scenario = nullptr;
  runner::Build build;
};

Result<Script> prepare(const ReplayCommand& command) {
  Chosen chosen;
  chosen.scenarios_directory = command.scenarios_directory;
  chosen.manifest = command.manifest;
  chosen.selection.patterns = {command.finding};
  chosen.selection.profile = oracles::Profile::kProduction;
  auto choice = choose(chosen);
  if (!choice) return std::unexpected(choice.error());
  if (choice->scenarios.size() != 1) {
    return fail(ErrorCode::kUsage, fmt::format("\"{}\" means {} scenarios; a finding lies in one, like {}", command.finding,
                                               choice->scenarios.size(), choice->scenarios.front()->id));
  }
  auto builds = runner::resolve_build(command.build.empty() ? "reference" : command.build, command.with);
  if (!builds) return std::unexpected(builds.error());
  if (builds->size() != 1) return fail(ErrorCode::kUsage, fmt::format("\"{}\" means {} builds; name one", command.build, builds->size()));
  return Script{std::move(choice->suite), choice->scenarios.front(), std::move(builds->front())};
}

explore::CrashReport explore_again(const ReplayCommand& command, const runner::CaseRequest& request, const runner::WorldMaker& make_world) {
  if (command.state.empty()) {
    explore::FaultBounds bounds;
    bounds.only = command.fault;
    return explore::explore_faults(request, make_world, bounds);
  }
  explore::CrashBounds bounds;
  bounds.only = command.state;
  return explore::explore_crashes(request, make_world, bounds);
}

// What an exploration has found: its one state, or its one fault, again.
int replay_explored(const ReplayCommand& command, const Script& script, const runner::RunOptions& options, runner::Stage& stage,
                    Streams& streams, const std::atomic<bool>& interrupted) {
  const unsigned most = stage.kind() == runner::WorldKind::kMemory ? 1 : command.tries.value_or(kTries);
  const runner::CaseRequest request{script.suite, *script.scenario, script.build,
                                    options,      stage.kind(),     runner::case_seed(options.seed, script.scenario->id),
                                    &interrupted, nullptr};
  const explore::CrashFailure* found = nullptr;
  explore::CrashReport report;
  unsigned tries = 0;
  while (found == nullptr && tries < most && !interrupted.load()) {
    ++tries;
    report = explore_again(command, request, stage.maker());
    for (const auto& failure : report.failures) {
      if (found == nullptr && (command.check.empty() || failure.cause.check == command.check)) found = &failure;
    }
  }
  if (interrupted.load()) {
    streams.err << "entryproof: interrupted" << std::endl;
    return kInterrupted;
  }
  if (!report.obstacle.empty()) return complain(streams, {ErrorCode::kUnavailable, report.obstacle, {}});
  const std::string what = found != nullptr ? found->cause.check : command.check.empty() ? "nothing" : command.check;
  streams.out << fmt::format("{} in {} on {} (world {}, seed {}): {} ({} of at most {})\n", what, script.scenario->id, script.build.name,
                             runner::to_string(stage.kind()), options.seed, found != nullptr ? "reproduced" : "not reproduced",
                             tries == 1 ? "1 try" : fmt::format("{} tries", tries), most);
  if (found == nullptr) return kConformant;
  const auto* check = script.suite.catalogue.find_check(found->cause.check);
  streams.out << fmt::format("expected  {}\nactual    {}: {}\nat        {}\n", check != nullptr ? check->sentence : "",
                             durability::to_string(found->cause.label), reports::visible_line(found->cause.what), found->address);
  return kNotConformant;
}

Result<> look_around(const ReplayCommand& command, runner::Stage& stage, const node::Tree& tree, Streams& streams,
                     const std::atomic<bool>& interrupted) {
  if (!command.shell_command.empty()) return run_in_node(stage, tree, command.shell_command, streams, interrupted);
  streams.err << "a shell on the node as it is after that operation; what you change lasts until you leave" << std::endl;
  return talk_in_node(stage, tree, streams, interrupted);
}

}  // namespace

int replay_command(const ReplayCommand& asked, Streams& streams, const std::atomic<bool>& interrupted) {
  ReplayCommand command = asked;
  if (const auto stored = address(asked.finding)) {
    auto read = from_address(stored->first, stored->second, asked);
    if (!read) return complain(streams, read.error());
    command = std::move(*read);
  }
  const auto script = prepare(command);
  if (!script) return complain(streams, script.error());
  const auto options = run_options(command);
  if (!options) return complain(streams, options.error());
  const auto world = command.world.value_or(runner::WorldKind::kFuse);
  if (world == runner::WorldKind::kTmpfs && !options->faults.empty())
    return complain(streams,
                    {ErrorCode::kUsage, "a tmpfs world does not see operations, so none can be made to fail; use --world fuse", {}});
  if (world == runner::WorldKind::kMemory && !script->build.in_process())
    return complain(streams, {ErrorCode::kUsage, "a memory world runs the reference and its mutants only", {}});
  const auto stage = runner::Stage::open(world);
  if (!stage) return complain(streams, stage.error());

  if (!command.state.empty() || !command.fault.empty()) return replay_explored(command, *script, *options, **stage, streams, interrupted);
  const runner::ReplayRequest request{
      script->suite, *script->scenario, script->build, *options, command.check, command.tries.value_or(kTries), interrupted};
  const auto replayed = runner::replay(request, **stage);
  if (interrupted.load()) {
    streams.err << "entryproof: interrupted" << std::endl;
    return kInterrupted;
  }
  if (!replayed) return complain(streams, replayed.error());
  const std::string what = replayed->reproduced ? replayed->reproduced->finding.check : command.check.empty() ? "nothing" : command.check;
  streams.out << fmt::format("{} in {} on {} (world {}, seed {}): {} ({} of at most {})\n", what, script->scenario->id, script->build.name,
                             runner::to_string(world), options->seed, replayed->reproduced ? "reproduced" : "not reproduced",
                             replayed->tries == 1 ? "1 try" : fmt::format("{} tries", replayed->tries), request.tries);
  if (!replayed->reproduced) return kConformant;
  print(*replayed->reproduced, streams);
  if (!command.shell) return kNotConformant;
  streams.out.flush();
  // A memory world has no processes. It has left no thread either, so that the stage of another one may fork now.
  const auto other =
      world == runner::WorldKind::kMemory ? runner::Stage::open(runner::WorldKind::kFuse) : Result<std::unique_ptr<runner::Stage>>();
  if (!other) return complain(streams, other.error());
  auto& place = *other != nullptr ? **other : **stage;
  if (auto looked = look_around(command, place, replayed->reproduced->after, streams, interrupted); !looked)
    return complain(streams, looked.error());
  return kNotConformant;
}

}  // namespace entryproof::cli
