// `entryproof explore histories`: random histories, or all small ones, against one build; what is found becomes a scenario file.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "simulator/cli/commands.h"
#include "simulator/explore/histories.h"
#include "simulator/explore/scenario_text.h"
#include "simulator/explore/shrink.h"
#include "simulator/explore/tale.h"
#include "simulator/reports/text.h"
#include "simulator/runner/stage.h"

namespace entryproof::cli {
namespace {

constexpr unsigned kWorldsPerCore = 16;                         // where histories wait in real time
constexpr auto kShrinkingInRealTime = std::chrono::minutes(3);  // of all findings

using SteadyClock = std::chrono::steady_clock;

class Historian {
 public:
  Historian(const HistoriesCommand& command, const explore::Bench& bench, Streams& streams, const std::atomic<bool>& interrupted)
      : command_(command), bench_(bench), streams_(streams), interrupted_(interrupted) {}

  int write() {
    const std::string what = command_.search.exhaustive
                                 ? fmt::format("exhaustive={}", *command_.search.exhaustive)
                                 : fmt::format("seed={} commands={}", command_.search.seed, command_.search.commands);
    const std::string line = fmt::format("{} build={} world={}", what, bench_.build.name, to_string(bench_.world));
    streams_.out << line << std::endl;
    auto searched = explore::search(bench_, command_.search, interrupted_, [&](std::uint64_t done, std::size_t found) {
      if (streams_.err_is_terminal && done % 16 == 0) streams_.err << fmt::format("\r{} histories, {} findings", done, found) << std::flush;
    });
    if (streams_.err_is_terminal) streams_.err << "\r\033[K";
    const SteadyClock::time_point deadline = SteadyClock::now() + kShrinkingInRealTime;
    for (const auto& [check, found] : searched.found) {
      const SteadyClock::duration share = kShrinkingInRealTime / searched.found.size();
      if (const auto told = tell(found, std::min(deadline, SteadyClock::now() + share)); !told) complain(streams_, told.error());
    }
    for (const auto& [why, trouble] : searched.troubles) {
      streams_.err << fmt::format("entryproof: no verdict, {}: {}\n  history {}: {}", reports::counted(trouble.times, "time"),
                                  reports::one_line(why, 1000), trouble.index, describe(smallest_unplayable(trouble.history)))
                   << std::endl;
    }
    const double seconds = std::chrono::duration<double>(searched.took).count();
    const bool played = searched.histories > 0 && searched.troubles.empty();
    const bool unfinished = command_.search.exhaustive && !searched.complete;
    const std::string_view verdict = !searched.found.empty() ? "found" : !played ? "unknown" : unfinished ? "bounded" : "nothing";
    streams_.out << fmt::format("{} histories={} per_second={:.0f} findings={} verdict={}\n", line, searched.histories,
                                seconds > 0 ? static_cast<double>(searched.histories) / seconds : 0.0, searched.found.size(), verdict);
    if (interrupted_.load()) return kInterrupted;
    if (!searched.found.empty()) return kNotConformant;
    return verdict == "nothing" ? kConformant : kNoVerdict;
  }

 private:
  // What showed it, and what it showed.
  struct Shown {
    explore::History history;
    runner::CheckRecord finding;
  };

  // The smallest history that shows it, as people read it, and as a file. Where that takes real time, the smallest by then.
  Result<> tell(const explore::Found& found, SteadyClock::time_point deadline) {
    const std::string& check = found.finding.check;
    const auto [smallest, finding] = smallest_of(found, deadline);
    auto scenario = explore::tell(smallest, explore::Known::of(bench_.build, bench_.options.features));
    streams_.out << fmt::format("\n{}  {}  history {}\n", to_string(finding.status), check, found.index);
    streams_.out << fmt::format("  {}\n", describe(smallest));
    streams_.out << fmt::format("  expected  {}\n  actual    {}\n", reports::visible_line(finding.expected),
                                reports::visible_line(finding.actual));
    if (command_.export_directory.empty()) return {};
    return write(scenario, check, finding, found.index);
  }

