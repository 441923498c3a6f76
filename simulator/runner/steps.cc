#include "simulator/runner/steps.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "simulator/runner/demands.h"
#include "simulator/runner/features.h"

namespace entryproof::runner {

namespace {

using namespace std::chrono_literals;

constexpr Duration kRestWithin = 10s;
constexpr Duration kStopGrace = 1s;
constexpr Duration kRunWithin = 10s;

}  // namespace

Result<> Steps::perform(const Step& step) {
  return std::visit([this](const auto& action) { return perform(action); }, step.action);
}

Result<> Steps::perform(const StartStep& step) {
  Start start;
  if (step.what == "build") {
    start.build = play_.request.build;
    start.actor = node::Actor::kBuild;
    play_.manual = std::ranges::any_of(step.args, [](const auto& argument) {
      return argument.starts_with("--multus-conf-file=") && argument != "--multus-conf-file=auto";
    });
    start.with = play_.request.options.with;
    play_.judged = true;
  } else if (step.what == "plugin") {
    start.node_program = play_.site.bin_dir + "/" + play_.site.plugin;
    start.actor = node::Actor::kStage;
  } else {
    auto stage = resolve_build(step.what);
    if (!stage) return std::unexpected(stage.error());
    start.build = std::move(stage->front());
    start.actor = node::Actor::kStage;
  }
  start.arguments = step.args;
  for (const auto& [feature, value] : step.features) {
    const auto words = in_words_of_the_build(feature, value);
    if (!words) return std::unexpected(words.error());
    start.arguments.insert(start.arguments.begin(), words->begin(), words->end());
  }
  start.environment = environment(play_.request.scenario.given, step.environment);
  if (start.actor == node::Actor::kBuild) {
    const auto& extra = play_.request.options.extra_args;
    start.arguments.insert(start.arguments.end(), extra.begin(), extra.end());
    for (const auto& [name, value] : play_.request.options.extra_environment) start.environment[name] = value;
  }
  start.umask = play_.request.scenario.given.umask;
  start.denied = step.deny;
  start.can_be_denied =
      std::ranges::any_of(play_.request.scenario.steps, [](const Step& each) { return std::holds_alternative<ExhaustStep>(each.action); });
  play_.settled_start = true;
  if (!play_.started.insert(step.as).second && start.actor == node::Actor::kBuild)
    play_.past_outputs.push_back(play_.world->life(step.as).output);
  if (start.actor == node::Actor::kBuild) play_.builds.insert(step.as);
  if (auto done = play_.world->start(step.as, start); !done) return done;
  if (start.actor == node::Actor::kBuild) play_.course.build_starts();
  if (step.wait) play_.pass(step.within.value_or(kRunWithin), [&] { return !play_.running(step.as); });
  return {};
}

Result<std::vector<std::string>> Steps::in_words_of_the_build(const std::string& feature, const std::string& value) const {
  const auto told = play_.request.options.features.find(feature);
  if (told != play_.request.options.features.end()) return spelled(told->second, value);
  if (play_.request.build.in_process()) return spelled(reference_spelling(feature), value);
  return fail(ErrorCode::kUnavailable, "nobody said how the build spells \"" + feature + "\": --feature '" + feature + "=--FLAG={}'");
}

Result<> Steps::perform(const PutStep& step) {
  auto changes = put(play_.site.to_node(step.path), step.object, play_.request.suite, step.in_place);
  if (!changes) return std::unexpected(changes.error());
  return change(*changes);
}

Result<> Steps::perform(const ChmodStep& step) {
  const auto tree = play_.world->look();
  if (!tree) return std::unexpected(tree.error());
  const auto inode = node::View().resolve(*tree, {}, play_.site.to_node(step.path));
  const auto bytes = inode ? tree->read_all(*inode) : node::refuse(ENOENT);
  if (!bytes) return fail(ErrorCode::kInvalidInput, "there is no file to give another mode", step.path);
  Object same;
  same.content = *bytes;
  same.mode = step.mode;
  return perform(PutStep{step.path, same});
}

Result<> Steps::perform(const RemoveStep& step) {
  const std::vector changes{cluster::Change::remove(relative(step.path))};
  if (!step.behind) return change(changes);
  play_.settled_start = false;
  return play_.world->arm_change(*step.behind, changes, [] {});
}

Result<> Steps::perform(const RenameStep& step) { return change({cluster::Change::rename(relative(step.from), relative(step.to))}); }

Result<> Steps::perform(const LinkStep& step) { return change({cluster::Change::symlink(relative(step.path), step.target)}); }

Result<> Steps::perform(const RotateStep& step) {
  play_.settled_start = false;
  for (unsigned turn = 0; turn < step.times; ++turn) {
    const auto changes = play_.course.rotate(step);
    if (!changes) return std::unexpected(changes.error());
    if (auto done = change(*changes); !done) return done;
    const bool cancelled = play_.pass(step.every, [] { return false; }) == Woke::kCancelled;
    if (cancelled || play_.out_of_time() || !play_.obstacle.empty()) break;
  }
  return {};
}

Result<> Steps::perform(const ClusterStep& step) {
  play_.course.hear();
  play_.settled_start = false;
  play_.course.credentials().operate(step);
  play_.world->cluster_changed();
  return {};
}

Result<> Steps::perform(const ProjectStep& step) {
  auto changes = play_.volumes.update(play_.site.to_node(step.path), step.files, play_.request.suite, play_.course.wall_ns());
  if (!changes) return std::unexpected(changes.error());
  return change(*changes);
}

Result<> Steps::perform(const SignalStep& step) {
  return step.at ? play_.world->arm_signal(*step.at, step.number) : play_.world->signal(step.who, step.number);
}

Result<> Steps::perform(const KillStep& step) {
  if (step.at_operation) return play_.world->arm_kill(*step.at_operation);
  return play_.world->kill(step.who);
}

Result<> Steps::perform(const StopStep& step) {
  play_.rest(kRestWithin);
  if (!play_.running(step.who)) return {};
  if (auto done = play_.world->signal(step.who, SIGTERM); !done) return done;
  play_.pass(kStopGrace, [&] { return !play_.running(step.who); });
  return play_.running(step.who) ? play_.world->kill(step.who) : Result<>();
}

Result<> Steps::perform(const ExhaustStep& step) { return play_.world->deny(step.what); }

Result<> Steps::perform(const RemountStep& step) {
  const auto volume = std::ranges::find(play_.site.volumes, step.path, &Volume::inside);
  if (volume == play_.site.volumes.end()) return fail(ErrorCode::kInvalidInput, "no volume is mounted there", step.path);
  const auto tree = play_.world->look();
  if (!tree) return std::unexpected(tree.error());
  const std::string at = volume->node.substr(1);
  const std::string before = at + ".before";
  std::vector changes{cluster::Change::remove(before), cluster::Change::rename(at, before)};
  for (auto& change : copied(*tree, volume->node)) changes.push_back(std::move(change));
  if (auto done = this->change(changes); !done) return done;
  return play_.world->remount(step.path);
}

Result<> Steps::perform(const RebootStep& step) {
  if (auto done = play_.kill_all(); !done) return done;
  return play_.boot(step.volatile_paths);
}

Result<> Steps::perform(const PowerCutStep& step) { return play_.cut_power(step.cut, step.volatile_paths); }

Result<> Steps::perform(const RestStep& step) {
  play_.rest(step.within.value_or(kRestWithin));
  return {};
}

Result<> Steps::perform(const RememberStep& step) {
  auto tree = play_.world->look();
  if (!tree) return std::unexpected(tree.error());
  play_.remembered.insert_or_assign(step.name, std::move(*tree));
  if (const auto open = play_.open_descriptors()) play_.remembered_descriptors.insert_or_assign(step.name, *open);
  play_.remembered_lines.insert_or_assign(step.name, count_lines(play_.outputs_of_builds()));
  return {};
}

Result<> Steps::perform(const ClockStep& step) {
  play_.settled_start = false;
  return play_.course.set_clock_forward(step.forward);
}

Result<> Steps::perform(const FaultStep& step) {
  play_.world->clear_faults(faults::Owner::kScenario);
  return play_.world->add_faults(step.plan, faults::Owner::kScenario);
}

Result<> Steps::perform(const WaitStep& step) {
  play_.pass(step.duration, [] { return false; });
  return {};
}

std::string Steps::relative(const std::string& path) const { return play_.site.to_node(path).substr(1); }

Result<> Steps::change(const std::vector<cluster::Change>& changes) {
  play_.settled_start = false;  // from here on a build may be waiting for its next look at the world
  return play_.world->change(changes);
}

}  // namespace entryproof::runner
