#include "simulator/runner/demands.h"

#include <cerrno>
#include <set>

namespace entryproof::runner {

namespace {

using oracles::Mismatch;

std::optional<Mismatch> judge_configuration(const ConfigurationExpectation& wanted, const Evidence& evidence) {
  oracles::ConfigurationDemand demand;
  demand.delegate = wanted.delegate;
  demand.own_files = wanted.own_files;
  demand.self_delegating = wanted.self_delegating;
  demand.name = wanted.name;
  demand.cni_version = wanted.cni_version;
  demand.file = wanted.file;
  demand.equality = evidence.lossless ? oracles::JsonEquality::kLossless : oracles::JsonEquality::kValue;
  if (wanted.lossless) {
    const auto path = evidence.site.to_node(*wanted.lossless);
    const auto inode = node::View().resolve(evidence.situation.tree, {}, path);
    if (!inode) return Mismatch{"a primary at " + path, "there is none"};
    const auto bytes = evidence.situation.tree.read_all(*inode);
    if (!bytes) return Mismatch{"a readable primary at " + path, "it cannot be read"};
    demand.primary_json = *bytes;
  }
  return oracles::judge_configuration(evidence.situation, demand);
}

// Names directly below `directory` that other paths of the same step begin with: what a closed directory may hold.
std::vector<std::string> named_children(const ExpectStep& step, const std::string& directory) {
  std::set<std::string> names;
  for (const auto& [path, matcher] : step.tree) {
    if (!path.starts_with(directory + "/") || matcher.type == "absent") continue;
    const auto rest = path.substr(directory.size() + 1);
    names.insert(rest.substr(0, rest.find('/')));
  }
  return {names.begin(), names.end()};
}

std::optional<Mismatch> judge_object(const ExpectStep& step, const std::string& path, const ObjectMatcher& wanted,
                                     const Evidence& evidence) {
  oracles::ObjectDemand demand;
  demand.type = wanted.type;
  demand.json = wanted.json;
  demand.yaml = wanted.yaml;
  demand.equals = wanted.equals;
  demand.contains = wanted.contains;
  demand.mode = wanted.mode;
  demand.uid = wanted.uid;
  demand.target = wanted.target;
  if (wanted.same_as) demand.same_as = evidence.site.to_node(*wanted.same_as);
  if (wanted.same_since) {
    const auto then = evidence.remembered.find(*wanted.same_since);
    if (then == evidence.remembered.end()) return Mismatch{"a node remembered as \"" + *wanted.same_since + "\"", "nothing was remembered"};
    const auto inode = node::View().resolve(then->second, {}, evidence.site.to_node(path));
    const auto bytes = inode ? then->second.read_all(*inode) : node::refuse(ENOENT);
    if (!bytes) return Mismatch{path + " with the bytes it had then", "there was no such file then"};
    demand.equals = *bytes;
  }
  if (wanted.closed) demand.only = named_children(step, path);
  if (wanted.unchanged_since) {
    const auto then = evidence.remembered.find(*wanted.unchanged_since);
    if (then == evidence.remembered.end())
      return Mismatch{"a node remembered as \"" + *wanted.unchanged_since + "\"", "nothing was remembered"};
    demand.unchanged_since = &then->second;
  }
  if (wanted.same_names_since) {
    const auto then = evidence.remembered.find(*wanted.same_names_since);
    if (then == evidence.remembered.end())
      return Mismatch{"a node remembered as \"" + *wanted.same_names_since + "\"", "nothing was remembered"};
    demand.same_names_since = &then->second;
  }
  return oracles::judge_object(evidence.situation.tree, node::View(), evidence.site.to_node(path), demand, evidence.situation.cluster);
}

std::optional<Mismatch> judge_secret(const ExpectStep& step, const Evidence& evidence) {
  const auto& situation = evidence.situation;
  if (step.no_secret.contains("output")) {
    for (const auto& output : evidence.outputs()) {
      if (auto found = oracles::judge_secret_in_text(output, "what the build says", situation.cluster)) return found;
    }
  }
  if (!step.no_secret.contains("files")) return std::nullopt;
  const auto placed = oracles::attach(situation.tree, situation.layout, situation.mode, situation.published, situation.readers);
  return oracles::judge_secret_in_files(situation.tree, placed.kubeconfig_path, evidence.site.service_account, situation.cluster);
}

std::optional<Mismatch> judge_exit(const ExitExpectation& wanted, const Life& life) {
  const auto mismatch = [&](std::string expected) { return Mismatch{std::move(expected), describe(life)}; };
  if (wanted.running && *wanted.running != life.running) return mismatch(*wanted.running ? "still running" : "ended");
  if (wanted.code && life.exit_code != wanted.code) return mismatch("exit " + std::to_string(*wanted.code));
  if (wanted.success && (life.running || (life.exit_code == 0) != *wanted.success))
    return mismatch(*wanted.success ? "exit 0" : "a non-zero exit");
  if (wanted.not_zero && !life.running && (life.exit_code != 0) != *wanted.not_zero) return mismatch("still running, or a non-zero exit");
  return std::nullopt;
}

}  // namespace

std::string describe(const Life& life) {
  if (life.running) return "still running";
  if (life.exit_code) return "exit " + std::to_string(*life.exit_code);
  if (life.signal) return "killed by signal " + std::to_string(*life.signal);
  return "never started";
}

std::optional<Mismatch> judge(const ExpectStep& step, const Evidence& evidence) {
  const auto& situation = evidence.situation;
  if (step.kubeconfig) {
    const auto& wanted = *step.kubeconfig;
    const std::optional<mode_t> mode = wanted.mode ? std::optional(static_cast<mode_t>(*wanted.mode)) : std::nullopt;
    if (auto found = oracles::judge_kubeconfig(situation, {wanted.state, wanted.server, mode, wanted.insecure, wanted.path})) return found;
  }
  if (step.configuration) {
    if (auto found = judge_configuration(*step.configuration, evidence)) return found;
  }
  if (step.runtime) {
    if (auto found = oracles::judge_runtimes(situation, {step.runtime->containerd, step.runtime->crio})) return found;
  }
  if (step.attach) {
    if (auto found = oracles::judge_attach(situation, *step.attach)) return found;
  }
  for (const auto& [path, matcher] : step.tree) {
    if (auto found = judge_object(step, path, matcher, evidence)) return found;
  }
  if (auto found = judge_secret(step, evidence)) return found;
  if (step.exit) return judge_exit(*step.exit, evidence.life(step.exit->who));
  return std::nullopt;
}

}  // namespace entryproof::runner
