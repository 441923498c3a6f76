// `entryproof explore crash|faults`: a run whose cases are explorations.
#include <fmt/core.h>

#include <chrono>
#include <mutex>
#include <utility>
#include <variant>

#include "simulator/cli/commands.h"
#include "simulator/explore/run.h"
#include "simulator/reports/text.h"
#include "simulator/runner/explored.h"

namespace entryproof::cli {
namespace {

using namespace std::chrono_literals;

// How far it is, on a terminal: one line that is written over, now and then.
class Progress {
 public:
  explicit Progress(Streams& streams) : streams_(streams) {}

  void show(std::uint64_t states, std::uint64_t lives) {
    if (!streams_.err_is_terminal) return;
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < 100ms) return;
    last_ = now;
    streams_.err << fmt::format("\r{} states judged, {} lives lived\033[K", states, lives) << std::flush;
    shown_ = true;
  }

  void line(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(shown_, false)) streams_.err << "\r\033[K";
    streams_.err << "entryproof: " << reports::one_line(text, 2000) << std::endl;
  }

 private:
  Streams& streams_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_;
  bool shown_ = false;
};

bool chosen(const Chosen& chosen) {
  const auto& selection = chosen.selection;
  return !selection.patterns.empty() || !selection.filter.empty() || !selection.tags.empty() || !selection.clauses.empty() ||
         !chosen.rerun_failed.empty();
}

}  // namespace

int explore_command(const ExploreCommand& asked, Streams& streams, const std::atomic<bool>& interrupted) {
  ExploreCommand command = asked;
  auto& run = command.run;
  if (!chosen(run.chosen))
    run.chosen.selection.tags.emplace_back(std::holds_alternative<explore::CrashBounds>(command.exploration) ? runner::kCrashTag
                                                                                                             : runner::kFaultsTag);
  auto& profile = run.chosen.selection.profile;
  profile = std::max(profile, oracles::Profile::kDurable);  // core knows no crashes
  Progress progress(streams);
  const explore::Narrator narrator{[&](const std::string& line) { progress.line(line); },
                                   [&](std::uint64_t states, std::uint64_t lives) { progress.show(states, lives); }};
  const Player player = [&](const auto& suite, const auto& scenarios, const auto& builds, const auto& options, auto& listener,
                            const auto& stop) {
    return explore::play_explorations(suite, scenarios, builds, options, listener, stop, command.exploration, narrator);
  };
  return run_command(run, streams, player, interrupted);
}

}  // namespace entryproof::cli
