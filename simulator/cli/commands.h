// Commands: what each subcommand of `entryproof` does with its parsed options. Each gives the process's exit code.
#pragma once

#include <functional>

#include "simulator/cli/earlier.h"
#include "simulator/cli/options.h"
#include "simulator/cli/process.h"

namespace entryproof::cli {

// runner::play, or what stands in for it in a test.
using Player = std::function<Result<runner::Footer>(const runner::Suite&, const std::vector<const runner::Scenario*>&,
                                                    const std::vector<runner::Build>&, const runner::RunOptions&, runner::Listener&,
                                                    const std::atomic<bool>&)>;

// A whole command line, as main() gives it.
int run(int argc, const char* const* argv);

int run_command(const RunCommand& command, Streams& streams, const Player& play, const std::atomic<bool>& interrupted);
int explore_command(const ExploreCommand& command, Streams& streams, const std::atomic<bool>& interrupted);
int list_command(const ListCommand& command, Streams& streams);
int explain_command(const ExplainCommand& command, Streams& streams);
int lint_command(const LintCommand& command, Streams& streams);
int replay_command(const ReplayCommand& command, Streams& streams, const std::atomic<bool>& interrupted);
int audit_command(const AuditCommand& command, Streams& streams);
int fuzz_command(const FuzzCommand& command, Streams& streams, const std::atomic<bool>& interrupted);
int upgrade_command(const UpgradeCommand& command, Streams& streams, const std::atomic<bool>& interrupted);
int histories_command(const HistoriesCommand& command, Streams& streams, const std::atomic<bool>& interrupted);
int report_command(const ReportCommand& command, Streams& streams);

// --- what they share ---

// What a command line chose: the scenarios (they point into the suite), and the earlier run whose failures are meant, if one was named.
struct Choice {
  runner::Suite suite;
  std::vector<const runner::Scenario*> scenarios;
  std::optional<Earlier> earlier;
  std::vector<std::string> left_out;  // of a manifest, what no case plays
};
// Loads the suite and selects from it.
Result<Choice> choose(const Chosen& chosen);

// Opens every report asked for, and the console if it is among them or `always`. It steps aside to standard error when another report has
// standard output.
Result<std::unique_ptr<reports::Report>> open_reports(const Shown& shown, oracles::Profile profile, bool always_console, Streams& streams);

// "entryproof: …" on standard error; gives kNoVerdict.
int complain(Streams& streams, const Error& error);

}  // namespace entryproof::cli
