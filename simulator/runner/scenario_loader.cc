#include "simulator/runner/scenario_loader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "simulator/base/digest.h"
#include "simulator/base/file.h"
#include "simulator/oracles/check.h"
#include "simulator/runner/scenario_reader.h"
#include "simulator/runner/scenario_vary.h"

namespace entryproof::runner {
namespace {

constexpr std::size_t kMostSteps = 200;
constexpr std::size_t kMostArguments = 100;
constexpr std::size_t kMostPaths = 500;
constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::uint64_t kLeastDisk = 4096;
constexpr std::uint64_t kMostDisk = std::uint64_t{1} << 30;
constexpr std::uint64_t kMostId = 65'535;

using Environment = std::map<std::string, std::optional<std::string>>;

// --- parts that several places share ---

std::vector<std::string> read_arguments(ScenarioReader& reader, const JsonValue& value) {
  std::vector<std::string> arguments;
  for (const JsonValue& item : reader.items(value, kMostArguments)) {
    arguments.push_back(reader.string(item));
    if (arguments.back().find('\0') != std::string::npos) reader.refuse(item, "an argument cannot hold a NUL");
  }
  return arguments;
}

// A list of some of these words, each once at most.
std::set<std::string> read_words(ScenarioReader& reader, const JsonValue& value, std::initializer_list<std::string_view> known) {
  std::set<std::string> words;
  for (const JsonValue& item : reader.items(value, known.size())) {
    if (!words.insert(reader.one_of(item, known)).second) reader.refuse(item, "this word is there already");
  }
  if (value && words.empty()) reader.refuse(value, "nothing is named");
  return words;
}

bool is_environment_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

Environment read_environment(ScenarioReader& reader, const JsonValue& value) {
  Environment environment;
  for (const auto& [name, member] : reader.members(value, kMostArguments)) {
    if (!is_environment_name(name)) reader.refuse(member, "not the name of an environment variable");
    if (member.json->is_null()) {
      environment.emplace(name, std::nullopt);
    } else {
      environment.emplace(name, reader.string(member));
      if (environment[name]->find('\0') != std::string::npos) reader.refuse(member, "a variable cannot hold a NUL");
    }
  }
  return environment;
}

std::optional<std::uint32_t> read_id(ScenarioReader& reader, const JsonValue& value) {
  const auto number = reader.number(value, 0, kMostId);
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

// An object to be made, out of the keys of `fields`; `at` is where to complain.
Object read_object(ScenarioReader& reader, JsonFields& fields, const JsonValue& at) {
  struct Form {
    const char* key;
    Object::Kind kind;
  };
  static constexpr std::array<Form, 7> kForms{{{"text", Object::Kind::kText},
                                               {"bytes", Object::Kind::kBytes},
                                               {"json", Object::Kind::kJson},
                                               {"fixture", Object::Kind::kFixture},
                                               {"directory", Object::Kind::kDirectory},
                                               {"symlink", Object::Kind::kSymlink},
                                               {"fifo", Object::Kind::kFifo}}};
  Object object;
  int forms = 0;
  for (const Form& form : kForms) {
    const JsonValue value = fields.optional(form.key);
    if (!value) continue;
    ++forms;
    object.kind = form.kind;
    switch (form.kind) {
      case Object::Kind::kText:
        object.content = reader.string(value, kMostBytes);
        break;
      case Object::Kind::kBytes: {
        const auto bytes = base64_decode(reader.string(value, kMostBytes));
        if (!bytes) reader.refuse(value, "base64 is wanted: the standard alphabet, padded, one line");
        object.content = bytes.value_or("");
        break;
      }
      case Object::Kind::kJson:
        object.content = reader.compact_json(value);
        break;
      case Object::Kind::kFixture:
        object.content = reader.name(value);
        break;
      case Object::Kind::kSymlink:
        object.content = reader.line(value, 1024);
        break;
      case Object::Kind::kDirectory:
      case Object::Kind::kFifo:
        reader.only_true(value);
        break;
    }
  }
  if (forms != 1) reader.refuse(at, "exactly one of text, bytes, json, fixture, directory, symlink and fifo is wanted");
  object.mode = reader.mode(fields.optional("mode"));
  object.uid = read_id(reader, fields.optional("uid"));
  object.gid = read_id(reader, fields.optional("gid"));
  return object;
}

// The files of a ConfigMap volume, by name.
std::map<std::string, Object> read_files(ScenarioReader& reader, const JsonValue& value) {
  std::map<std::string, Object> files;
  for (const auto& [name, member] : reader.members(value, kMostPaths)) {
    if (name.empty() || name.starts_with("..") || name.find('/') != std::string::npos || name.size() > 253) {
      reader.refuse(member, "the name of a file is wanted, without \"/\", and not beginning with \"..\"");
    }
    JsonFields fields(reader, member);
    Object object = read_object(reader, fields, member);
    if (object.kind == Object::Kind::kDirectory || object.kind == Object::Kind::kSymlink || object.kind == Object::Kind::kFifo ||
        object.mode || object.uid || object.gid) {
      reader.refuse(member, "kubelet projects files, by their content alone");
    }
    files.emplace(name, std::move(object));
    fields.finish();
  }
  return files;
}

std::string read_certificate(ScenarioReader& reader, const JsonValue& value) {
  return reader.one_of(value, {"right", "expired", "not-yet-valid", "wrong-name", "foreign"});
}

// --- given ---

ClusterGiven read_cluster_given(ScenarioReader& reader, const JsonValue& value) {
  ClusterGiven given;
  JsonFields fields(reader, value);
  if (const JsonValue life = fields.optional("token_life")) {
    given.token_life = reader.duration(life).value_or(given.token_life);
    if (given.token_life % std::chrono::seconds(1) != Duration::zero() || given.token_life < std::chrono::seconds(1)) {
      reader.refuse(life, "a token lives whole seconds");
    }
  }
  if (const JsonValue tokens = fields.optional("tokens")) given.tokens = reader.one_of(tokens, {"nominal", "stretched", "legacy"});
  given.refresh = reader.boolean(fields.optional("refresh")).value_or(true);
  given.bundle = reader.boolean(fields.optional("bundle")).value_or(false);
  given.rsa = reader.boolean(fields.optional("rsa")).value_or(false);
  given.intermediate = reader.boolean(fields.optional("intermediate")).value_or(false);
  if (const JsonValue certificate = fields.optional("certificate")) given.certificate = read_certificate(reader, certificate);
  fields.finish();
  return given;
}

Given read_given(ScenarioReader& reader, const JsonValue& value) {
  Given given;
  JsonFields fields(reader, value);
  given.primary = reader.name(fields.optional("primary"));
  if (const JsonValue credentials = fields.optional("credentials")) {
    given.credentials = reader.one_of(credentials, {"projected", "hostpath", "subpath", "none"});
  }
  given.token_suffix = reader.string(fields.optional("token_suffix"), 16);
  given.environment = read_environment(reader, fields.optional("environment"));
  for (const auto& [path, member] : reader.members(fields.optional("tree"), kMostPaths)) {
    std::string why;
    if (!is_scenario_path(path, &why)) reader.refuse(member, why);
    JsonFields object(reader, member);
    given.tree.emplace(path, read_object(reader, object, member));
    object.finish();
  }
  if (const JsonValue cluster = fields.optional("cluster")) given.cluster = read_cluster_given(reader, cluster);
  for (const auto& [path, member] : reader.members(fields.optional("projected"), 16)) {
    std::string why;
    if (!is_scenario_path(path, &why)) reader.refuse(member, why);
    given.projected.emplace(path, read_files(reader, member));
  }
  for (const JsonValue& item : reader.items(fields.optional("absent"), kMostPaths)) given.absent.push_back(reader.path(item));
  if (const auto umask = reader.mode(fields.optional("umask"))) given.umask = *umask;
  given.read_only_root = reader.boolean(fields.optional("read_only_root")).value_or(false);
  given.disk_bytes = reader.number(fields.optional("disk_bytes"), kLeastDisk, kMostDisk);
  fields.finish();
  return given;
}

// --- expectations ---

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
  if (const JsonValue who = fields.optional("of")) expectation.who = reader.name(who);
  fields.finish();
  const int demands =
      expectation.code.has_value() + expectation.success.has_value() + expectation.running.has_value() + expectation.not_zero.has_value();
  if (demands != 1) reader.refuse(value, "exactly one of code, success, running and not_zero is wanted");
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
  matcher.uid = read_id(reader, fields.optional("uid"));
  matcher.target = reader.optional_string(fields.optional("target"));
  const JsonValue closed = fields.optional("closed");
  reader.only_true(closed);
  matcher.closed = static_cast<bool>(closed);
  fields.finish();
  if (value.json->is_object() && value.json->empty()) reader.refuse(value, "nothing is expected");
  if (matcher.type == "absent" && value.json->size() > 1) reader.refuse(value, "what is absent has no other properties");
  return matcher;
}

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
  for (const auto& [path, member] : reader.members(tree, kMostPaths)) {
    std::string why;
    if (!is_scenario_path(path, &why)) reader.refuse(member, why);
    step.tree.emplace(path, read_matcher(reader, member));
  }
  if (tree && step.tree.empty()) reader.refuse(tree, "nothing is expected");
  const JsonValue quiet = fields.optional("quiet");
  reader.only_true(quiet);
  if (quiet) step.quiet = true;
  const JsonValue secret = fields.optional("no_secret");
  step.no_secret = read_words(reader, secret, {"output", "files"});
  fields.finish();
  if (quiet && !step.hold_for) reader.refuse(value, "\"quiet\" needs \"for\": how long");
  if (!step.kubeconfig && !step.configuration && !step.runtime && !step.exit && !step.attach && !tree && !quiet && !secret) {
    reader.refuse(value,
                  "nothing is expected: one of kubeconfig, configuration, runtime, exit, attach, tree, no_secret and quiet is wanted");
  }
  return step;
}

// --- steps: one function per verb; `value` is the verb's own value, `fields` the step ---

bool is_program(std::string_view text) {
  constexpr std::string_view kPredecessor = "predecessor:";
  if (text == "build") return true;
  if (!text.starts_with(kPredecessor)) return false;
  const std::string_view version = text.substr(kPredecessor.size());
  return !version.empty() && version.size() <= 16 && version.find_first_not_of("0123456789.") == std::string_view::npos;
}

StartStep read_start(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  StartStep step;
  step.what = reader.string(value, 64);
  if (!is_program(step.what)) reader.refuse(value, "\"build\" or \"predecessor:VERSION\" is wanted");
  step.args = read_arguments(reader, fields.optional("args"));
  step.environment = read_environment(reader, fields.optional("env"));
  step.deny = read_words(reader, fields.optional("deny"), {"inotify", "network"});
  const JsonValue as = fields.optional("as");
  step.as = as ? reader.name(as) : std::string(step.what == "build" ? "build" : "old");
  return step;
}

StartStep read_run(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  StartStep step = read_start(reader, fields, value);
  step.wait = true;
  step.within = reader.duration(fields.optional("within"));
  return step;
}

PutStep read_put(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string path = reader.path(value);
  return {std::move(path), read_object(reader, fields, value)};
}

RemoveStep read_remove(ScenarioReader& reader, JsonFields&, const JsonValue& value) { return {reader.path(value)}; }

RenameStep read_rename(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string from = reader.path(value);
  return {std::move(from), reader.path(fields.required("to"))};
}

LinkStep read_link(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string path = reader.path(value);
  return {std::move(path), reader.line(fields.required("target"), 1024)};
}

RotateStep read_rotate(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  using What = RotateStep::What;
  constexpr std::array<std::pair<std::string_view, What>, 8> kWhat{{{"token", What::kToken},
                                                                    {"ca", What::kCa},
                                                                    {"both", What::kBoth},
                                                                    {"signing-key", What::kSigningKey},
                                                                    {"pod", What::kPod},
                                                                    {"ca-add", What::kCaAdd},
                                                                    {"ca-switch", What::kCaSwitch},
                                                                    {"ca-drop", What::kCaDrop}}};
  const std::string name = reader.one_of(value, {"token", "ca", "both", "signing-key", "pod", "ca-add", "ca-switch", "ca-drop"});
  RotateStep step;
  for (const auto& [known, what] : kWhat) {
    if (known == name) step.what = what;
  }
  if (const JsonValue keep = fields.optional("keep_old")) {
    step.keep_old = reader.boolean(keep).value_or(false);
    if (step.what != What::kSigningKey) reader.refuse(keep, "only a signing key can be kept beside the new one; a CA: \"ca-add\"");
  }
  if (const JsonValue expires = fields.optional("expires")) {
    const std::string when = reader.one_of(expires, {"same", "earlier"});
    step.expires = when == "same" ? RotateStep::Expires::kSame : RotateStep::Expires::kEarlier;
    if (name.starts_with("ca")) reader.refuse(expires, "no new token is issued here");
  }
  step.torn = reader.boolean(fields.optional("torn")).value_or(false);
  return step;
}

ClusterStep read_cluster(ScenarioReader& reader, JsonFields&, const JsonValue& value) {
  ClusterStep step;
  JsonFields fields(reader, value);
  if (const JsonValue api = fields.optional("api")) step.api = reader.one_of(api, {"up", "down", "slow", "resetting"});
  const JsonValue latency = fields.optional("latency");
  step.latency = reader.duration(latency).value_or(step.latency);
  if (latency && step.api != "slow" && step.api != "resetting") reader.refuse(latency, "only an API that is slow or resetting takes time");
  if (const JsonValue certificate = fields.optional("certificate")) step.certificate = read_certificate(reader, certificate);
  const JsonValue drop = fields.optional("drop_old_keys");
  reader.only_true(drop);
  step.drop_old_keys = static_cast<bool>(drop);
  const JsonValue pod = fields.optional("delete_pod");
  reader.only_true(pod);
  step.delete_pod = static_cast<bool>(pod);
  step.rights = reader.boolean(fields.optional("rights"));
  fields.finish();
  if (value.json->empty()) reader.refuse(value, "nothing happens");
  return step;
}

ProjectStep read_project(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string path = reader.path(value);
  return {std::move(path), read_files(reader, fields.required("files"))};
}

SignalStep read_signal(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  SignalStep step;
  const std::string name = reader.one_of(value, {"TERM", "INT", "HUP", "USR1", "USR2", "STOP", "CONT"});
  constexpr std::array<std::pair<std::string_view, int>, 7> kNumbers{
      {{"TERM", SIGTERM}, {"INT", SIGINT}, {"HUP", SIGHUP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"STOP", SIGSTOP}, {"CONT", SIGCONT}}};
  for (const auto& [known, number] : kNumbers) {
    if (known == name) step.number = number;
  }
  if (const JsonValue to = fields.optional("to")) step.who = reader.name(to);
  return step;
}

KillStep read_kill(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string who = reader.name(value);
  return {std::move(who), reader.number(fields.optional("at"), 1, 1'000'000)};
}

StopStep read_stop(ScenarioReader& reader, JsonFields&, const JsonValue& value) { return {reader.name(value)}; }

RebootStep read_reboot(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  reader.only_true(value);
  RebootStep step;
  for (const JsonValue& item : reader.items(fields.optional("volatile"), kMostPaths)) step.volatile_paths.push_back(reader.path(item));
  return step;
}

RestStep read_rest(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  reader.only_true(value);
  return {reader.duration(fields.optional("within"))};
}

RememberStep read_remember(ScenarioReader& reader, JsonFields&, const JsonValue& value) { return {reader.name(value)}; }

ClockStep read_clock(ScenarioReader& reader, JsonFields&, const JsonValue& value) {
  JsonFields fields(reader, value);
  const JsonValue forward = fields.optional("forward");
  const JsonValue back = fields.optional("back");
  fields.finish();
  if (static_cast<bool>(forward) == static_cast<bool>(back)) reader.refuse(value, "either \"forward\" or \"back\" is wanted");
  return {reader.duration(forward).value_or(Duration{}) - reader.duration(back).value_or(Duration{})};
}

WaitStep read_advance(ScenarioReader& reader, JsonFields&, const JsonValue& value) { return {reader.duration(value).value_or(Duration{})}; }

using Action = decltype(Step::action);

template <auto Read>
Action read_as(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  return Read(reader, fields, value);
}

struct Verb {
  const char* name;
  Action (*read)(ScenarioReader&, JsonFields&, const JsonValue&);
};

constexpr std::array<Verb, 18> kVerbs{{{"start", read_as<read_start>},
                                       {"run", read_as<read_run>},
                                       {"put", read_as<read_put>},
                                       {"remove", read_as<read_remove>},
                                       {"rename", read_as<read_rename>},
                                       {"link", read_as<read_link>},
                                       {"rotate", read_as<read_rotate>},
                                       {"cluster", read_as<read_cluster>},
                                       {"project", read_as<read_project>},
                                       {"signal", read_as<read_signal>},
                                       {"kill", read_as<read_kill>},
                                       {"stop", read_as<read_stop>},
                                       {"reboot", read_as<read_reboot>},
                                       {"rest", read_as<read_rest>},
                                       {"remember", read_as<read_remember>},
                                       {"clock", read_as<read_clock>},
                                       {"advance", read_as<read_advance>},
                                       {"expect", read_as<read_expect>}}};

Step read_step(ScenarioReader& reader, const JsonValue& value) {
  Step step;
  step.pointer = value.pointer;
  step.line = reader.document().line_of(value.pointer);
  const Verb* verb = nullptr;
  int verbs = 0;
  for (const Verb& known : kVerbs) {
    if (!value.json->is_object() || !value.json->contains(known.name)) continue;
    verb = &known;
    ++verbs;
  }
  if (verbs != 1) {
    std::vector<std::string_view> names;
    for (const Verb& known : kVerbs) names.emplace_back(known.name);
    reader.refuse(value, fmt::format("a step has exactly one verb: {}", fmt::join(names, ", ")));
    return step;
  }
  JsonFields fields(reader, value);
  const JsonValue own = fields.required(verb->name);
  step.action = verb->read(reader, fields, own);
  fields.finish();
  return step;
}

// --- the whole ---

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 32 && tag.front() != '-' &&
         tag.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

Scenario read_scenario(ScenarioReader& reader, const nlohmann::json& json) {
  Scenario scenario;
  JsonFields fields(reader, {&json, ""});
  reader.string(fields.optional("$schema"));  // for editors
  if (const JsonValue version = fields.required("scenario"); version && *version.json != nlohmann::json(1)) {
    reader.refuse(version, "this program reads scenarios of format 1");
  }
  scenario.title = reader.line(fields.required("title"), 120);
  scenario.why = reader.line(fields.required("why"), 500);
  for (const JsonValue& item : reader.items(fields.optional("tags"), 16)) {
    const std::string tag = reader.string(item, 32);
    if (!is_tag(tag)) reader.refuse(item, "a tag is made of lower-case letters, digits and \"-\"");
    if (!scenario.tags.insert(tag).second) reader.refuse(item, "this tag is there already");
  }
  for (const JsonValue& item : reader.items(fields.optional("worlds"), 3)) {
    if (!scenario.worlds.insert(reader.one_of(item, {"memory", "fuse", "tmpfs"})).second)
      reader.refuse(item, "this world is there already");
  }
  if (const JsonValue given = fields.optional("given")) scenario.given = read_given(reader, given);
  const JsonValue steps = fields.required("steps");
  for (const JsonValue& item : reader.items(steps, kMostSteps)) scenario.steps.push_back(read_step(reader, item));
  if (steps && scenario.steps.empty()) reader.refuse(steps, "a scenario needs steps");
  for (const auto& [check, reason] : reader.members(fields.optional("except"), 16)) {
    if (!oracles::is_check_id(check)) reader.refuse(reason, "the id of a check is wanted");
    scenario.except.emplace(check, reader.line(reason, 500));
  }
  fields.finish();
  return scenario;
}

}  // namespace