  Shown smallest_of(const explore::Found& found, SteadyClock::time_point deadline) {
    const bool in_memory = bench_.world == runner::WorldKind::kMemory;
    Shown smallest{found.history, found.finding};
    const auto show = [&](const explore::History& history) -> std::optional<runner::CheckRecord> {
      if (interrupted_.load() || (!in_memory && SteadyClock::now() >= deadline)) return std::nullopt;
      const auto trial = explore::try_history(bench_, history);
      const auto* finding = trial.find(found.finding.check);
      return finding != nullptr ? std::optional(*finding) : std::nullopt;
    };
    explore::ShrinkBounds bounds;
    bounds.side_by_side = in_memory ? 1 : command_.search.jobs;
    explore::shrink(
        found.history,
        [&](const std::vector<explore::History>& candidates) -> std::optional<std::size_t> {
          std::vector<std::optional<runner::CheckRecord>> shown(candidates.size());
          {
            std::vector<std::jthread> players;
            for (std::size_t i = 1; i < candidates.size(); ++i) players.emplace_back([&, i] { shown[i] = show(candidates[i]); });
            shown[0] = show(candidates[0]);
          }
          const auto first = std::ranges::find_if(shown, [](const auto& each) { return each.has_value(); });
          if (first == shown.end()) return std::nullopt;
          const auto index = static_cast<std::size_t>(first - shown.begin());
          smallest = {candidates[index], **first};
          return index;
        },
        bounds);
    return smallest;
  }

  // Where trying costs next to nothing; otherwise the history as it was.
  explore::History smallest_unplayable(const explore::History& history) {
    if (bench_.world != runner::WorldKind::kMemory) return history;
    return explore::shrink(
        history, [&](const explore::History& each) { return !interrupted_.load() && !explore::try_history(bench_, each).trouble.empty(); });
  }

  Result<> write(runner::Scenario& scenario, const std::string& check, const runner::CheckRecord& finding, std::uint64_t index) {
    scenario.title = reports::one_line(fmt::format("{}, as {} came by it", check, bench_.build.name), 120);
    const std::string origin = command_.search.exhaustive
                                   ? fmt::format("exhaustive {}", *command_.search.exhaustive)
                                   : fmt::format("seed {}, {} commands", command_.search.seed, command_.search.commands);
    scenario.why = reports::one_line(fmt::format("Found by explore histories ({}, history {}): {}", origin, index, finding.actual), 480);
    const auto text = explore::scenario_text(scenario);
    if (!text) return std::unexpected(text.error());
    std::string name = check;
    std::ranges::replace(name, '/', '-');
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto path = std::filesystem::path(command_.export_directory) / (name + ".json");
    std::error_code error;
    std::filesystem::create_directories(command_.export_directory, error);
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << *text << std::flush;
    if (!file)
      return fail(ErrorCode::kIo, "write: the scenario could not be written; is there room, and is it a directory?", path.string());
    std::string how;
    for (const auto& [feature, spelling] : command_.features) how += fmt::format(" --feature '{}={}'", feature, spelling);
    streams_.out << fmt::format("  entryproof run '{}' --build '{}' --world {} --profile production{}\n", path.string(), bench_.build.spec,
                                to_string(bench_.world), how);
    return {};
  }

  const HistoriesCommand& command_;
  const explore::Bench& bench_;
  Streams& streams_;
  const std::atomic<bool>& interrupted_;
};

}  // namespace

int histories_command(const HistoriesCommand& asked, Streams& streams, const std::atomic<bool>& interrupted) {
  HistoriesCommand command = asked;
  const auto directory = find_scenarios(command.scenarios_directory);
  if (!directory) return complain(streams, directory.error());
  const auto suite = runner::Suite::load(*directory);
  if (!suite) return complain(streams, suite.error());
  const auto builds = runner::resolve_build(command.build.empty() ? "reference" : command.build, command.with);
  if (!builds) return complain(streams, builds.error());
  if (builds->size() != 1) {
    return complain(streams, {ErrorCode::kUsage, fmt::format("\"{}\" means {} builds; name one", command.build, builds->size()), {}});
  }
  const auto& build = builds->front();
  const auto world = command.world.value_or(build.in_process() ? runner::WorldKind::kMemory : runner::WorldKind::kFuse);
  if (world == runner::WorldKind::kMemory && !build.in_process()) {
    return complain(streams, {ErrorCode::kUsage, "a memory world runs the reference and its mutants only; use --world fuse", {}});
  }
  const auto stage = runner::Stage::open(world);  // before any thread: it forks
  if (!stage) return complain(streams, stage.error());
  explore::Bench bench{*suite, build, world, (*stage)->maker(), {}, &interrupted};
  bench.options.strict = command.strict;
  bench.options.with = command.with;
  bench.options.extra_args = command.args;
  bench.options.features = command.features;
  bench.options.extra_environment = command.environment;
  bench.options.case_timeout = command.timeout;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  if (command.search.jobs == 0) command.search.jobs = world == runner::WorldKind::kMemory ? cores : cores * kWorldsPerCore;
  if (!command.search.max_time && !command.search.histories && !command.search.exhaustive)
    command.search.max_time = std::chrono::minutes(1);
  return Historian(command, bench, streams, interrupted).write();
}

}  // namespace entryproof::cli
