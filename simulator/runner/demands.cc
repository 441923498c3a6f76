#include "simulator/runner/demands.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>
#include <string_view>
#include <vector>

#include "simulator/oracles/redact.h"
#include "simulator/oracles/runtimes.h"

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
  demand.no_path_below = wanted.no_path_below;
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

std::string_view trimmed(std::string_view token) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = token.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view() : token.substr(begin, token.find_last_not_of(kSpace) + 1 - begin);
}

bool asks_the_cluster(const std::string& state) { return state == "authenticates" || state == "unauthorized" || state == "refused"; }

// The kubeconfig in question: the one at a path, or the one that the published configuration leads to.
oracles::PlacedKubeconfig placed_kubeconfig(const KubeconfigExpectation& wanted, const oracles::Situation& situation) {
  if (wanted.path) return oracles::read_kubeconfig(situation.tree, *wanted.path, situation.readers.kubeconfig);
  return oracles::attach(situation.tree, situation.layout, situation.mode, situation.published, situation.readers).kubeconfig;
}

// A token is of use only as a whole.
std::optional<Mismatch> judge_token(const KubeconfigExpectation& wanted, const Evidence& evidence) {
  if (!wanted.whole_token) return std::nullopt;
  const auto& situation = evidence.situation;
  const auto placed = placed_kubeconfig(wanted, situation);
  if (placed.facts == nullptr) return Mismatch{"a kubeconfig with a token", placed.reason};
  const auto& token = placed.facts->token;
  if (std::ranges::any_of(situation.cluster.generations, [&](const auto& each) { return trimmed(each.token) == token; }))
    return std::nullopt;
  const auto inode = node::View().resolve(situation.tree, {}, evidence.site.service_account + "/token");
  const auto bytes = inode ? situation.tree.read_all(*inode) : node::refuse(ENOENT);
  if (bytes && trimmed(*bytes) == token) return std::nullopt;
  return Mismatch{"the whole token of the volume, or one of before",
                  "a token of " + std::to_string(token.size()) + " bytes that is neither"};
}

std::optional<Mismatch> judge_descriptors(const GrowthExpectation& wanted, const Evidence& evidence) {
  const auto then = evidence.remembered_descriptors.find(wanted.since);
  const auto now = evidence.descriptors();
  if (then == evidence.remembered_descriptors.end() || !now) return Mismatch{"a count of open files", "there is none"};
  if (*now <= then->second + wanted.more) return std::nullopt;
  return Mismatch{"at most " + std::to_string(then->second + wanted.more) + " open files", std::to_string(*now) + " of them"};
}

std::optional<Mismatch> judge_lines(const GrowthExpectation& wanted, const Evidence& evidence) {
  const auto then = evidence.remembered_lines.find(wanted.since);
  if (then == evidence.remembered_lines.end()) return Mismatch{"a count of lines", "there is none"};
  const std::size_t now = count_lines(evidence.outputs());
  if (now <= then->second + wanted.more) return std::nullopt;
  return Mismatch{"at most " + std::to_string(wanted.more) + " more lines of output", std::to_string(now - then->second) + " of them"};
}

std::string describe(const cluster::Experience& experience) {
  return std::string(to_string(experience.kind)) + (experience.cause.empty() ? "" : ": " + experience.cause);
}

// What the cluster says to a client of the published file.
std::optional<Mismatch> judge_access(const KubeconfigExpectation& wanted, const Evidence& evidence) {
  const bool asks = asks_the_cluster(wanted.state);
  if (!asks && !wanted.margin) return std::nullopt;
  if (evidence.access == nullptr) return Mismatch{"a cluster that can be asked", "this scenario has none"};
  const auto placed = placed_kubeconfig(wanted, evidence.situation);
  const bool valid = placed.state == oracles::PlacedKubeconfig::State::kValid;
  const bool absent = placed.state == oracles::PlacedKubeconfig::State::kAbsent;
  if (!valid && (absent || wanted.state != "refused")) return Mismatch{"a kubeconfig that a client can use", placed.reason};
  if (asks && valid) {
    using Kind = cluster::Experience::Kind;
    const auto experience = evidence.access->of(placed.facts);
    const bool authenticated = experience.kind == Kind::kAuthenticated || experience.kind == Kind::kForbidden;
    if (wanted.state == "authenticates" && !authenticated) return Mismatch{"the API server accepts the kubeconfig", describe(experience)};
    if (wanted.state == "unauthorized" && experience.kind != Kind::kUnauthorized)
      return Mismatch{"the API server answers 401", describe(experience)};
    if (wanted.state == "refused" && authenticated) return Mismatch{"a client of the kubeconfig gets no answer", describe(experience)};
  }
  if (!wanted.margin || !valid) return std::nullopt;
  const auto margin = evidence.access->margin(placed.facts->token);
  if (!margin || *margin >= *wanted.margin) return std::nullopt;
  const auto in_seconds = [](Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
  };
  return Mismatch{"every published token has " + in_seconds(*wanted.margin) + " of its life left when it is replaced", in_seconds(*margin)};
}

