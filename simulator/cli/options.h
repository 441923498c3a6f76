// Options: what a command line says, as values.
//
// Parsing touches nothing but its arguments: no file is opened, no variable read. A command line that makes no sense becomes a Message with
// exit code 2 and one line; help and version become a Message for standard output.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/cli/words.h"
#include "simulator/explore/histories.h"
#include "simulator/explore/odd_input.h"
#include "simulator/explore/run.h"
#include "simulator/reports/audit.h"
#include "simulator/reports/console.h"
#include "simulator/reports/registry.h"
#include "simulator/runner/engine.h"
#include "simulator/runner/suite.h"

namespace entryproof::cli {

// Exit codes; there are no others.
inline constexpr int kConformant = 0;
inline constexpr int kNotConformant = 1;
inline constexpr int kNoVerdict = 2;
inline constexpr int kInterrupted = 130;

enum class Color { kAuto, kAlways, kNever };
using Detail = reports::ConsoleOptions::Detail;

// What to play: shared by `run` and `list`.
struct Chosen {
  std::string scenarios_directory;  // empty: found beside the program
  runner::Selection selection;
  std::optional<Shard> shard;
  std::string rerun_failed;   // a stored run; only what failed there
  std::string manifest = {};  // a file or folder: the stories of that deployment instead of the suite's scenarios
};

// How to show it: shared by `run` and `report`.
struct Shown {
  std::vector<reports::ReportSpec> reports;
  Detail detail = Detail::kNormal;
  Color color = Color::kAuto;
  bool strict = false;
};

struct RunCommand {
  std::string program;  // argv[0], for commands that replay
  Chosen chosen;
  Shown shown;
  std::vector<std::string> builds;  // empty: those of the run whose failures are played again, else the reference
  std::optional<runner::WorldKind> world;
  unsigned jobs = 0;
  std::optional<std::uint64_t> seed;  // 1, or that of the run whose failures are played again
  unsigned repeat = 1;
  std::optional<Duration> timeout;
  std::optional<Duration> max_time;
  bool fail_fast = false;
  bool keep = false;
  std::string baseline;  // a file; empty: none
  bool baseline_write = false;
  std::vector<std::pair<std::string, std::string>> with;  // outside, inside
  std::vector<std::string> args;
  std::map<std::string, std::string> features;
  std::map<std::string, std::string> environment;
  std::vector<std::string> faults;  // rules, or "@FILE"
  std::string control;              // where a socket takes more of them; empty: nowhere
};

// Beyond the scenarios: what happens if something goes wrong at any operation of them.
struct ExploreCommand {
  RunCommand run;  // what is explored, and how it is shown
  explore::Exploration exploration;
};

struct ListCommand {
  enum class Format { kText, kJson, kMarkdown };  // the last one of clauses only
  Chosen chosen;
  Format format = Format::kText;
  bool clauses = false;  // the checks and what stands behind them, instead of the scenarios
};

struct ExplainCommand {
  std::string scenarios_directory;
  std::string id;
};

struct LintCommand {
  std::string scenarios_directory;
  std::vector<std::string> paths;
};

struct ReplayCommand {
  std::string finding;  // RUN.jsonl#N, or a scenario's id
  std::string check;    // empty: whatever is found first
  std::string build;    // empty: the reference
  std::optional<runner::WorldKind> world;
  oracles::Profile profile = oracles::Profile::kCore;
  std::uint64_t seed = 1;
  std::optional<unsigned> tries;
  std::optional<Duration> timeout;
  std::string scenarios_directory;
  std::string manifest;  // as Chosen's
  std::vector<std::pair<std::string, std::string>> with;
  std::vector<std::string> args;
  std::map<std::string, std::string> features;
  std::map<std::string, std::string> environment;
  std::vector<std::string> faults;  // rules, or "@FILE"
  std::string state;                // a crash state, explore::CrashAddress; or …
  std::string fault;                // … a call that fails, explore::FaultAddress; or neither: what the case itself shows
  bool shell = false;
  std::string shell_command;  // empty: lines from standard input
};

struct FuzzCommand {
  std::string build = "reference";
  std::vector<explore::OddPart> parts;  // empty: all
  std::optional<runner::WorldKind> world;
  Duration max_time = std::chrono::minutes(10);
  std::optional<std::uint64_t> runs;
  std::uint64_t seed = 1;
  unsigned jobs = 0;
  std::string export_directory;  // empty: findings are told only
  std::string scenarios_directory;
  std::vector<std::pair<std::string, std::string>> with;
  std::vector<std::string> args;
  std::map<std::string, std::string> environment;
};

struct ReportCommand {
  std::vector<std::string> files;
  Shown shown;
  oracles::Profile profile = oracles::Profile::kCore;
};

struct AuditCommand {
  std::vector<std::string> subjects;  // roots of nodes; manifests
  std::string net_dir;                // host paths; empty: found by looking
  std::string bin_dir;
  std::optional<std::int64_t> now;  // seconds since the epoch; the clock if not given
  reports::AuditView view;
  Color color = Color::kAuto;
};

struct UpgradeCommand {
  std::string from;
  std::string to;
  std::string manifest;  // empty: the usual Pod, in automatic and in manual mode
  std::string scenarios_directory;
  std::optional<runner::WorldKind> world;
  std::uint64_t seed = 1;
  std::vector<std::pair<std::string, std::string>> with;
  bool markdown = false;
};

struct HistoriesCommand {
  std::string build;  // empty: the reference
  std::optional<runner::WorldKind> world;
  explore::Search search;
  bool strict = false;
  std::string export_directory;  // empty: nothing is written
  std::string scenarios_directory;
  std::optional<Duration> timeout;
  std::vector<std::pair<std::string, std::string>> with;
  std::vector<std::string> args;
  std::map<std::string, std::string> features;
  std::map<std::string, std::string> environment;
};

struct Message {
  std::string text;
  int exit_code = kNoVerdict;  // 0: for standard output, else for standard error
};

using Command = std::variant<Message, RunCommand, ExploreCommand, HistoriesCommand, ListCommand, ExplainCommand, LintCommand, ReplayCommand,
                             ReportCommand, AuditCommand, FuzzCommand, UpgradeCommand>;

// "entryproof 0.1.0"
std::string tool_name();

Command parse(int argc, const char* const* argv);

}  // namespace entryproof::cli
