// `entryproof fuzz`: odd configuration inputs against any build; each finding is a scenario file.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "simulator/cli/commands.h"
#include "simulator/explore/odd_search.h"
#include "simulator/reports/text.h"
#include "simulator/runner/build.h"

namespace entryproof::cli {
namespace {

// Says what is found while it is looked for, and writes the files.
class Narrator final : public explore::OddListener {
 public:
  Narrator(const FuzzCommand& command, Streams& streams) : command_(command), streams_(streams) {}

  void on_progress(const explore::OddSearchResult& so_far) override {
    if (!streams_.err_is_terminal) return;
    streams_.err << fmt::format("\r{} runs, {} behaviours, {} ", so_far.runs, so_far.behaviours,
                                reports::counted(so_far.findings.size(), "finding"))
                 << std::flush;
  }

  void on_finding(const explore::OddFinding& finding) override {
    streams_.out << fmt::format("{}  {}, run {}\n  expected  {}\n  actual    {}\n", finding.check, to_string(finding.input.part),
                                finding.run, reports::visible_line(finding.expected), reports::visible_line(finding.actual));
    const auto file = write(finding);
    if (!file.empty()) {
      streams_.out << fmt::format("  replay    entryproof run {} --build {} --profile production\n", shell_quoted(file),
                                  shell_quoted(command_.build));
    }
    streams_.out << std::flush;
  }

  bool failed() const { return failed_; }

 private:
  std::string write(const explore::OddFinding& finding) {
    if (command_.export_directory.empty()) return {};
    std::string name = finding.check;
    std::ranges::replace(name, '/', '-');
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::error_code error;
    std::filesystem::create_directories(command_.export_directory, error);
    const auto path = fmt::format("{}/{}-{}-{}.json", command_.export_directory, name, to_string(finding.input.part), ++numbers_[name]);
    std::ofstream file(path, std::ios::binary);
    file << finding.scenario;
    file.close();
    if (!file) {
      complain(streams_, {ErrorCode::kIo, "the finding could not be written", path});
      failed_ = true;
    }
    return path;
  }

  const FuzzCommand& command_;
  Streams& streams_;
  std::map<std::string, unsigned> numbers_;
  bool failed_ = false;
};

}  // namespace

int fuzz_command(const FuzzCommand& command, Streams& streams, const std::atomic<bool>& interrupted) {
  const auto directory = find_scenarios(command.scenarios_directory);
  if (!directory) return complain(streams, directory.error());
  const auto suite = runner::Suite::load(*directory);
  if (!suite) return complain(streams, suite.error());
  const auto builds = runner::resolve_build(command.build, command.with);
  if (!builds) return complain(streams, builds.error());
  if (builds->size() != 1) return complain(streams, {ErrorCode::kUsage, "one build at a time", command.build});

  explore::OddSearchOptions options{.parts = command.parts,
                                    .max_time = command.max_time,
                                    .runs = command.runs,
                                    .seed = command.seed,
                                    .jobs = command.jobs,
                                    .world = command.world.value_or(runner::WorldKind::kFuse),
                                    .with = command.with,
                                    .extra_args = command.args,
                                    .extra_environment = command.environment};
  streams.err << fmt::format("{}: odd inputs against {} in the {} world, seed {}\n", tool_name(), builds->front().name,
                             to_string(options.world), options.seed);
  Narrator narrator(command, streams);
  const auto result = explore::search_odd_inputs(*suite, builds->front(), options, narrator, interrupted);
  if (!result) return complain(streams, result.error());
  if (streams.err_is_terminal) streams.err << "\n";
  const double rate = result->seconds > 0 ? static_cast<double>(result->runs) / result->seconds : 0;
  streams.out << fmt::format("{} runs, {:.0f} a second; {} behaviours; {}, {} not confirmed; seed {}\n", result->runs, rate,
                             result->behaviours, reports::counted(result->findings.size(), "finding"), result->unconfirmed, options.seed);
  if (interrupted.load()) return kInterrupted;
  if (narrator.failed() || result->runs == 0) return kNoVerdict;
  return result->findings.empty() ? kConformant : kNotConformant;
}

}  // namespace entryproof::cli
