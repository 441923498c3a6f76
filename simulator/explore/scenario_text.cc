#include "simulator/explore/scenario_text.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

namespace entryproof::explore {

namespace {

using Json = nlohmann::ordered_json;
using namespace runner;
using namespace std::chrono_literals;

std::string mode_text(unsigned mode) { return fmt::format("{:04o}", mode); }

std::string duration_text(Duration duration) {
  if (duration % 1h == Duration::zero()) return fmt::format("{}h", duration / 1h);
  if (duration % 1s == Duration::zero()) return fmt::format("{}s", duration / 1s);
  return fmt::format("{}ms", duration / 1ms);
}

void write_object(const Object& object, Json& json) {
  switch (object.kind) {
    case Object::Kind::kText:
    case Object::Kind::kBytes:
      json["text"] = object.content;
      break;
    case Object::Kind::kJson:
      json["json"] = Json::parse(object.content);
      break;
    case Object::Kind::kFixture:
      json["fixture"] = object.content;
      break;
    case Object::Kind::kSymlink:
      json["symlink"] = object.content;
      break;
    case Object::Kind::kDirectory:
      json["directory"] = true;
      break;
    case Object::Kind::kFifo:
      json["fifo"] = true;
      break;
    case Object::Kind::kProgram:
      json["program"] = object.content;
      break;
  }
  if (object.times != 1) json["times"] = object.times;
  if (object.mode) json["mode"] = mode_text(*object.mode);
}

Json written(const ObjectMatcher& matcher) {
  Json json = Json::object();
  if (matcher.type) json["type"] = *matcher.type;
  if (matcher.json) json["json"] = Json::parse(*matcher.json);
  if (matcher.equals) json["equals"] = *matcher.equals;
  if (matcher.contains) json["contains"] = *matcher.contains;
  if (matcher.same_as) json["same_as"] = *matcher.same_as;
  if (matcher.same_since) json["same_since"] = *matcher.same_since;
  if (matcher.unchanged_since) json["unchanged_since"] = *matcher.unchanged_since;
  if (matcher.same_names_since) json["same_names_since"] = *matcher.same_names_since;
  if (matcher.mode) json["mode"] = mode_text(*matcher.mode);
  return json;
}

Json written(const KubeconfigExpectation& expected) {
  if (!expected.server && !expected.mode) return expected.state;
  Json json = Json::object();
  if (!expected.state.empty()) json["state"] = expected.state;
  if (expected.server) json["server"] = *expected.server;
  if (expected.mode) json["mode"] = mode_text(*expected.mode);
  return json;
}

Json written(const ConfigurationExpectation& expected) {
  Json json = Json::object();
  if (expected.delegate) json["delegate"] = *expected.delegate;
  if (expected.lossless) json["lossless"] = *expected.lossless;
  if (expected.own_files) json["own_files"] = *expected.own_files;
  if (expected.self_delegating) json["self_delegating"] = *expected.self_delegating;
  return json;
}

Json written(const ExitExpectation& expected) {
  Json json = Json::object();
  if (expected.code) json["code"] = *expected.code;
  if (expected.success) json["success"] = *expected.success;
  if (expected.running) json["running"] = *expected.running;
  if (expected.not_zero) json["not_zero"] = true;
  if (expected.who != "build") json["of"] = expected.who;
  return json;
}

// --- steps: the verb first, as people write it ---

Json written(const StartStep& step) {
  Json json = Json::object();
  json[step.wait ? "run" : "start"] = step.what;
  if (!step.args.empty()) json["args"] = step.args;
  if (!step.features.empty()) json["features"] = step.features;
  for (const auto& [name, value] : step.environment) json["env"][name] = value ? Json(*value) : Json(nullptr);
  const bool usual = step.as == (step.what == "build" ? "build" : "old");
  if (!usual) json["as"] = step.as;
  if (step.within) json["within"] = duration_text(*step.within);
  return json;
}

Json written(const PutStep& step) {
  Json json = Json::object();
  json["put"] = step.path;
  write_object(step.object, json);
  if (step.in_place) json["in_place"] = true;
  return json;
}

Json written(const ChmodStep& step) { return {{"chmod", step.path}, {"mode", mode_text(step.mode)}}; }
Json written(const RemoveStep& step) {
  Json json = {{"remove", step.path}};
  if (step.behind) json["behind"] = faults::to_string(*step.behind);
  return json;
}
Json written(const RenameStep& step) { return {{"rename", step.from}, {"to", step.to}}; }
Json written(const LinkStep& step) { return {{"link", step.path}, {"target", step.target}}; }

Json written(const RotateStep& step) {
  static constexpr std::array kNames{"token", "ca", "both", "signing-key", "pod", "ca-add", "ca-switch", "ca-drop"};
  Json json = {{"rotate", kNames.at(static_cast<std::size_t>(step.what))}};
  if (step.keep_old) json["keep_old"] = true;
  if (step.expires != RotateStep::Expires::kUsual) json["expires"] = step.expires == RotateStep::Expires::kSame ? "same" : "earlier";
  if (step.torn) json["torn"] = true;
  if (step.times != 1) json["times"] = step.times;
  if (step.times != 1) json["every"] = duration_text(step.every);
  return json;
}

Json written(const SignalStep& step) {
  Json json = {{"signal", step.number == SIGINT ? "INT" : "TERM"}};
  if (step.who != "build") json["to"] = step.who;
  if (step.at) json["at"] = faults::to_string(*step.at);
  return json;
}

Json written(const KillStep& step) {
  Json json = {{"kill", step.who}};
  if (step.at_operation) json["at"] = *step.at_operation;
  return json;
}

Json written(const StopStep& step) { return {{"stop", step.who}}; }

Json written(const RebootStep& step) {
  Json json = {{"reboot", true}};
  if (!step.volatile_paths.empty()) json["volatile"] = step.volatile_paths;
  return json;
}

Json written(const PowerCutStep& step) {
  Json json = {{"power-cut", step.cut.model}};
  if (!step.cut.omit.empty()) json["omit"] = step.cut.omit;
  if (step.cut.seed) json["seed"] = *step.cut.seed;
  if (!step.volatile_paths.empty()) json["volatile"] = step.volatile_paths;
  return json;
}

Json written(const RestStep& step) {
  Json json = {{"rest", true}};
  if (step.within) json["within"] = duration_text(*step.within);
  return json;
}

Json written(const RememberStep& step) { return {{"remember", step.name}}; }

Json written(const ClockStep& step) {
  const bool back = step.forward < Duration::zero();
  Json how = Json::object();
  how[back ? "back" : "forward"] = duration_text(back ? -step.forward : step.forward);
  return {{"clock", how}};
}

Json written(const FaultStep& step) {
  Json rules = Json::array();
  for (const auto& rule : step.plan) rules.push_back(faults::to_string(rule));
  return {{"fault", rules}};
}

Json written(const WaitStep& step) { return {{"advance", duration_text(step.duration)}}; }

Json written(const ExpectStep& step) {
  Json json = Json::object();
  json["check"] = step.check;
  if (step.within) json["within"] = duration_text(*step.within);
  if (step.hold_for) json["for"] = duration_text(*step.hold_for);
  if (step.kubeconfig) json["kubeconfig"] = written(*step.kubeconfig);
  if (step.configuration) json["configuration"] = written(*step.configuration);
  if (step.exit) json["exit"] = written(*step.exit);
  if (step.attach) json["attach"] = *step.attach;
  if (step.if_published) json["if_published"] = true;
  for (const auto& [path, matcher] : step.tree) json["tree"][path] = written(matcher);
  if (step.quiet) json["quiet"] = true;
  if (!step.no_secret.empty()) json["no_secret"] = step.no_secret;
  return {{"expect", json}};
}

// What no history holds.
template <class Other>
Json written(const Other&) {
  return nullptr;
}

}  // namespace

Result<std::string> scenario_text(const Scenario& scenario) {
  Json json = Json::object();
  json["scenario"] = 1;
  json["title"] = scenario.title;
  json["why"] = scenario.why;
  if (!scenario.tags.empty()) json["tags"] = scenario.tags;
  const auto& given = scenario.given;
  if (given.cluster || !given.projected.empty() || !given.net_d.empty() || !given.bin.empty() || !given.absent.empty()) {
    return fail(ErrorCode::kUnavailable, "this scenario begins with a node that is not written down here");
  }
  if (!given.primary.empty()) json["given"]["primary"] = given.primary;
  if (given.credentials != "projected") json["given"]["credentials"] = given.credentials;
  for (const auto& [path, object] : given.tree) {
    Json made = Json::object();
    write_object(object, made);
    json["given"]["tree"][path] = made;
  }
  json["steps"] = Json::array();
  for (const auto& step : scenario.steps) {
    Json text = std::visit([](const auto& action) { return written(action); }, step.action);
    if (text.is_null()) return fail(ErrorCode::kUnavailable, "a step is of a kind that is not written down here", step.pointer);
    json["steps"].push_back(std::move(text));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace entryproof::explore
