#include "simulator/explore/tale_demands.h"

#include <chrono>
#include <utility>

#include "simulator/explore/tale_words.h"

namespace entryproof::explore {

using namespace std::chrono_literals;
using runner::ExpectStep;
using runner::ObjectMatcher;

namespace {

ExpectStep expect(std::string check, std::optional<Duration> within) {
  ExpectStep step;
  step.check = std::move(check);
  step.within = within;
  return step;
}

}  // namespace

void About::started(bool manual, std::string_view after, bool other_credentials) {
  kubeconfig = after == "kill"        ? "EXIST-01/after-kill"
               : after == "boot"      ? "EXIST-05/after-reboot"
               : after == "power-cut" ? "ATOM-22/survives-a-power-cut"
               : after == "restart"   ? "EXIST-01/after-restart"
               : manual               ? "EXIST-01/manual-fresh-node"
                                      : "EXIST-01/auto-fresh-node";
  if (other_credentials && after == "restart") kubeconfig = manual ? "FRESH-08/current-after-start" : "FRESH-06/current-after-start";
  plugin = "LIFE-59/installed";
  names = after == "kill" || after == "power-cut" ? "ATOM-22/own-temporaries-swept" : "UPGRADE-M8/no-litter";
}

void About::configuration_started(bool list, bool manual) {
  configuration = manual ? "MANUAL-50/published" : "CONF-30/delegates-to-primary";
  if (!manual && list_ && *list_ != list) {
    own_files = list ? "CONF-31/after-upgrade-of-the-primary" : "CONF-31/after-downgrade-of-the-primary";
  }
  if (!manual) list_ = list;
}

void About::rotated(bool manual, runner::RotateStep::What what, bool torn) {
  using What = runner::RotateStep::What;
  const bool of_ca = what == What::kCa || what == What::kCaAdd || what == What::kCaSwitch || what == What::kCaDrop;
  kubeconfig = torn                  ? "FRESH-14/one-generation"
               : of_ca               ? "FRESH-13/rotation"
               : what == What::kBoth ? "FRESH-13/both"
               : manual              ? "FRESH-08/rotation"
                                     : "FRESH-06/rotation";
}

std::vector<ExpectStep> demands_of(const State& state) {
  std::vector<ExpectStep> demands;
  auto kubeconfig = expect(state.about.kubeconfig, state.within);
  kubeconfig.kubeconfig = kubeconfig_that_is(state.brought ? "valid" : "current");
  demands.push_back(kubeconfig);
  demands.push_back(expect_no_false_success());

  auto configuration = expect(state.about.configuration, state.within);
  if (state.manual) {
    ObjectMatcher copy;
    copy.json = state.manual_text;
    configuration.tree.emplace(std::string(kManualCopy), copy);
  } else {
    configuration.configuration.emplace();
    configuration.configuration->self_delegating = false;
    if (!state.delegate.empty()) configuration.configuration->delegate = state.delegate;
  }
  demands.push_back(configuration);
  if (!state.primary.empty()) {
    auto complete = expect("CONF-35/delegate-complete", state.within);
    complete.configuration.emplace();
    complete.configuration->lossless = state.primary;
    demands.push_back(complete);
  }
  if (state.one_own_file) {
    auto one = expect(state.about.own_files, state.within);
    one.configuration.emplace();
    one.configuration->own_files = 1;
    demands.push_back(one);
  }

  auto plugin = expect(state.about.plugin, state.within);
  ObjectMatcher image;
  image.same_as = std::string(kImagePlugin);
  plugin.tree.emplace(std::string(kPlugin), image);
  demands.push_back(plugin);

  if (!state.server.empty()) {
    auto server = expect(state.server_check, state.within);
    server.kubeconfig = kubeconfig_that_is("valid");
    server.kubeconfig->server = state.server;
    demands.push_back(server);
  }
  if (state.own_modes) {
    auto mode = expect(state.about.kubeconfig == "EXIST-04/mode" ? "EXIST-04/mode" : "SECURE-53/inherited-mode", state.within);
    mode.kubeconfig = kubeconfig_that_is("valid");
    mode.kubeconfig->mode = 0600;
    demands.push_back(mode);
    auto directory = expect("SECURE-53/directory-mode", state.within);
    ObjectMatcher closed;
    closed.mode = 0700;
    directory.tree.emplace(std::string(kOwnDirectory), closed);
    demands.push_back(directory);
    auto shared = expect("ORDER-44/directories-stay", state.within);
    ObjectMatcher open;
    open.mode = 0755;
    shared.tree.emplace(std::string(kNetDirectory), open);
    shared.tree.emplace(std::string(kPlugin.substr(0, kPlugin.rfind('/'))), open);
    demands.push_back(shared);
  }
  if (!state.foreign.empty()) {
    auto foreign = expect("ORDER-43/foreign-files", std::nullopt);
    for (const auto& [path, text] : state.foreign) {
      ObjectMatcher same;
      same.equals = text;
      foreign.tree.emplace(path, same);
    }
    demands.push_back(foreign);
  }

  // What follows is about a build that has nothing left to do.
  auto quiet = expect("ATOM-26/quiet-when-idle", std::nullopt);
  quiet.quiet = true;
  quiet.hold_for = 2s;
  demands.push_back(quiet);
  if (!state.names_since.empty()) {
    auto names = expect(state.about.names, std::nullopt);
    ObjectMatcher same;
    same.same_names_since = state.names_since;
    for (const auto path : {kNetDirectory, kOwnDirectory, std::string_view("/host/opt/cni/bin")})
      names.tree.emplace(std::string(path), same);
    demands.push_back(names);
  }
  return demands;
}

ExpectStep expect_held(const Held& held, const std::string& calm, bool manual, const std::string& delegate) {
  auto step = expect(held.check, std::nullopt);
  step.hold_for = 2s;
  step.kubeconfig = kubeconfig_that_is("valid");
  step.attach = true;
  if (!manual && !delegate.empty()) {
    step.configuration.emplace();
    step.configuration->delegate = delegate;
  }
  ObjectMatcher same;
  same.unchanged_since = calm;
  if (held.same_kubeconfig) step.tree.emplace(std::string(kKubeconfigFile), same);
  if (held.same_manual) step.tree.emplace(std::string(kManualCopy), same);
  if (held.same_plugin) step.tree.emplace(std::string(kPlugin), same);
  if (held.running) {
    step.exit.emplace();
    step.exit->running = true;
  }
  return step;
}

runner::KubeconfigExpectation kubeconfig_that_is(std::string state) {
  runner::KubeconfigExpectation expected;
  expected.state = std::move(state);
  return expected;
}

ExpectStep expect_running(std::string check, bool running, std::optional<Duration> within) {
  auto step = expect(std::move(check), within);
  step.exit.emplace();
  step.exit->running = running;
  return step;
}

ExpectStep expect_no_false_success() {
  auto step = expect("LIFE-57/failure-is-not-zero", std::nullopt);
  step.exit.emplace();
  step.exit->not_zero = true;
  return step;
}

ExpectStep expect_success(std::string check) {
  auto step = expect(std::move(check), std::nullopt);
  step.exit.emplace();
  step.exit->code = 0;
  return step;
}

ExpectStep expect_failure(std::string check, Duration within) {
  auto step = expect(std::move(check), within);
  step.exit.emplace();
  step.exit->success = false;
  return step;
}

ExpectStep expect_no_dangling_name() {
  auto step = expect("ORDER-37/order-in-a-crash", std::nullopt);
  step.kubeconfig = kubeconfig_that_is("valid");
  step.if_published = true;
  return step;
}

ExpectStep expect_no_secret() {
  auto step = expect("SECURE-54/nowhere", std::nullopt);
  step.no_secret = {"output", "files"};
  return step;
}

}  // namespace entryproof::explore
