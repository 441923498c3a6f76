#include "simulator/oracles/expectations.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/oracles/host.h"
#include "simulator/oracles/redact.h"

namespace entryproof::oracles {
namespace {

Redactor redactor_of(const ClusterFacts& cluster) {
  std::vector<std::string> tokens;
  for (const Generation& generation : cluster.generations) tokens.push_back(generation.token);
  return Redactor(tokens);
}

std::optional<Mismatch> mismatch(const Situation& situation, std::string_view expected, std::string_view actual) {
  const Redactor redactor = redactor_of(situation.cluster);
  return Mismatch{redactor.render(expected), redactor.render(actual)};
}

std::string_view named(const std::string& file) { return file.empty() ? std::string_view("none (NotReady)") : std::string_view(file); }

// Where the kubeconfig in question lies.
std::string kubeconfig_path(const Situation& situation, const KubeconfigDemand& demand) {
  if (demand.path) return *demand.path;
  const Published published =
      published_configuration(situation.tree, situation.layout, situation.mode, situation.published, situation.readers);
  if (published.config != nullptr && !published.config->kubeconfig.empty()) return published.config->kubeconfig;
  return situation.layout.kubeconfig;
}

std::optional<Mismatch> judge_state(const Situation& situation, const std::string& wanted, const std::string& path,
                                    const PlacedKubeconfig& kubeconfig) {
  const bool absent = kubeconfig.state == PlacedKubeconfig::State::kAbsent;
  const bool valid = kubeconfig.state == PlacedKubeconfig::State::kValid;
  if (wanted.empty()) return std::nullopt;
  if (wanted == "absent") {
    return absent ? std::nullopt : mismatch(situation, fmt::format("no {}", path), "it is there");
  }
  if (wanted == "invalid") {
    return !absent && !valid ? std::nullopt
                             : mismatch(situation, fmt::format("an unusable {}", path), absent ? "it is not there" : "it is valid");
  }
  const std::string expected = fmt::format("a valid {}{}", path, wanted == "current" ? " with the current token and CA" : "");
  if (!valid) return mismatch(situation, expected, kubeconfig.reason);
  const Standing stands = standing(*kubeconfig.facts, situation.cluster);
  const bool wrong = wanted == "current" ? stands != Standing::kCurrent : stands == Standing::kMixed;
  if (wrong) return mismatch(situation, expected, fmt::format("it holds {}", to_string(stands)));
  return std::nullopt;
}

// The configuration in question: its file's name, and what it is.
Published configuration_of(const Situation& situation, const ConfigurationDemand& demand) {
  if (!demand.file) {
    return published_configuration(situation.tree, situation.layout, situation.mode, situation.published, situation.readers);
  }
  Published found;
  const auto bytes = read_host_file(situation.tree, *demand.file, kConfigBytesMax);
  if (!bytes) {
    found.reason = fmt::format("{} is not there, no regular file, or larger than 2 MiB", *demand.file);
    return found;
  }
  auto config = situation.readers.cni.read(*bytes, demand.file->ends_with(".conflist"));
  if (!config->own()) {
    found.reason = fmt::format("{} is not Multus': {}", *demand.file, config->accepted() ? "another plugin's" : config->error);
    return found;
  }
  found.file = *demand.file;
  found.config = std::move(config);
  return found;
}

unsigned count_own(const Situation& situation) {
  unsigned own = 0;
  for (const std::string& file : loadable_files(situation.tree, situation.layout.net_dir)) {
    const auto bytes = read_host_file(situation.tree, join(situation.layout.net_dir, file), kConfigBytesMax);
    if (bytes && situation.readers.cni.read(*bytes, file.ends_with(".conflist"))->own()) ++own;
  }
  return own;
}

std::optional<Mismatch> judge_delegates(const Situation& situation, const ConfigurationDemand& demand, const Published& published) {
  const CniConfig& config = *published.config;
  if (demand.delegate) {
    const std::string first = config.delegate_types.empty() ? "nothing" : config.delegate_types.front();
    if (first != *demand.delegate) {
      return mismatch(situation, fmt::format("{} delegates to {}", published.file, *demand.delegate),
                      fmt::format("it delegates to {}", first));
    }
  }
  if (demand.primary_json) {
    const std::string expected = fmt::format("the only delegate of {} equals the primary", published.file);
    if (config.delegates.size() != 1) return mismatch(situation, expected, fmt::format("{} delegates", config.delegates.size()));
    const std::string difference = json_difference(*demand.primary_json, config.delegates.front(), demand.equality);
    if (!difference.empty()) return mismatch(situation, expected, difference);
  }
  if (demand.self_delegating && config.self_delegating != *demand.self_delegating) {
    return mismatch(situation, fmt::format("{} {} to Multus", published.file, *demand.self_delegating ? "delegates" : "does not delegate"),
                    fmt::format("{} levels of Multus", config.multus_depth));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Mismatch> judge_kubeconfig(const Situation& situation, const KubeconfigDemand& demand) {
  const std::string path = kubeconfig_path(situation, demand);
  const PlacedKubeconfig kubeconfig = read_kubeconfig(situation.tree, path, situation.readers.kubeconfig);
  if (auto wrong = judge_state(situation, demand.state, path, kubeconfig)) return wrong;
  if (!demand.server && !demand.mode && !demand.insecure) return std::nullopt;
  if (kubeconfig.facts == nullptr) return mismatch(situation, "a kubeconfig at " + path, kubeconfig.reason);
  if (demand.server && kubeconfig.facts->server != *demand.server) {
    return mismatch(situation, "server " + *demand.server, "server " + kubeconfig.facts->server);
  }
  if (demand.mode && kubeconfig.mode != *demand.mode) {
    return mismatch(situation, fmt::format("{} with mode {:04o}", path, *demand.mode), fmt::format("mode {:04o}", kubeconfig.mode));
  }
  if (demand.insecure && kubeconfig.facts->insecure != *demand.insecure) {
    const auto text = [](bool insecure) { return insecure ? "insecure-skip-tls-verify" : "a CA, and verification"; };
    return mismatch(situation, text(*demand.insecure), text(kubeconfig.facts->insecure));
  }
  return std::nullopt;
}

std::optional<Mismatch> judge_configuration(const Situation& situation, const ConfigurationDemand& demand) {
  if (demand.own_files) {
    const unsigned own = count_own(situation);
    if (own != *demand.own_files) {
      return mismatch(situation, fmt::format("{} Multus configurations in {}", *demand.own_files, situation.layout.net_dir),
                      fmt::format("{}", own));
    }
  }
  const bool about_content = demand.delegate || demand.primary_json || demand.self_delegating || demand.name || demand.cni_version ||
                             demand.file || !demand.no_path_below.empty();
  if (!about_content) return std::nullopt;
  const Published published = configuration_of(situation, demand);
  if (published.config == nullptr) return mismatch(situation, "a Multus configuration", published.reason);
  if (demand.name && published.config->name != *demand.name) {
    return mismatch(situation, fmt::format("{} names its network {}", published.file, *demand.name), published.config->name);
  }
  if (demand.cni_version && published.config->cni_version != *demand.cni_version) {
    return mismatch(situation, fmt::format("{} has cniVersion {}", published.file, *demand.cni_version), published.config->cni_version);
  }
  for (const std::string& path : published.config->paths) {
    for (const std::string& directory : demand.no_path_below) {
      if (path == directory || path.starts_with(directory + "/")) {
        return mismatch(situation, fmt::format("no path in {} begins with {}", published.file, directory), path);
      }
    }
  }
  return judge_delegates(situation, demand, published);
}

std::optional<Mismatch> judge_runtimes(const Situation& situation, const RuntimeDemand& demand) {
  if (demand.containerd) {
    const RuntimeSelection selected = containerd_selection(situation.tree, situation.layout.net_dir, situation.readers.cni);
    if (selected.file != *demand.containerd) {
      return mismatch(situation, fmt::format("containerd loads {}", named(*demand.containerd)),
                      selected.ready() ? selected.file : selected.not_ready);
    }
  }
  if (demand.crio) {
    const RuntimeSelection selected =
        crio_selection(situation.tree, situation.layout.net_dir, situation.layout.bin_dir, situation.readers.cni);
    if (selected.file != *demand.crio) {
      std::string actual = selected.ready() ? selected.file : selected.not_ready;
      for (const SkippedFile& skipped : selected.skipped) actual += fmt::format("; it skips {}: {}", skipped.file, skipped.reason);
      return mismatch(situation, fmt::format("CRI-O loads {}", named(*demand.crio)), actual);
    }
  }
  return std::nullopt;
}

std::optional<Mismatch> judge_attach(const Situation& situation, bool possible) {
  const Attachment attachment = attach(situation.tree, situation.layout, situation.mode, situation.published, situation.readers);
  if (attachment.possible() == possible) return std::nullopt;
  return mismatch(situation, fmt::format("a Pod created now {} be attached", possible ? "could" : "could not"),
                  possible ? attachment.obstacle : fmt::format("it could, through {}", attachment.configuration.file));
}

}  // namespace entryproof::oracles
