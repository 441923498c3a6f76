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
#include "simulator/faults/plan_json.h"
#include "simulator/oracles/check.h"
#include "simulator/runner/explored.h"
#include "simulator/runner/features.h"
#include "simulator/runner/scenario_expectations.h"
#include "simulator/runner/scenario_reader.h"
#include "simulator/runner/scenario_vary.h"

namespace entryproof::runner {
namespace {

constexpr std::size_t kMostSteps = 200;
constexpr std::size_t kMostArguments = 100;
constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostRepeated = std::size_t{4} << 20;
constexpr std::uint64_t kMostRotations = 20'000;
constexpr std::uint64_t kLeastDisk = 4096;
constexpr std::uint64_t kMostDisk = std::uint64_t{1} << 30;

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

// An object to be made, out of the keys of `fields`; `at` is where to complain.
Object read_object(ScenarioReader& reader, JsonFields& fields, const JsonValue& at) {
  struct Form {
    const char* key;
    Object::Kind kind;
  };
  static constexpr std::array<Form, 8> kForms{{{"text", Object::Kind::kText},
                                               {"bytes", Object::Kind::kBytes},
                                               {"json", Object::Kind::kJson},
                                               {"fixture", Object::Kind::kFixture},
                                               {"directory", Object::Kind::kDirectory},
                                               {"symlink", Object::Kind::kSymlink},
                                               {"fifo", Object::Kind::kFifo},
                                               {"program", Object::Kind::kProgram}}};
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
      case Object::Kind::kProgram:
        object.content = reader.one_of(value, {"waits"});
        break;
      case Object::Kind::kDirectory:
      case Object::Kind::kFifo:
        reader.only_true(value);
        break;
    }
  }
  if (forms != 1) reader.refuse(at, "exactly one of text, bytes, json, fixture, directory, symlink, fifo and program is wanted");
  if (const JsonValue times = fields.optional("times")) {
    object.times = static_cast<unsigned>(reader.number(times, 1, kMostRepeated).value_or(1));
    if (object.kind != Object::Kind::kText) reader.refuse(times, "only a text can be repeated");
    if (object.content.size() * object.times > kMostRepeated) reader.refuse(times, "that is more than 4 MiB of text");
  }
  object.mode = reader.mode(fields.optional("mode"));
  object.uid = reader.id(fields.optional("uid"));
  object.gid = reader.id(fields.optional("gid"));
  return object;
}

