#include "simulator/cli/describe.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <chrono>
#include <vector>

#include "simulator/reports/text.h"

namespace entryproof::cli {
namespace {

using namespace runner;  // the kinds of steps

std::string time_text(Duration duration) { return reports::duration_text(std::chrono::duration<double, std::milli>(duration).count()); }

std::string actor(const std::string& who) { return who == "build" ? "the build" : who; }

std::string kubeconfig_text(const KubeconfigExpectation& expected) {
  std::string text = expected.state.empty()
                         ? "a kubeconfig"
                         : fmt::format("a kubeconfig that {}{}", expected.state == "authenticates" ? "" : "is ", expected.state);
  if (expected.path) text += " at " + *expected.path;
  if (expected.server) text += " for " + *expected.server;
  if (expected.mode) text += fmt::format(" with mode {:04o}", *expected.mode);
  if (expected.margin) text += " with a margin of " + time_text(*expected.margin);
  if (expected.whole_token) text += " with the whole token, or one of before";
  if (expected.insecure) text += *expected.insecure ? ", TLS not verified" : ", TLS verified";
  return text;
}

std::string configuration_text(const ConfigurationExpectation& expected) {
  std::vector<std::string> parts;
  if (expected.file) parts.push_back("in " + *expected.file);
  if (expected.delegate) parts.push_back("delegating to " + *expected.delegate);
  if (expected.lossless) parts.push_back("delegating to all that " + *expected.lossless + " says");
  if (expected.own_files) parts.push_back(fmt::format("{} of its own", reports::counted(*expected.own_files, "file")));
  if (expected.self_delegating) parts.emplace_back(*expected.self_delegating ? "delegating to itself" : "not delegating to itself");
  if (expected.name) parts.push_back("named " + *expected.name);
  if (expected.cni_version) parts.push_back("of cniVersion " + *expected.cni_version);
  if (!expected.no_path_below.empty()) parts.push_back(fmt::format("with no path below {}", fmt::join(expected.no_path_below, " or ")));
  return fmt::format("a configuration {}", fmt::join(parts, ", "));
}

std::string runtime_text(const RuntimeExpectation& expected) {
  std::vector<std::string> parts;
  const auto add = [&parts](const char* runtime, const std::optional<std::string>& file) {
    if (file) parts.push_back(file->empty() ? fmt::format("{} is not ready", runtime) : fmt::format("{} loads {}", runtime, *file));
  };
  add("containerd", expected.containerd);
  add("CRI-O", expected.crio);
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string exit_text(const ExitExpectation& expected) {
  if (expected.running) return fmt::format("{} {}", actor(expected.who), *expected.running ? "still runs" : "runs no more");
  if (expected.code) return fmt::format("{} ended with {}", actor(expected.who), *expected.code);
  if (expected.success) return fmt::format("{} ended {}", actor(expected.who), *expected.success ? "well" : "with an error");
  return fmt::format("{} ended", actor(expected.who));
}

std::string text_of(const StartStep& step) {
  std::string text = fmt::format("{} {}", step.wait ? "run" : "start", actor(step.what));
  if (!step.args.empty()) text += fmt::format(" with {}", fmt::join(step.args, " "));
  for (const auto& [feature, value] : step.features) text += fmt::format(", {} {}", feature, value);
  if (!step.deny.empty()) text += fmt::format(", denied {}", fmt::join(step.deny, " and "));
  if (step.within) text += fmt::format(", to end within {}", time_text(*step.within));
  return text;
}
std::string text_of(const PutStep& step) { return (step.in_place ? "write " : "put ") + step.path; }
std::string text_of(const ChmodStep& step) { return fmt::format("give {} mode {:04o}", step.path, step.mode); }
std::string text_of(const RemoveStep& step) {
  return "remove " + step.path + (step.behind ? " right behind the build's " + faults::to_string(*step.behind) : "");
}
std::string text_of(const RenameStep& step) { return fmt::format("rename {} to {}", step.from, step.to); }
std::string text_of(const LinkStep& step) { return fmt::format("link {} to {}", step.path, step.target); }
std::string text_of(const RotateStep& step) {
  using What = RotateStep::What;
  const auto what = [&] {
    switch (step.what) {
      case What::kToken:
        return "rotate the token";
      case What::kCa:
        return "rotate the CA";
      case What::kBoth:
        return "rotate the token and the CA";
      case What::kSigningKey:
        return "rotate the signing key";
      case What::kPod:
        return "replace the Pod";
      case What::kCaAdd:
        return "add a CA to the bundle";
      case What::kCaSwitch:
        return "serve by the newest CA";
      case What::kCaDrop:
        return "drop the old CAs";
    }
    return "?";
  };
  std::string text = std::string(what()) + (step.torn ? ", and again between two reads of the build" : "");
  if (step.times > 1) text += fmt::format(", {} times, one each {}", step.times, time_text(step.every));
  return text;
}
std::string text_of(const ClusterStep& step) {
  std::vector<std::string> parts;
  if (step.api) parts.push_back("the API server is " + *step.api);
  if (step.certificate) parts.push_back("its certificate is " + *step.certificate);
  if (step.drop_old_keys) parts.emplace_back("old signing keys count no more");
  if (step.delete_pod) parts.emplace_back("the Pod is deleted");
  if (step.rights) parts.emplace_back(*step.rights ? "the account may read Pods" : "the account may read nothing");
  return fmt::format("cluster: {}", fmt::join(parts, ", "));
}
std::string text_of(const ProjectStep& step) {
  return fmt::format("project {} to {}", reports::counted(step.files.size(), "file"), step.path);
}
std::string text_of(const SignalStep& step) {
  if (step.at) return fmt::format("send signal {} when the build makes this operation: {}", step.number, faults::to_string(*step.at));
  return fmt::format("send signal {} to {}", step.number, actor(step.who));
}
std::string text_of(const KillStep& step) {
  return fmt::format("kill {}{}", actor(step.who), step.at_operation ? fmt::format(" at its operation {}", *step.at_operation) : "");
}
std::string text_of(const StopStep& step) { return fmt::format("stop {}, as a restart would", actor(step.who)); }
std::string text_of(const ExhaustStep& step) { return fmt::format("the node has no more of this: {}", fmt::join(step.what, ", ")); }
std::string text_of(const RemountStep& step) { return fmt::format("mount the volume at {} over itself", step.path); }
std::string text_of(const RebootStep& step) {
  return step.volatile_paths.empty() ? "boot the node" : fmt::format("boot the node; {} empty", fmt::join(step.volatile_paths, ", "));
}
std::string text_of(const PowerCutStep& step) {
  std::string lost = "all that may be lost";
  if (!step.cut.omit.empty()) lost = fmt::format("operations {}", fmt::join(step.cut.omit, ", "));
  if (step.cut.seed) lost = fmt::format("what seed {} draws", *step.cut.seed);
  const std::string emptied = step.volatile_paths.empty() ? "" : fmt::format("; {} empty", fmt::join(step.volatile_paths, ", "));
  return fmt::format("cut the power, with {} lost ({}), and boot the node{}", lost, step.cut.model, emptied);
}
std::string text_of(const RestStep& step) {
  return fmt::format("wait until the build rests{}", step.within ? ", at most " + time_text(*step.within) : "");
}
std::string text_of(const RememberStep& step) { return fmt::format("remember the node as \"{}\"", step.name); }
std::string text_of(const ClockStep& step) {
  const bool back = step.forward < Duration::zero();
  return fmt::format("set the node's clock {} by {}", back ? "back" : "forward", time_text(back ? -step.forward : step.forward));
}
std::string text_of(const FaultStep& step) {
  std::string text = step.plan.empty() ? "let every call succeed again" : "make calls fail:";
  for (const auto& rule : step.plan) text += (&rule == &step.plan.front() ? " " : "; ") + faults::to_string(rule);
  return text;
}
std::string text_of(const WaitStep& step) { return "let pass " + time_text(step.duration); }
std::string text_of(const ExpectStep& step) {
  std::vector<std::string> parts;
  if (step.kubeconfig) parts.push_back(kubeconfig_text(*step.kubeconfig));
  if (step.configuration) parts.push_back(configuration_text(*step.configuration));
  if (step.runtime) parts.push_back(runtime_text(*step.runtime));
  if (step.exit) parts.push_back(exit_text(*step.exit));
  if (step.attach) parts.emplace_back(*step.attach ? "a Pod could be attached" : "no Pod could be attached");
  for (const auto& [path, matcher] : step.tree) parts.push_back(fmt::format("{} as described", path));
  if (!step.no_secret.empty()) parts.push_back(fmt::format("no secret in the {}", fmt::join(step.no_secret, ", the ")));
  if (!step.order.empty()) parts.push_back(fmt::format("{} in this order", fmt::join(step.order, ", ")));
  for (const auto& [path, most] : step.at_most) parts.push_back(fmt::format("{} written {} times at most", path, most));
  if (step.descriptors)
    parts.push_back(fmt::format("at most {} more open files than at \"{}\"", step.descriptors->more, step.descriptors->since));
  if (step.lines) parts.push_back(fmt::format("at most {} more lines of output than at \"{}\"", step.lines->more, step.lines->since));
  if (step.quiet) parts.emplace_back("no change by the build");
  if (step.if_injected) parts.emplace_back("if a call was made to fail");
  if (step.or_failed) parts.emplace_back("or a failure of the build");
  std::string text = "expect " + step.check;
  if (step.within) text += " within " + time_text(*step.within);
  if (step.hold_for) text += " for " + time_text(*step.hold_for);
  return fmt::format("{}: {}", text, fmt::join(parts, "; "));
}

}  // namespace

std::string describe(const Step& step) {
  return std::visit([](const auto& action) { return text_of(action); }, step.action);
}

}  // namespace entryproof::cli