// What is in the way of a Pod that is created now; "" if nothing. With a cluster both runtimes choose, and the API server is asked.
std::string obstacle_of_attachment(const Evidence& evidence) {
  const auto& situation = evidence.situation;
  const auto attachment = oracles::attach(situation.tree, situation.layout, situation.mode, situation.published, situation.readers);
  if (!attachment.possible() || evidence.access == nullptr) return attachment.obstacle;
  std::vector<oracles::PlacedKubeconfig> kubeconfigs{attachment.kubeconfig};
  if (situation.mode == oracles::Mode::kAutomatic) {
    const auto& layout = situation.layout;
    const auto crio = oracles::crio_selection(situation.tree, layout.net_dir, layout.bin_dir, situation.readers.cni);
    if (!crio.ready()) return "CRI-O has no network: " + crio.not_ready;
    if (!crio.config->own()) return "CRI-O would attach it by " + crio.file + ", which is not Multus'";
    kubeconfigs.push_back(oracles::read_kubeconfig(situation.tree, crio.config->kubeconfig, situation.readers.kubeconfig));
  }
  for (const auto& kubeconfig : kubeconfigs) {
    if (kubeconfig.state != oracles::PlacedKubeconfig::State::kValid) return "the kubeconfig: " + kubeconfig.reason;
    const auto experience = evidence.access->of(kubeconfig.facts);
    if (experience.kind != cluster::Experience::Kind::kAuthenticated) return "the API server: " + describe(experience);
  }
  return {};
}

std::optional<Mismatch> judge_attach(bool possible, const Evidence& evidence) {
  const auto obstacle = obstacle_of_attachment(evidence);
  if (obstacle.empty() == possible) return std::nullopt;
  if (!possible) return Mismatch{"a Pod created now could not be attached", "it could"};
  std::vector<std::string> tokens;
  for (const auto& generation : evidence.situation.cluster.generations) tokens.push_back(generation.token);
  return Mismatch{"a Pod created now could be attached", oracles::Redactor(tokens).render(obstacle)};
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

// What the kernel, or the C library, does to a program that went wrong; nobody else sends these.
bool is_fault(int signal) {
  return signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS || signal == SIGILL || signal == SIGFPE || signal == SIGSYS;
}

std::optional<Mismatch> judge_exit(const ExitExpectation& wanted, const Life& life) {
  const auto mismatch = [&](std::string expected) { return Mismatch{std::move(expected), describe(life)}; };
  if (wanted.running && *wanted.running != life.running) return mismatch(*wanted.running ? "still running" : "ended");
  if (wanted.code && life.exit_code != wanted.code) return mismatch("exit " + std::to_string(*wanted.code));
  if (wanted.success && (life.running || (life.exit_code == 0) != *wanted.success))
    return mismatch(*wanted.success ? "exit 0" : "a non-zero exit");
  if (wanted.no_crash && life.signal && is_fault(*life.signal)) return mismatch("no crash");
  if (wanted.not_zero && !life.running && (life.exit_code != 0) != *wanted.not_zero) return mismatch("still running, or a non-zero exit");
  return std::nullopt;
}

// Whether the build gave each path its first content in this order, and none more often than it may.
std::optional<Mismatch> judge_arrivals(const ExpectStep& step, const Evidence& evidence) {
  if (step.order.empty() && step.at_most.empty()) return std::nullopt;
  const auto arrivals = evidence.arrivals();
  const auto of = [&](const std::string& path) {
    const auto found = arrivals.find(evidence.site.to_node(path));
    return found == arrivals.end() ? std::vector<std::uint64_t>{} : found->second;
  };
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < step.order.size(); ++i) {
    const auto times = of(step.order[i]);
    if (times.empty()) return Mismatch{"new content at " + step.order[i], "the build brought none"};
    if (times.front() < last) return Mismatch{step.order[i - 1] + " before " + step.order[i], "it came after it"};
    last = times.front();
  }
  for (const auto& [path, most] : step.at_most) {
    const auto times = of(path).size();
    if (times > most) return Mismatch{path + " written at most " + std::to_string(most) + " times", std::to_string(times) + " times"};
  }
  return std::nullopt;
}