std::vector<std::string> Scenario::checks() const {
  std::vector<std::string> ids;
  for (const Step& step : steps) {
    const auto* expect = std::get_if<ExpectStep>(&step.action);
    if (expect != nullptr && std::ranges::find(ids, expect->check) == ids.end()) ids.push_back(expect->check);
  }
  return ids;
}

Result<std::vector<Scenario>> parse_scenario(std::string_view text, const std::string& file, const std::string& id) {
  Result<JsonDocument> parsed = JsonDocument::parse(text, file, kScenarioLimits);
  if (!parsed) return std::unexpected(parsed.error());
  const auto document = std::make_shared<const JsonDocument>(std::move(*parsed));
  const Result<std::vector<VaryRow>> rows = expand_vary(*document);
  if (!rows) return std::unexpected(rows.error());
  std::vector<Scenario> cases;
  for (const VaryRow& row : *rows) {
    ScenarioReader reader(*document, row.key.empty() ? "" : fmt::format("row \"{}\": ", row.key));
    Scenario scenario = read_scenario(reader, *row.scenario);
    if (reader.error()) return std::unexpected(*reader.error());
    scenario.file = file;
    scenario.source = document;
    scenario.id = row.key.empty() ? id : id + "#" + row.key;
    cases.push_back(std::move(scenario));
  }
  return cases;
}

Result<std::vector<Scenario>> load_scenario(const std::string& file, const std::string& id) {
  const Result<std::string> text = read_file(file, kScenarioLimits.bytes);
  if (!text) return std::unexpected(text.error());
  return parse_scenario(*text, file, id);
}

}  // namespace entryproof::runner
