#include "simulator/cli/options.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <system_error>
#include <utility>

#include "simulator/audit/life.h"
#include "simulator/reports/text.h"
#include "simulator/runner/features.h"

namespace entryproof::cli {
namespace {

// An option whose value is refused by one of our own parsers, with its reason.
template <class Take>
CLI::Option* add_word(CLI::App& app, const std::string& name, const std::string& help, const std::string& value, Take take) {
  return app
      .add_option_function<std::string>(
          name,
          [name, take](const std::string& text) {
            if (const Result<> taken = take(text); !taken) throw CLI::ValidationError(name, taken.error().message);
          },
          help)
      ->type_name(value);
}

// The same for one that may be repeated: `take` is called for each value.
template <class Take>
CLI::Option* add_words(CLI::App& app, const std::string& name, const std::string& help, const std::string& value, Take take) {
  return add_word(app, name, help, value, take)->trigger_on_parse();
}

// An option that may be given several times, one value each: a list must not swallow the ids that follow it.
template <class T>
CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<T>& values, const std::string& help, const std::string& value) {
  return app.add_option(name, values, help)->type_name(value)->allow_extra_args(false);
}

template <class T>
Result<> store(Result<T> parsed, std::optional<T>& target) {
  if (!parsed) return std::unexpected(parsed.error());
  target = *parsed;
  return {};
}

// A whole decimal number, all of the text: the library's own reading wraps what is negative or too large around.
template <class T>
Result<> take_number(const std::string& text, T most, T& number) {
  T read{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (error != std::errc{} || end != text.data() + text.size() || read > most) {
    return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no whole number from 0 to {}", text, most));
  }
  number = read;
  return {};
}

Result<> take_profile(const std::string& text, oracles::Profile& profile) {
  const auto found = oracles::profile_from(text);
  if (!found) return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no profile; there are core, durable, production", text));
  profile = *found;
  return {};
}

Result<> take_world(const std::string& text, std::optional<runner::WorldKind>& world) {
  world = runner::world_from(text);
  if (!world && text != "auto")
    return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no world; there are auto, memory, fuse, tmpfs", text));
  return {};
}

Result<> take_color(const std::string& text, Color& color) {
  if (text != "auto" && text != "always" && text != "never") return fail(ErrorCode::kUsage, "WHEN is auto, always or never");
  color = text == "auto" ? Color::kAuto : text == "always" ? Color::kAlways : Color::kNever;
  return {};
}

// PATH[:INSIDE]; without INSIDE the neighbour is seen where it is here.
Result<> take_with(const std::string& text, std::vector<std::pair<std::string, std::string>>& with) {
  const std::size_t colon = text.rfind(":/");
  if (text.empty() || colon == 0) return fail(ErrorCode::kUsage, fmt::format("\"{}\" must be PATH or PATH:INSIDE", text));
  const std::string outside = std::filesystem::absolute(text.substr(0, colon)).lexically_normal().string();
  with.emplace_back(outside, colon == std::string::npos ? outside : text.substr(colon + 1));
  return {};
}

Result<> take_environment(const std::string& text, std::map<std::string, std::string>& environment) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) return fail(ErrorCode::kUsage, fmt::format("\"{}\" must be NAME=VALUE", text));
  environment[text.substr(0, equals)] = text.substr(equals + 1);
  return {};
}

Result<> take_feature(const std::string& text, std::map<std::string, std::string>& features) {
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string name = text.substr(0, equals);
  if (!runner::is_feature(name))
    return fail(ErrorCode::kUsage, fmt::format("there is no feature \"{}\"; there are: {}", name, runner::features_in_words()));
  if (equals + 1 >= text.size()) return fail(ErrorCode::kUsage, fmt::format("\"{}\" must be NAME=SPELLING", text));
  features[name] = text.substr(equals + 1);
  return {};
}

Result<> take_report(const std::string& text, std::vector<reports::ReportSpec>& specs) {
  auto spec = reports::parse_report(text);
  if (!spec) return std::unexpected(spec.error());
  specs.push_back(std::move(*spec));
  return {};
}

