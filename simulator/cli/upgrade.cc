// `entryproof upgrade`: plays the old build and then the new one on one node, and prints what a user would notice.
#include "simulator/audit/upgrade.h"

#include <fmt/core.h>

#include <algorithm>

#include "simulator/audit/manifest.h"
#include "simulator/cli/commands.h"
#include "simulator/reports/text.h"
#include "simulator/runner/stage.h"

namespace entryproof::cli {
namespace {

Result<runner::Build> one_build(const std::string& spec, const UpgradeCommand& command) {
  auto builds = runner::resolve_build(spec, command.with);
  if (!builds) return std::unexpected(builds.error());
  if (builds->size() != 1) return fail(ErrorCode::kUsage, fmt::format("\"{}\" means {} builds; name one", spec, builds->size()));
  return std::move(builds->front());
}

Result<std::vector<audit::Staged>> deployments(const UpgradeCommand& command) {
  if (command.manifest.empty()) return std::vector{audit::usual_deployment(false), audit::usual_deployment(true)};
  audit::Manifests manifests;
  if (auto loaded = audit::load_manifests(command.manifest, manifests); !loaded) return std::unexpected(loaded.error());
  auto staged = audit::stage(manifests, command.manifest);
  if (!staged) return std::unexpected(staged.error());
  return std::vector{std::move(*staged)};
}

std::string table(const std::vector<audit::Notice>& notices, const UpgradeCommand& command) {
  if (command.markdown) {
    std::string text = fmt::format("| | {} | {} | |\n| --- | --- | --- | --- |\n", command.from, command.to);
    for (const auto& notice : notices) {
      text += fmt::format("| {} | {} | {} | {} |\n", notice.what, reports::one_line(notice.before, 300),
                          reports::one_line(notice.after, 300), notice.worse ? "**worse**" : "");
    }
    return text;
  }
  constexpr std::size_t kColumnMax = 60;
  std::size_t width = command.from.size();
  for (const auto& notice : notices) width = std::max(width, std::min(notice.before.size(), kColumnMax));
  std::string text = fmt::format("  {:<14} {:<{}}  {}\n", "", command.from, width, command.to);
  for (const auto& notice : notices) {
    const auto before = reports::one_line(notice.before, 300);
    const auto after = reports::one_line(notice.after, 300);
    // A long cell has a line of its own, so that nothing of it is cut.
    const std::string gap = before.size() > width ? "\n" + std::string(17 + width + 2, ' ') : std::string(width - before.size() + 2, ' ');
    text += fmt::format("{} {:<14} {}{}{}\n", notice.worse ? "!" : " ", notice.what, before, gap, after);
  }
  return text;
}

}  // namespace

int upgrade_command(const UpgradeCommand& command, Streams& streams, const std::atomic<bool>& interrupted) {
  const auto from = one_build(command.from, command);
  if (!from) return complain(streams, from.error());
  const auto to = one_build(command.to, command);
  if (!to) return complain(streams, to.error());
  const auto staged = deployments(command);
  if (!staged) return complain(streams, staged.error());
  const auto directory = find_scenarios(command.scenarios_directory);
  if (!directory) return complain(streams, directory.error());
  const auto suite = runner::Suite::load(*directory);  // for its primaries
  if (!suite) return complain(streams, suite.error());

  const bool in_process = from->in_process() && to->in_process();
  const auto world = command.world.value_or(in_process ? runner::WorldKind::kMemory : runner::WorldKind::kFuse);
  if (world == runner::WorldKind::kMemory && !in_process)
    return complain(streams, {ErrorCode::kUsage, "a memory world runs the reference and its mutants only", {}});
  const auto stage = runner::Stage::open(world);
  if (!stage) return complain(streams, stage.error());
  runner::RunOptions options;
  options.seed = command.seed;
  options.with = command.with;
  std::size_t worse = 0;
  for (const auto& deployment : *staged) {
    for (const std::string& what : deployment.left_out)
      streams.err << fmt::format("entryproof: not played: {}\n", reports::one_line(what, 300));
    const audit::UpgradeRequest request{*suite, deployment, *from, *to, world, options, interrupted};
    const auto notices = audit::play_upgrade(request, (*stage)->maker());
    if (interrupted.load()) {
      streams.err << "entryproof: interrupted" << std::endl;
      return kInterrupted;
    }
    if (!notices) return complain(streams, notices.error());
    worse += static_cast<std::size_t>(std::ranges::count(*notices, true, &audit::Notice::worse));
    streams.out << fmt::format("{}{}\n{}\n", command.markdown ? "### " : "", reports::visible_line(deployment.title),
                               table(*notices, command));
  }
  streams.out << (worse == 0 ? "nothing gets worse\n" : fmt::format("gets worse: {}\n", reports::counted(worse, "row")));
  return worse == 0 ? kConformant : kNotConformant;
}

}  // namespace entryproof::cli
