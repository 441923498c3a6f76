#include "simulator/runner/scenario_expectations.h"

#include <nlohmann/json.hpp>
#include <string>

#include "simulator/oracles/check.h"

namespace entryproof::runner {
namespace {

KubeconfigExpectation read_kubeconfig(ScenarioReader& reader, const JsonValue& value) {
  KubeconfigExpectation expectation;
  const auto read_state = [&](const JsonValue& state) {
    return reader.one_of(state, {"valid", "current", "invalid", "absent", "authenticates", "unauthorized", "refused"});
  };
  if (value.json->is_string()) {
    expectation.state = read_state(value);
    return expectation;
  }
  JsonFields fields(reader, value);
  if (const JsonValue state = fields.optional("state")) expectation.state = read_state(state);
  expectation.server = reader.optional_string(fields.optional("server"));
  expectation.mode = reader.mode(fields.optional("mode"));
  expectation.insecure = reader.boolean(fields.optional("insecure"));
  if (const JsonValue path = fields.optional("path")) expectation.path = reader.host_path(path);
  expectation.margin = reader.duration(fields.optional("margin"));
  const JsonValue whole = fields.optional("whole_token");
  reader.only_true(whole);
  expectation.whole_token = static_cast<bool>(whole);
  fields.finish();
  if (value.json->empty()) reader.refuse(value, "nothing is expected");
  return expectation;
}

ConfigurationExpectation read_configuration(ScenarioReader& reader, const JsonValue& value) {
  ConfigurationExpectation expectation;
  JsonFields fields(reader, value);
  expectation.delegate = reader.optional_string(fields.optional("delegate"));
  if (const JsonValue path = fields.optional("lossless")) expectation.lossless = reader.path(path);
  if (const auto count = reader.number(fields.optional("own_files"), 0, 100)) expectation.own_files = static_cast<unsigned>(*count);
  expectation.self_delegating = reader.boolean(fields.optional("self_delegating"));
  expectation.name = reader.optional_string(fields.optional("name"));
  if (const JsonValue path = fields.optional("file")) expectation.file = reader.host_path(path);
  expectation.cni_version = reader.optional_string(fields.optional("cni_version"));
  for (const JsonValue& item : reader.items(fields.optional("no_path_below"), 16)) expectation.no_path_below.push_back(reader.path(item));
  fields.finish();
  if (value.json->empty()) reader.refuse(value, "nothing is expected");
  return expectation;
}

RuntimeExpectation read_runtime(ScenarioReader& reader, const JsonValue& value) {
  RuntimeExpectation expectation;
  JsonFields fields(reader, value);
  expectation.containerd = reader.optional_string(fields.optional("containerd"));
  expectation.crio = reader.optional_string(fields.optional("crio"));
  fields.finish();
  if (value.json->empty()) reader.refuse(value, "nothing is expected");
  return expectation;
}

ExitExpectation read_exit(ScenarioReader& reader, const JsonValue& value) {
  ExitExpectation expectation;
  JsonFields fields(reader, value);
  const auto code = reader.number(fields.optional("code"), 0, 255);
  if (code) expectation.code = static_cast<int>(*code);
  expectation.success = reader.boolean(fields.optional("success"));
  expectation.running = reader.boolean(fields.optional("running"));
  const JsonValue not_zero = fields.optional("not_zero");
  reader.only_true(not_zero);
  if (not_zero) expectation.not_zero = true;
  const JsonValue no_crash = fields.optional("no_crash");
  reader.only_true(no_crash);
  if (no_crash) expectation.no_crash = true;
  if (const JsonValue who = fields.optional("of")) expectation.who = reader.name(who);
  fields.finish();
  const int demands = expectation.code.has_value() + expectation.success.has_value() + expectation.running.has_value() +
                      expectation.not_zero.has_value() + expectation.no_crash.has_value();
  if (demands != 1) reader.refuse(value, "exactly one of code, success, running, not_zero and no_crash is wanted");
  return expectation;
}

GrowthExpectation read_growth(ScenarioReader& reader, const JsonValue& value) {
  JsonFields fields(reader, value);
  GrowthExpectation expectation;
  expectation.since = reader.name(fields.required("since"));
  expectation.more = reader.number(fields.required("more"), 0, 1000).value_or(0);
  fields.finish();
  return expectation;
}

ObjectMatcher read_matcher(ScenarioReader& reader, const JsonValue& value) {
  ObjectMatcher matcher;
  JsonFields fields(reader, value);
  if (const JsonValue type = fields.optional("type"))
    matcher.type = reader.one_of(type, {"file", "directory", "symlink", "fifo", "absent"});
  if (const JsonValue json = fields.optional("json")) matcher.json = reader.compact_json(json);
  if (const JsonValue yaml = fields.optional("yaml")) matcher.yaml = reader.compact_json(yaml);
  matcher.equals = reader.optional_string(fields.optional("equals"));
  matcher.contains = reader.optional_string(fields.optional("contains"));
  if (const JsonValue path = fields.optional("same_as")) matcher.same_as = reader.path(path);
  const JsonValue same = fields.optional("same_since");
  if (same) matcher.same_since = reader.name(same);
  if (same && matcher.equals) reader.refuse(same, "either \"equals\" or \"same_since\"");
  if (const JsonValue name = fields.optional("unchanged_since")) matcher.unchanged_since = reader.name(name);
  if (const JsonValue name = fields.optional("same_names_since")) matcher.same_names_since = reader.name(name);
  matcher.mode = reader.mode(fields.optional("mode"));
  matcher.uid = reader.id(fields.optional("uid"));
  matcher.target = reader.optional_string(fields.optional("target"));
  const JsonValue closed = fields.optional("closed");
  reader.only_true(closed);
  matcher.closed = static_cast<bool>(closed);
  fields.finish();
  if (value.json->is_object() && value.json->empty()) reader.refuse(value, "nothing is expected");
  if (matcher.type == "absent" && value.json->size() > 1) reader.refuse(value, "what is absent has no other properties");
  return matcher;
}

}  // namespace

ExpectStep read_expect(ScenarioReader& reader, JsonFields&, const JsonValue& value) {
  ExpectStep step;
  JsonFields fields(reader, value);
  if (const JsonValue check = fields.required("check")) {
    step.check = reader.string(check, 128);
    if (!oracles::is_check_id(step.check)) reader.refuse(check, "the id of a check is wanted: \"EXIST-01/manual-fresh-node\"");
  }
  step.within = reader.duration(fields.optional("within"));
  step.hold_for = reader.duration(fields.optional("for"));
  if (const JsonValue kubeconfig = fields.optional("kubeconfig")) step.kubeconfig = read_kubeconfig(reader, kubeconfig);
  if (const JsonValue configuration = fields.optional("configuration")) step.configuration = read_configuration(reader, configuration);
  if (const JsonValue runtime = fields.optional("runtime")) step.runtime = read_runtime(reader, runtime);
  if (const JsonValue exit = fields.optional("exit")) step.exit = read_exit(reader, exit);
  step.attach = reader.boolean(fields.optional("attach"));
  const JsonValue tree = fields.optional("tree");
  for (const auto& [path, member] : reader.members(tree, kMostPathsOfAScenario)) {
    std::string why;
    if (!is_scenario_path(path, &why)) reader.refuse(member, why);
    step.tree.emplace(path, read_matcher(reader, member));
  }
  if (tree && step.tree.empty()) reader.refuse(tree, "nothing is expected");
  const JsonValue quiet = fields.optional("quiet");
  reader.only_true(quiet);
  if (quiet) step.quiet = true;
  const JsonValue secret = fields.optional("no_secret");
  step.no_secret = reader.words(secret, {"output", "files"});
  const JsonValue order = fields.optional("order");
  for (const JsonValue& item : reader.items(order, kMostPathsOfAScenario)) step.order.push_back(reader.path(item));
  if (order && step.order.size() < 2) reader.refuse(order, "an order is one of two paths at least");
  const JsonValue gone = fields.optional("gone_in_order");
  for (const JsonValue& item : reader.items(gone, kMostPathsOfAScenario)) step.gone_in_order.push_back(reader.path(item));
  if (gone && step.gone_in_order.size() < 2) reader.refuse(gone, "an order is one of two paths at least");
  const JsonValue at_most = fields.optional("at_most");
  for (const auto& [path, member] : reader.members(at_most, kMostPathsOfAScenario)) {
    std::string why;
    if (!is_scenario_path(path, &why)) reader.refuse(member, why);
    step.at_most.emplace(path, reader.number(member, 0, 1'000'000).value_or(0));
  }
  const JsonValue descriptors = fields.optional("descriptors");
  if (descriptors) step.descriptors = read_growth(reader, descriptors);
  const JsonValue lines = fields.optional("lines");
  if (lines) step.lines = read_growth(reader, lines);
  const JsonValue or_failed = fields.optional("or_failed");
  reader.only_true(or_failed);
  step.or_failed = static_cast<bool>(or_failed);
  const JsonValue if_injected = fields.optional("if_injected");
  reader.only_true(if_injected);
  step.if_injected = static_cast<bool>(if_injected);
  const JsonValue if_published = fields.optional("if_published");
  reader.only_true(if_published);
  step.if_published = static_cast<bool>(if_published);
  fields.finish();
  if (quiet && !step.hold_for) reader.refuse(value, "\"quiet\" needs \"for\": how long");
  if (!step.kubeconfig && !step.configuration && !step.runtime && !step.exit && !step.attach && !tree && !quiet && !secret && !order &&
      !gone && !at_most && !descriptors && !lines) {
    reader.refuse(
        value,
        "nothing is expected: one of kubeconfig, configuration, runtime, exit, attach, tree, order, gone_in_order, at_most, descriptors, "
        "lines, no_secret and quiet is wanted");
  }
  return step;
}

}  // namespace entryproof::runner