void add_manifest(CLI::App& app, std::string& manifest) {
  app.add_option("--manifest", manifest, "Play install, restart, rotation, reboot and upgrade on the deployment in this manifest")
      ->type_name("FILE");
}

void add_directory(CLI::App& app, std::string& directory) {
  app.add_option("--scenarios", directory, "Directory of the suite; else $ENTRYPROOF_SCENARIOS, else the one that came with the program")
      ->type_name("DIR");
}

void add_profile(CLI::App& app, oracles::Profile& profile) {
  add_word(app, "--profile", "Of which profile the verdict is: core (default), durable, production", "PROFILE",
           [&profile](const std::string& text) { return take_profile(text, profile); });
}

void add_chosen(CLI::App& app, Chosen& chosen) {
  app.add_option("selection", chosen.selection.patterns, "Ids, globs of ids (quote them) or scenario files; all if none")
      ->type_name("SELECTION");
  app.add_option("--filter", chosen.selection.filter, "Only scenarios whose id matches")->type_name("REGEX");
  app.add_option("--skip", chosen.selection.skip, "Not the scenarios whose id matches")->type_name("REGEX");
  add_list(app, "--tag", chosen.selection.tags, "Only scenarios with the tag; may be repeated", "TAG");
  add_list(app, "--clause", chosen.selection.clauses, "Only scenarios that expect the clause or check; may be repeated", "ID");
  add_profile(app, chosen.selection.profile);
  add_manifest(app, chosen.manifest);
  app.add_option("--rerun-failed", chosen.rerun_failed, "Only the cases that were not as they should be in a stored run")
      ->type_name("RUN.jsonl");
  add_word(app, "--shard",
           "Part I of N, zero-based, by a hash of the scenario's id; /N takes I from JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID", "I/N",
           [&chosen](const std::string& text) { return store(parse_shard(text), chosen.shard); });
  add_directory(app, chosen.scenarios_directory);
}

void add_shown(CLI::App& app, Shown& shown, const std::string& report_option) {
  add_words(app, report_option, fmt::format("{}; to PATH or standard output; may be repeated", fmt::join(reports::formats(), ", ")),
            "FORMAT[:PATH]", [&shown](const std::string& text) { return take_report(text, shown.reports); });
  app.add_flag("--strict", shown.strict, "A failed SHOULD decides, too");
  auto* verbose = app.add_flag_callback("-v,--verbose", [&shown] { shown.detail = Detail::kVerbose; }, "Every check");
  auto* quiet = app.add_flag_callback("-q,--quiet", [&shown] { shown.detail = Detail::kQuiet; }, "Failures and verdict only");
  quiet->excludes(verbose);
  add_word(app, "--color", "auto (default), always, never; NO_COLOR is honoured by auto", "WHEN",
           [&shown](const std::string& text) { return take_color(text, shown.color); });
}

// What a build is given, and where it lives: shared by `run` and `replay`.
template <class C>
void add_circumstances(CLI::App& app, C& command) {
  add_word(app, "--world", "auto (default), memory, fuse, tmpfs", "WORLD",
           [&command](const std::string& text) { return take_world(text, command.world); });
  add_word(app, "--timeout", "Longest time for one case (30s, 2m)", "D",
           [&command](const std::string& text) { return store(parse_duration(text), command.timeout); });
  add_words(app, "--with", "A neighbour of the build (library, module), bound read-only; may be repeated", "PATH[:INSIDE]",
            [&command](const std::string& text) { return take_with(text, command.with); });
  add_list(app, "--arg", command.args, "A further argument for the build; may be repeated", "ARG");
  add_words(app, "--feature", "How the build spells api-server, ca-file, once, token-file or uninstall; {} is the value", "NAME=SPELLING",
            [&command](const std::string& text) { return take_feature(text, command.features); });
  if constexpr (requires { command.faults; }) {  // a history brings its own
    add_list(app, "--fault", command.faults,
             "A call of the build that fails in every case (docs/faults.md), or a file of such rules; may be repeated", "RULE|@FILE");
  }
  add_words(app, "--env", "A further variable for the build; may be repeated", "NAME=VALUE",
            [&command](const std::string& text) { return take_environment(text, command.environment); });
}