// Whether what the build took away went in this order. A name that was not taken away itself went with a directory above it; one that stays
// is not judged here.
std::optional<Mismatch> judge_departures(const ExpectStep& step, const Evidence& evidence) {
  if (step.gone_in_order.empty()) return std::nullopt;
  const auto departures = evidence.departures();
  const auto last_of = [&](const std::string& path) {
    const auto node_path = evidence.site.to_node(path);
    if (const auto itself = departures.find(node_path); itself != departures.end()) return itself->second.back();
    std::uint64_t last = 0;
    for (const auto& [name, times] : departures) {
      if (node_path.starts_with(name + "/")) last = std::max(last, times.back());
    }
    return last;
  };
  std::string before;
  std::uint64_t latest = 0;
  for (const auto& path : step.gone_in_order) {
    const auto went = last_of(path);
    if (went == 0) continue;
    if (went < latest) return Mismatch{before + " is taken away before " + path, "it went after it"};
    before = path;
    latest = went;
  }
  return std::nullopt;
}

}  // namespace

std::size_t count_lines(const std::vector<std::string>& outputs) {
  std::size_t lines = 0;
  for (const auto& output : outputs) lines += static_cast<std::size_t>(std::ranges::count(output, '\n'));
  return lines;
}

std::string describe(const Life& life) {
  if (life.running) return "still running";
  if (life.exit_code) return "exit " + std::to_string(*life.exit_code);
  if (life.signal) return "killed by signal " + std::to_string(*life.signal);
  return "never started";
}

std::optional<Mismatch> judge(const ExpectStep& step, const Evidence& evidence) {
  const auto& situation = evidence.situation;
  if (step.or_failed) {
    const Life life = evidence.life("build");
    if (!life.running && life.exit_code != 0) return std::nullopt;
  }
  if (step.if_published) {
    const auto published =
        oracles::published_configuration(situation.tree, situation.layout, situation.mode, situation.published, situation.readers);
    if (published.config == nullptr) return std::nullopt;
  }
  if (auto found = judge_arrivals(step, evidence)) return found;
  if (auto found = judge_departures(step, evidence)) return found;
  if (step.kubeconfig) {
    const auto& wanted = *step.kubeconfig;
    const std::optional<mode_t> mode = wanted.mode ? std::optional(static_cast<mode_t>(*wanted.mode)) : std::nullopt;
    if (auto found = oracles::judge_kubeconfig(
            situation, {asks_the_cluster(wanted.state) ? "" : wanted.state, wanted.server, mode, wanted.insecure, wanted.path}))
      return found;
    if (auto found = judge_token(wanted, evidence)) return found;
    if (auto found = judge_access(wanted, evidence)) return found;
  }
  if (step.configuration) {
    if (auto found = judge_configuration(*step.configuration, evidence)) return found;
  }
  if (step.runtime) {
    if (auto found = oracles::judge_runtimes(situation, {step.runtime->containerd, step.runtime->crio})) return found;
  }
  if (step.attach) {
    if (auto found = judge_attach(*step.attach, evidence)) return found;
  }
  for (const auto& [path, matcher] : step.tree) {
    if (auto found = judge_object(step, path, matcher, evidence)) return found;
  }
  if (step.descriptors) {
    if (auto found = judge_descriptors(*step.descriptors, evidence)) return found;
  }
  if (step.lines) {
    if (auto found = judge_lines(*step.lines, evidence)) return found;
  }
  if (auto found = judge_secret(step, evidence)) return found;
  if (step.exit) return judge_exit(*step.exit, evidence.life(step.exit->who));
  return std::nullopt;
}

}  // namespace entryproof::runner