// The files of a ConfigMap volume, by name.
std::map<std::string, Object> read_files(ScenarioReader& reader, const JsonValue& value) {
  std::map<std::string, Object> files;
  for (const auto& [name, member] : reader.members(value, kMostPathsOfAScenario)) {
    if (name.empty() || name.starts_with("..") || name.find('/') != std::string::npos || name.size() > 253) {
      reader.refuse(member, "the name of a file is wanted, without \"/\", and not beginning with \"..\"");
    }
    JsonFields fields(reader, member);
    Object object = read_object(reader, fields, member);
    if (object.kind == Object::Kind::kDirectory || object.kind == Object::Kind::kSymlink || object.kind == Object::Kind::kFifo ||
        object.kind == Object::Kind::kProgram || object.mode || object.uid || object.gid) {
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
  for (const auto& [path, member] : reader.members(fields.optional("volumes"), 16)) {
    std::string why;
    if (!is_scenario_path(path, &why)) reader.refuse(member, why);
    given.volumes.emplace(path, reader.host_path(member));
  }
  for (const JsonValue& item : reader.items(fields.optional("read_only"), 16)) given.read_only.push_back(reader.path(item));
  if (const JsonValue at = fields.optional("credentials_at")) given.credentials_at = reader.path(at);
  given.token_suffix = reader.string(fields.optional("token_suffix"), 16);
  if (const JsonValue form = fields.optional("ca_form")) given.ca_form = reader.one_of(form, {"plain", "crlf", "annotated"});
  given.environment = read_environment(reader, fields.optional("environment"));
  for (const auto& [path, member] : reader.members(fields.optional("tree"), kMostPathsOfAScenario)) {
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
  for (const JsonValue& item : reader.items(fields.optional("absent"), kMostPathsOfAScenario)) given.absent.push_back(reader.path(item));
  if (const auto umask = reader.mode(fields.optional("umask"))) given.umask = *umask;
  given.read_only_root = reader.boolean(fields.optional("read_only_root")).value_or(false);
  if (const JsonValue at = fields.optional("net_d")) given.net_d = reader.host_path(at);
  if (const JsonValue at = fields.optional("net_d_at")) given.net_d_at = reader.path(at);
  if (const JsonValue at = fields.optional("bin")) given.bin = reader.host_path(at);
  if (const JsonValue at = fields.optional("bin_at")) given.bin_at = reader.path(at);
  given.disk_bytes = reader.number(fields.optional("disk_bytes"), kLeastDisk, kMostDisk);
  fields.finish();
  return given;
}

// --- steps: one function per verb; `value` is the verb's own value, `fields` the step ---

bool is_program(std::string_view text) {
  constexpr std::string_view kPredecessor = "predecessor:";
  if (text == "build" || text == "plugin") return true;
  if (!text.starts_with(kPredecessor)) return false;
  const std::string_view version = text.substr(kPredecessor.size());
  return !version.empty() && version.size() <= 16 && version.find_first_not_of("0123456789.") == std::string_view::npos;
}

StartStep read_start(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  StartStep step;
  step.what = reader.string(value, 64);
  if (!is_program(step.what)) reader.refuse(value, "\"build\", \"plugin\" or \"predecessor:VERSION\" is wanted");
  step.args = read_arguments(reader, fields.optional("args"));
  for (const auto& [feature, member] : reader.members(fields.optional("features"), 16)) {
    if (!is_feature(feature)) reader.refuse(member, "there is no such feature; there are: " + features_in_words());
    step.features.emplace(feature, reader.string(member, 1024));
  }
  step.environment = read_environment(reader, fields.optional("env"));
  step.deny = reader.words(fields.optional("deny"), {"inotify", "watches", "network"});
  const JsonValue as = fields.optional("as");
  step.as = as ? reader.name(as) : step.what.starts_with("predecessor:") ? std::string("old") : step.what;
  return step;
}

StartStep read_run(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  StartStep step = read_start(reader, fields, value);
  step.wait = true;
  if (step.what == "plugin") reader.refuse(value, "a plugin of the node is started, not waited for");
  step.within = reader.duration(fields.optional("within"));
  return step;
}

PutStep read_put(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string path = reader.path(value);
  const JsonValue in_place = fields.optional("in_place");
  reader.only_true(in_place);
  return {std::move(path), read_object(reader, fields, value), static_cast<bool>(in_place)};
}

ChmodStep read_chmod(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string path = reader.path(value);
  return {std::move(path), reader.mode(fields.required("mode")).value_or(0)};
}

// An operation of the build: the N-th that counts from now on, or a line in the language of faults, without what fails.
std::optional<faults::Rule> read_moment(ScenarioReader& reader, const JsonValue& value) {
  if (!value) return std::nullopt;
  if (!value.json->is_string()) {
    const auto number = reader.number(value, 1, 1'000'000);
    return number ? std::optional(faults::nth_operation(*number)) : std::nullopt;
  }
  const auto moment = faults::parse_moment(reader.string(value, faults::kMostRuleBytes));
  if (!moment) reader.refuse(value, moment.error().line());
  return moment ? std::optional(*moment) : std::nullopt;
}

RemoveStep read_remove(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string path = reader.path(value);
  return {std::move(path), read_moment(reader, fields.optional("behind"))};
}

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
  const JsonValue times = fields.optional("times");
  const JsonValue every = fields.optional("every");
  step.times = static_cast<unsigned>(reader.number(times, 2, kMostRotations).value_or(1));
  step.every = reader.duration(every).value_or(Duration{});
  if (static_cast<bool>(times) != static_cast<bool>(every)) reader.refuse(value, "\"times\" and \"every\" belong together");
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
  const JsonValue to = fields.optional("to");
  if (to) step.who = reader.name(to);
  const JsonValue at = fields.optional("at");
  step.at = read_moment(reader, at);
  if (to && at) reader.refuse(to, "whoever makes that operation is signalled");
  return step;
}

KillStep read_kill(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  std::string who = reader.name(value);
  return {std::move(who), reader.number(fields.optional("at"), 1, 1'000'000)};
}

ExhaustStep read_exhaust(ScenarioReader& reader, JsonFields&, const JsonValue& value) {
  return {reader.words(value, {"inotify", "watches"})};
}

RemountStep read_remount(ScenarioReader& reader, JsonFields&, const JsonValue& value) { return {reader.path(value)}; }

StopStep read_stop(ScenarioReader& reader, JsonFields&, const JsonValue& value) { return {reader.name(value)}; }

RebootStep read_reboot(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  reader.only_true(value);
  RebootStep step;
  for (const JsonValue& item : reader.items(fields.optional("volatile"), kMostPathsOfAScenario))
    step.volatile_paths.push_back(reader.path(item));
  return step;
}

constexpr std::size_t kMostOmitted = 64;  // as in a rule

PowerCutStep read_power_cut(ScenarioReader& reader, JsonFields& fields, const JsonValue& value) {
  PowerCutStep step;
  step.cut.model = reader.one_of(value, {"posix", "xfs", "ext4", "btrfs"});
  for (const JsonValue& item : reader.items(fields.optional("omit"), kMostOmitted)) {
    if (const auto number = reader.number(item, 1, 1'000'000'000)) step.cut.omit.push_back(*number);
  }
  const JsonValue seed = fields.optional("seed");
  step.cut.seed = reader.number(seed, 1, 1'000'000'000);
  if (step.cut.seed && !step.cut.omit.empty()) reader.refuse(seed, "either \"omit\" says what is lost, or \"seed\" draws it");
  for (const JsonValue& item : reader.items(fields.optional("volatile"), kMostPathsOfAScenario))
    step.volatile_paths.push_back(reader.path(item));
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

FaultStep read_fault(ScenarioReader& reader, JsonFields&, const JsonValue& value) {
  FaultStep step;
  for (const JsonValue& item : reader.items(value, faults::kMostRules)) {
    auto rule = faults::rule_from_json(*item.json);
    if (rule) {
      step.plan.push_back(std::move(*rule));
    } else {
      reader.refuse(item.pointer + rule.error().pointer, rule.error().message);
    }
  }
  return step;
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

constexpr std::array<Verb, 23> kVerbs{
    {{"start", read_as<read_start>},       {"run", read_as<read_run>},        {"put", read_as<read_put>},
     {"chmod", read_as<read_chmod>},       {"remove", read_as<read_remove>},  {"rename", read_as<read_rename>},
     {"link", read_as<read_link>},         {"rotate", read_as<read_rotate>},  {"cluster", read_as<read_cluster>},
     {"project", read_as<read_project>},   {"signal", read_as<read_signal>},  {"kill", read_as<read_kill>},
     {"stop", read_as<read_stop>},         {"reboot", read_as<read_reboot>},  {"rest", read_as<read_rest>},
     {"remember", read_as<read_remember>}, {"clock", read_as<read_clock>},    {"fault", read_as<read_fault>},
     {"advance", read_as<read_advance>},   {"expect", read_as<read_expect>},  {"power-cut", read_as<read_power_cut>},
     {"remount", read_as<read_remount>},   {"exhaust", read_as<read_exhaust>}}};

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
  if (tags.contains(std::string(kCrashTag))) ids.insert(ids.end(), crash_checks::kAll.begin(), crash_checks::kAll.end());
  if (tags.contains(std::string(kFaultsTag))) ids.insert(ids.end(), fault_checks::kAll.begin(), fault_checks::kAll.end());
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
