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
  std::vector<std::string> builds;  // never empty
  std::optional<runner::WorldKind> world;
  unsigned jobs = 0;
  std::uint64_t seed = 1;
  unsigned repeat = 1;
  std::optional<Duration> timeout;
  std::optional<Duration> max_time;
  bool fail_fast = false;
  bool keep = false;
  std::vector<std::pair<std::string, std::string>> with;  // outside, inside
  std::vector<std::string> args;
  std::map<std::string, std::string> environment;
};

struct ListCommand {
  Chosen chosen;
  bool json = false;
};

struct ExplainCommand {
  std::string scenarios_directory;
  std::string id;
};

struct LintCommand {
  std::string scenarios_directory;
  std::vector<std::string> paths;
};

struct ReportCommand {
  std::vector<std::string> files;
  Shown shown;
  oracles::Profile profile = oracles::Profile::kCore;
};

struct Message {
  std::string text;
  int exit_code = kNoVerdict;  // 0: for standard output, else for standard error
};

using Command = std::variant<Message, RunCommand, ListCommand, ExplainCommand, LintCommand, ReportCommand>;

// "entryproof 0.1.0"
std::string tool_name();

Command parse(int argc, const char* const* argv);

}  // namespace entryproof::cli
