#include "simulator/explore/inputs.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "simulator/cluster/change.h"
#include "simulator/cluster/service_account.h"
#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/host.h"
#include "simulator/oracles/runtimes.h"

namespace entryproof::explore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kManual = "--multus-conf-file=";
constexpr std::string_view kVersion = "--cni-version=";
constexpr std::int64_t kWall = VirtualClock::kDefaultEpochNs;
constexpr std::size_t kCap = std::size_t{1} << 20;
constexpr std::size_t kMore = 300;  // bytes of a longer primary

// Where the configuration lies that the build takes over: a manual one, else what runtimes would load first and is not Multus'.
std::string source_of(const runner::Site& site, const node::Tree& tree, const runner::Start& start) {
  for (const auto& argument : start.arguments) {
    if (argument.starts_with(kManual) && argument != std::string(kManual) + "auto") return site.to_node(argument.substr(kManual.size()));
  }
  for (const auto& name : oracles::loadable_files(tree, site.net_dir)) {
    const auto bytes = oracles::read_host_file(tree, oracles::join(site.net_dir, name), kCap);
    if (!bytes) continue;
    const auto config = oracles::parse_cni_config(*bytes, name.ends_with(".conflist"));
    if (config.accepted() && !config.multus) return oracles::join(site.net_dir, name);
  }
  return {};
}

// The members without which it would not be the same network.
Json least(const Json& network) {
  static const std::vector<std::string> kKept = {"cniVersion", "name", "type", "kubeconfig", "delegates", "plugins"};
  Json kept = Json::object();
  for (const auto& key : kKept) {
    if (network.contains(key)) kept[key] = network[key];
  }
  for (const char* list : {"delegates", "plugins"}) {
    if (!kept.contains(list) || !kept[list].is_array() || kept[list].empty()) continue;
    const Json first = least(kept[list].front());
    kept[list] = Json::array({first});
  }
  return kept;
}

// The other side of 1.0.0, where the form of the generated configuration changes; a manual one keeps its form, and so its side.
std::string other_version(const std::string& version, bool manual) {
  if (manual) return version == "0.4.0" ? "0.3.1" : "0.4.0";
  return version.starts_with("0.") || version.empty() ? "1.0.0" : "0.3.1";
}

bool is_manual(const runner::Start& start) {
  return std::ranges::any_of(
      start.arguments, [](const auto& argument) { return argument.starts_with(kManual) && argument != std::string(kManual) + "auto"; });
}

void change_source(Inputs inputs, Json& network, runner::Start& start) {
  switch (inputs) {
    case Inputs::kSame:
      break;
    case Inputs::kShorter:
      network = least(network);
      break;
    case Inputs::kLonger: {
      Json& within = network.contains("plugins") && network["plugins"].is_array() && !network["plugins"].empty()
                         ? network["plugins"].front()
                         : network;
      if (within.is_object()) within["x-longer"] = std::string(kMore, 'x');
      break;
    }
    case Inputs::kOtherVersion: {
      const auto found = network.find("cniVersion");
      const std::string now = found != network.end() && found->is_string() ? found->get<std::string>() : "";
      const std::string other = other_version(now, is_manual(start));
      network["cniVersion"] = other;
      for (auto& argument : start.arguments) {
        if (argument.starts_with(kVersion)) argument = std::string(kVersion) + other;
      }
      break;
    }
  }
}

// What the cluster issues then. Making keys takes its time, and nobody looks at more than the bytes: one cluster serves all.
const cluster::Payload& credentials(Inputs inputs) {
  static std::mutex mutex;
  static std::map<Inputs, cluster::Payload> made;
  const std::lock_guard lock(mutex);
  const auto found = made.find(inputs);
  if (found != made.end()) return found->second;
  cluster::ServiceAccount account(20261123 + static_cast<std::uint64_t>(inputs), kWall);
  if (inputs == Inputs::kShorter) {
    cluster::TokenOptions options;
    options.legacy = true;
    account.set_options(options);
    account.rotate(true, false, kWall);
  } else {
    account.rotate_ca(cluster::CaStep::kAdd, kWall);
  }
  return made.emplace(inputs, cluster::ServiceAccount::files(account.current())).first->second;
}

// Another content in the same place; nothing where nothing is.
Result<> overwrite(node::Tree& tree, const std::string& path, const std::string& bytes) {
  const auto inode = oracles::resolve_on_host(tree, path);
  const auto attributes = inode ? tree.attributes(*inode) : node::refuse(ENOENT);
  if (!attributes) return {};
  const std::string where = tree.path_of(*inode);
  const auto done = cluster::apply(tree, node::kRoot, {cluster::Change::write(where.substr(1), bytes, attributes->mode)}, kWall);
  return done ? Result<>() : fail_errno("change", path, static_cast<int>(done.error()));
}

}  // namespace

std::string_view to_string(Inputs inputs) {
  switch (inputs) {
    case Inputs::kSame:
      return "same";
    case Inputs::kShorter:
      return "shorter";
    case Inputs::kLonger:
      return "longer";
    case Inputs::kOtherVersion:
      break;
  }
  return "version";
}

Result<> apply(Inputs inputs, const runner::Site& site, node::Tree& tree, runner::Start& start) {
  if (inputs == Inputs::kSame) return {};
  if (const auto source = source_of(site, tree, start); !source.empty()) {
    const auto bytes = oracles::read_host_file(tree, source, kCap);
    auto network = bytes ? Json::parse(*bytes, nullptr, false) : Json();
    if (network.is_object()) {
      change_source(inputs, network, start);
      if (auto done = overwrite(tree, source, network.dump(inputs == Inputs::kLonger ? 2 : -1) + "\n"); !done) return done;
    }
  }
  if (inputs == Inputs::kOtherVersion) return {};
  for (const auto& [name, bytes] : credentials(inputs)) {
    if (auto done = overwrite(tree, oracles::join(site.service_account, name), bytes); !done) return done;
  }
  return {};
}

}  // namespace entryproof::explore