void add_replay(CLI::App& app, ReplayCommand& replay) {
  app.add_option("finding", replay.finding, "RUN.jsonl#N, the N-th finding of a stored run, or a scenario's id")
      ->type_name("FINDING")
      ->required();
  app.add_option("--check", replay.check, "Which check's finding; if none, the first of the case")->type_name("ID");
  app.add_option("--build", replay.build, "PATH, reference (default), predecessor:VERSION, mutant:NAME")->type_name("BUILD");
  add_profile(app, replay.profile);
  add_word(app, "--seed", "What chance begins with; 1 if not given", "S",
           [&replay](const std::string& text) { return take_number(text, std::numeric_limits<std::uint64_t>::max(), replay.seed); });
  add_word(app, "--tries", "How often it is tried at most; 5 if not given", "N",
           [&replay](const std::string& text) { return take_number(text, 10'000U, replay.tries.emplace()); });
  add_circumstances(app, replay);
  add_directory(app, replay.scenarios_directory);
  add_manifest(app, replay.manifest);
  auto* state = app.add_option("--state", replay.state, "One crash state, as explore crash names it")->type_name("ADDRESS");
  auto* fault = app.add_option("--only-fault", replay.fault, "One failing call, as explore faults names it")->type_name("FAULT");
  state->excludes(fault);
  auto* shell = app.add_flag("--shell", replay.shell, "Then a shell on the node at that operation, inside the build's container");
  shell->excludes(state)->excludes(fault);
  app.add_option("-c", replay.shell_command, "With --shell: one command instead of standard input's")->type_name("COMMAND")->needs(shell);
}

void add_histories(CLI::App& app, HistoriesCommand& histories) {
  auto& search = histories.search;
  const auto number = [&app](const std::string& name, const std::string& help, auto most, auto set) {
    add_word(app, name, help, "N", [most, set](const std::string& text) -> Result<> {
      auto value = most;
      if (auto taken = take_number(text, most, value); !taken) return taken;
      set(value);
      return {};
    });
  };
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  app.add_option("--build", histories.build, "PATH, reference (default), predecessor:VERSION, mutant:NAME")->type_name("BUILD");
  add_circumstances(app, histories);
  add_word(app, "--max-time", "How long; 1m if neither this nor --histories is given", "D",
           [&search](const std::string& text) { return store(parse_duration(text), search.max_time); });
  number("--histories", "How many at most", kMost / 2, [&search](std::uint64_t value) { search.histories = value; });
  number("--first", "Number of the first one; 0 if not given", kMost / 2, [&search](std::uint64_t value) { search.first = value; });
  number("--seed", "What chance begins with; 1 if not given", kMost, [&search](std::uint64_t value) { search.seed = value; });
  number("--commands", "Commands in each history; 30 if not given", 60U, [&search](unsigned value) { search.commands = value; });
  number("--exhaustive", "Instead: all histories of up to so many commands of a small alphabet", 6U,
         [&search](unsigned value) { search.exhaustive = value; });
  number("--jobs", "Histories side by side; 0 (default) is as many as help", 900U, [&search](unsigned value) { search.jobs = value; });
  search.jobs = 0;
  app.add_flag("--fail-fast", search.first_only, "End at the first finding");
  app.add_flag("--strict", histories.strict, "A failed SHOULD is a finding, too");
  app.add_option("--export", histories.export_directory, "Where each finding's smallest history becomes a scenario file")->type_name("DIR");
  add_directory(app, histories.scenarios_directory);
}

void add_run(CLI::App& app, RunCommand& run) {
  add_chosen(app, run.chosen);
  add_list(app, "--build", run.builds,
           "PATH, NAME=PATH, reference (default), predecessor:VERSION, mutant:NAME or mutant:*; may be repeated", "BUILD");
  add_circumstances(app, run);
  add_word(app, "--jobs", "Cases side by side; 0 (default) is as many as help", "N",
           [&run](const std::string& text) { return take_number(text, 900U, run.jobs); });  // libfuse serves about 1000 worlds
  add_word(app, "--seed", "What chance begins with; 1 if not given", "S",
           [&run](const std::string& text) { return take_number(text, std::numeric_limits<std::uint64_t>::max(), run.seed.emplace()); });
  app.add_option("--repeat", run.repeat, "Play everything N times and demand the same answers; the worst counts")
      ->type_name("N")
      ->check(CLI::Range(1U, 10'000U));
  add_word(app, "--max-time", "Longest time for everything; what was not played is no verdict", "D",
           [&run](const std::string& text) { return store(parse_duration(text), run.max_time); });
  app.add_option("--control", run.control, "Make a Unix socket there that takes rules, list and clear while cases are played")
      ->type_name("SOCKET");
  app.add_flag("--fail-fast", run.fail_fast, "End at the first failure");
  auto* baseline =
      app.add_option("--baseline", run.baseline, "Failures that are known: they do not decide; one that passes is stale, exit 1")
          ->type_name("FILE");
  app.add_flag("--baseline-write", run.baseline_write, "Bring the baseline up to date with this run; reasons stay")->needs(baseline);
  app.add_flag("--keep", run.keep, "Keep the nodes of failed cases and say where");
  add_shown(app, run.shown, "--report");
}

void add_audit(CLI::App& app, AuditCommand& audit) {
  app.add_option("subjects", audit.subjects,
                 "Roots of nodes (/, a mounted image, a copied tree); manifests: files, folders, - for standard input")
      ->type_name("NODE_ROOT|MANIFEST")
      ->required();
  app.add_option("--cni-conf-dir", audit.net_dir, "Where the nodes' runtime looks for configurations; found by looking if not given")
      ->type_name("PATH");
  app.add_option("--cni-bin-dir", audit.bin_dir, "Where it looks for plugins; found by looking if not given")->type_name("PATH");
  add_word(app, "--now", "The time to judge at, like 2026-12-01T14:07:00Z; the clock's if not given", "TIME",
           [&audit](const std::string& text) { return store(audit::parse_time(text), audit.now); });
  add_word(app, "--format,--report", "text (default), json (lines), markdown, github", "FORMAT",
           [&audit](const std::string& text) -> Result<> {
             const auto format = reports::audit_format_from(text);
             if (!format) return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no format; there are text, json, markdown, github", text));
             audit.view.format = *format;
             return {};
           });
  app.add_flag("--strict", audit.view.strict, "A risk decides, too");
  app.add_flag("-v,--verbose", audit.view.whole, "Also what was found good, when there are several");
  add_word(app, "--color", "auto (default), always, never; NO_COLOR is honoured by auto", "WHEN",
           [&audit](const std::string& text) { return take_color(text, audit.color); });
  app.footer("Exit codes: 0 nothing that breaks Pods, 1 something does or will, 2 no verdict: not found, or not readable.");
}

template <class T>
Result<> take_listed(const std::string& text, std::optional<T> found, const std::string& choice, std::vector<T>& chosen, bool& given) {
  if (!found) return fail(ErrorCode::kUsage, fmt::format("\"{}\" is none of {}", text, choice));
  if (!std::exchange(given, true)) chosen.clear();  // what is named takes the place of what runs by itself
  if (std::ranges::find(chosen, *found) == chosen.end()) chosen.push_back(*found);
  return {};
}

std::optional<explore::Inputs> inputs_named(const std::string& text) {
  for (const auto inputs : explore::kAllInputs) {
    if (explore::to_string(inputs) == text) return inputs;
  }
  return std::nullopt;
}

void add_models(CLI::App& app, std::vector<durability::Model>& models) {
  add_words(app, "--model", "kill, ext4, xfs, btrfs or posix: what a crash may take away; may be repeated; all if none", "MODEL",
            [&models, given = std::make_shared<bool>(false)](const std::string& text) {
              return take_listed(text, durability::model_named(text), "kill, ext4, xfs, btrfs, posix", models, *given);
            });
}

void add_explore_crash(CLI::App& app, RunCommand& run, explore::CrashBounds& bounds) {
  add_run(app, run);
  add_models(app, bounds.models);
  add_words(app, "--inputs", "same, shorter, longer or version: with what the build starts again; may be repeated; all if none", "INPUTS",
            [&bounds, given = std::make_shared<bool>(false)](const std::string& text) {
              return take_listed(text, inputs_named(text), "same, shorter, longer, version", bounds.inputs, *given);
            });
  add_word(app, "--depth", "How many lives after one another may crash; 1 if not given", "N",
           [&bounds](const std::string& text) { return take_number(text, 64U, bounds.depth); });
  add_word(app, "--state", "One state only, as a failure's command names it", "ADDRESS", [&bounds](const std::string& text) -> Result<> {
    const auto address = explore::parse_address(text);
    if (!address) return std::unexpected(address.error());
    bounds.only = text;
    return {};
  });
  app.footer("Without a SELECTION: the scenarios tagged crash. Exit codes as of run; a failure names the strongest model that shows it.");
}

void add_explore_faults(CLI::App& app, RunCommand& run, explore::FaultBounds& bounds) {
  add_run(app, run);
  add_models(app, bounds.models);
  add_word(app, "--only-fault", "One fault only, as a failure's command names it: the build's start, a blank and a rule", "FAULT",
           [&bounds](const std::string& text) -> Result<> {
             const auto address = explore::parse_fault(text);
             if (!address) return std::unexpected(address.error());
             bounds.only = text;
             return {};
           });
  app.footer("Without a SELECTION: the scenarios tagged sweep. Exit codes as of run.");
}

Result<> take_parts(const std::string& text, std::vector<explore::OddPart>& parts) {
  const auto part = explore::odd_part_from(text);
  if (!part)
    return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no input; there are primary, manual, token, ca, environment, flags", text));
  parts.push_back(*part);
  return {};
}

void add_fuzz(CLI::App& app, FuzzCommand& fuzz) {
  app.add_option("--build", fuzz.build, "PATH, NAME=PATH, reference (default), predecessor:VERSION, mutant:NAME")->type_name("BUILD");
  add_words(app, "--what", "primary, manual, token, ca, environment or flags; may be repeated; all if none", "PART",
            [&fuzz](const std::string& text) { return take_parts(text, fuzz.parts); });
  add_word(app, "--max-time", "How long to look; 10m if not given", "D", [&fuzz](const std::string& text) -> Result<> {
    std::optional<Duration> time;
    auto stored = store(parse_duration(text), time);
    if (stored) fuzz.max_time = *time;
    return stored;
  });
  add_word(app, "--runs", "End after so many runs, whatever the time", "N",
           [&fuzz](const std::string& text) { return take_number(text, std::numeric_limits<std::uint64_t>::max(), fuzz.runs.emplace()); });
  add_word(app, "--seed", "What chance begins with; 1 if not given. Equal seeds find equal things", "S",
           [&fuzz](const std::string& text) { return take_number(text, std::numeric_limits<std::uint64_t>::max(), fuzz.seed); });
  add_word(app, "--jobs", "Runs side by side; 0 (default) is as many as help", "N",
           [&fuzz](const std::string& text) { return take_number(text, 200U, fuzz.jobs); });
  app.add_option("--export", fuzz.export_directory, "Write each finding there, as a scenario file")->type_name("DIR");
  add_word(app, "--world", "auto (default), fuse; memory for the reference and its mutants", "WORLD",
           [&fuzz](const std::string& text) { return take_world(text, fuzz.world); });
  add_words(app, "--with", "A neighbour of the build (library, module), bound read-only; may be repeated", "PATH[:INSIDE]",
            [&fuzz](const std::string& text) { return take_with(text, fuzz.with); });
  add_list(app, "--arg", fuzz.args, "A further argument for the build; may be repeated", "ARG");
  add_words(app, "--env", "A further variable for the build; may be repeated", "NAME=VALUE",
            [&fuzz](const std::string& text) { return take_environment(text, fuzz.environment); });
  add_directory(app, fuzz.scenarios_directory);
}

void add_upgrade(CLI::App& app, UpgradeCommand& upgrade) {
  const std::string builds = "PATH, reference, predecessor:VERSION or mutant:NAME";
  app.add_option("--from", upgrade.from, "What runs today: " + builds)->type_name("BUILD")->required();
  app.add_option("--to", upgrade.to, "What shall run: " + builds)->type_name("BUILD")->required();
  app.add_option("--manifest", upgrade.manifest, "The deployment; the usual Pod in automatic and in manual mode if not given")
      ->type_name("FILE");
  add_word(app, "--world", "auto (default), memory, fuse, tmpfs", "WORLD",
           [&upgrade](const std::string& text) { return take_world(text, upgrade.world); });
  add_word(app, "--seed", "What chance begins with; 1 if not given", "S",
           [&upgrade](const std::string& text) { return take_number(text, std::numeric_limits<std::uint64_t>::max(), upgrade.seed); });
  add_words(app, "--with", "A neighbour of the builds (library, module), bound read-only; may be repeated", "PATH[:INSIDE]",
            [&upgrade](const std::string& text) { return take_with(text, upgrade.with); });
  app.add_flag("--markdown", upgrade.markdown, "The table for a page");
  add_directory(app, upgrade.scenarios_directory);
  app.footer("Exit codes: 0 nothing gets worse, 1 something does, 2 could not be played, 130 interrupted.");
}

// Two reports on one stream would make neither.
std::optional<std::string> clash(const Shown& shown) {
  std::map<std::string, int> places;
  for (const auto& spec : shown.reports) {
    const bool elsewhere = spec.format == "console" && spec.path.empty();
    if (!elsewhere && ++places[spec.path] > 1) {
      return spec.path.empty() ? "two reports go to standard output; give one of them a path (FORMAT:PATH)"
                               : fmt::format("two reports go to {}", spec.path);
    }
  }
  return std::nullopt;
}

Message usage_error(const std::string& problem, const std::string& command) {
  return {fmt::format("entryproof: {}; see entryproof {}--help\n", reports::one_line(problem, 2000), command), kNoVerdict};
}

}  // namespace

std::string tool_name() { return "entryproof " ENTRYPROOF_VERSION; }

Command parse(int argc, const char* const* argv) {
  CLI::App app("Says whether an entrypoint build can be trusted with a Kubernetes node.", "entryproof");
  app.set_version_flag("--version", tool_name());
  app.require_subcommand(1);
  app.footer("Exit codes: 0 conformant, 1 not conformant, 2 no verdict, 130 interrupted.");
  app.get_formatter()->column_width(32);

  RunCommand run;
  ListCommand list;
  ExplainCommand explain;
  LintCommand lint;
  ReplayCommand replay;
  ReportCommand report;
  HistoriesCommand histories;
  AuditCommand audit;
  FuzzCommand fuzz;
  UpgradeCommand upgrade;
  CLI::App& run_app = *app.add_subcommand("run", "Play scenarios against builds and give a verdict");
  RunCommand explored;
  explore::CrashBounds crashes;
  explore::FaultBounds faults;
  CLI::App& explore_app =
      *app.add_subcommand("explore", "Beyond the scenarios: crashes and failing calls at every operation, and histories nobody wrote down");
  explore_app.require_subcommand(1);
  CLI::App& crash_app = *explore_app.add_subcommand("crash", "Kills and power cuts at every operation");
  CLI::App& faults_app = *explore_app.add_subcommand("faults", "Every operation fails, once or from then on, with each documented error");
  CLI::App& list_app = *app.add_subcommand("list", "What run would play");
  CLI::App& explain_app = *app.add_subcommand("explain", "A clause, check or scenario, in prose, with its sources");
  CLI::App& lint_app = *app.add_subcommand("lint", "Check scenario files");
  CLI::App& replay_app = *app.add_subcommand("replay", "Play a finding again and show the operation that made it so");
  CLI::App& fuzz_app = *app.add_subcommand("fuzz", "Odd configuration inputs against a build; each finding is a scenario");
  CLI::App& report_app = *app.add_subcommand("report", "Render stored runs, merge shards, compare builds");

  CLI::App& audit_app = *app.add_subcommand("audit", "What is wrong, or will be, with a node or a manifest");

  CLI::App& upgrade_app = *app.add_subcommand("upgrade", "What a user would notice when one build takes the place of another");

  CLI::App& histories_app = *explore_app.add_subcommand("histories", "Random histories of a node, and all small ones");
  add_histories(histories_app, histories);
  histories_app.footer("Exit codes: 0 nothing found, 1 found, 2 no verdict, 130 interrupted.");

  std::string format = "text";
  add_run(run_app, run);
  add_explore_crash(crash_app, explored, crashes);
  add_explore_faults(faults_app, explored, faults);
  add_chosen(list_app, list.chosen);
  list_app.add_flag("--clauses", list.clauses, "The checks, with the scenarios, mutants and worlds behind each");
  list_app.add_option("--format", format, "text (default) or json; with --clauses also markdown")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json", "markdown"}));
  explain_app.add_option("id", explain.id, "EXIST-01, EXIST-01/manual-fresh-node, manual/fresh-node")->type_name("ID")->required();
  add_directory(explain_app, explain.scenarios_directory);
  lint_app.add_option("paths", lint.paths, "Scenario files or directories of a suite; the suite of the program if none")->type_name("PATH");
  add_directory(lint_app, lint.scenarios_directory);
  add_replay(replay_app, replay);
  replay_app.footer("Exit codes: 0 not reproduced, 1 reproduced, 2 could not be played, 130 interrupted.");
  add_fuzz(fuzz_app, fuzz);
  fuzz_app.footer("Exit codes: 0 nothing found, 1 something found, 2 could not be played, 130 interrupted.");
  report_app.add_option("files", report.files, "Results written by run --report jsonl:FILE")->type_name("RUN.jsonl")->required();
  add_profile(report_app, report.profile);
  add_shown(report_app, report.shown, "--format");
  add_audit(audit_app, audit);
  add_upgrade(upgrade_app, upgrade);

  std::string command;
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    std::ostringstream text;
    app.exit(success, text, text);
    return Message{text.str(), 0};
  } catch (const CLI::ParseError& error) {
    for (const CLI::App* parsed : app.get_subcommands()) command = parsed->get_name() + " ";
    return usage_error(error.what(), command);
  }
  const Shown& shown = report_app.parsed() ? report.shown : explore_app.parsed() ? explored.shown : run.shown;
  if (const auto problem = clash(shown))
    return usage_error(*problem, report_app.parsed()    ? "report "
                                 : explore_app.parsed() ? (faults_app.parsed() ? "explore faults " : "explore crash ")
                                                        : "run ");

  if (histories_app.parsed()) return histories;
  if (run_app.parsed()) {
    run.program = argv[0];
    return run;
  }
  if (explore_app.parsed()) {
    explored.program = argv[0];
    if (faults_app.parsed()) return ExploreCommand{explored, faults};
    return ExploreCommand{explored, crashes};
  }
  using Format = ListCommand::Format;
  list.format = format == "json" ? Format::kJson : format == "markdown" ? Format::kMarkdown : Format::kText;
  if (list_app.parsed() && list.format == Format::kMarkdown && !list.clauses)
    return usage_error("--format markdown needs --clauses", "list ");
  if (list_app.parsed()) return list;
  if (audit_app.parsed()) return audit;
  if (upgrade_app.parsed()) return upgrade;
  if (explain_app.parsed()) return explain;
  if (lint_app.parsed()) return lint;
  if (replay_app.parsed()) return replay;
  if (fuzz_app.parsed()) return fuzz;
  return report;
}

}  // namespace entryproof::cli
