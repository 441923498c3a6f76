#include "simulator/explore/condition.h"

#include <algorithm>
#include <functional>

#include "simulator/oracles/host.h"
#include "simulator/oracles/kubeconfig.h"
#include "simulator/oracles/runtimes.h"
#include "simulator/runner/given.h"

namespace entryproof::explore {
namespace {

constexpr std::size_t kFileCap = std::size_t{64} << 20;

std::uint64_t hash_of(const node::Tree& tree, node::InodeId inode) {
  const auto bytes = tree.read_all(inode, kFileCap);
  return bytes ? std::hash<std::string>()(*bytes) : 0;
}

PlacedFile bare(const node::Tree& tree, node::InodeId inode) {
  PlacedFile file;
  if (const auto attributes = tree.attributes(inode)) file.mode = attributes->mode;
  file.content = hash_of(tree, inode);
  return file;
}

class Look {
 public:
  Look(const node::Tree& tree, const oracles::Layout& layout, const oracles::ClusterFacts& facts, oracles::Readers& readers)
      : tree_(tree), layout_(layout), facts_(facts), readers_(readers) {}

  Condition take() {
    look_at_kubeconfig(layout_.kubeconfig);
    for (const auto& name : oracles::loadable_files(tree_, layout_.net_dir)) look_at_configuration(name);
    look_at_plugin();
    list(layout_.net_dir, true);
    list(layout_.bin_dir, false);
    return std::move(condition_);
  }

 private:
  void look_at_kubeconfig(const std::string& path) {
    if (condition_.kubeconfigs.contains(path)) return;
    const auto placed = oracles::read_kubeconfig(tree_, path, readers_.kubeconfig);
    if (placed.state == oracles::PlacedKubeconfig::State::kAbsent) return;
    PlacedFile file = bare(tree_, placed.inode);
    file.good = placed.state == oracles::PlacedKubeconfig::State::kValid;
    file.reason = placed.reason;
    file.current = file.good && oracles::standing(*placed.facts, facts_) == oracles::Standing::kCurrent;
    condition_.kubeconfigs.emplace(path, std::move(file));
  }

  void look_at_configuration(const std::string& name) {
    const std::string path = oracles::join(layout_.net_dir, name);
    const auto inode = oracles::resolve_on_host(tree_, path);
    PlacedFile file;
    if (!inode) {
      file.reason = "it leads nowhere";
    } else {
      file = bare(tree_, *inode);
      if (const auto bytes = oracles::read_host_file(tree_, path, oracles::kConfigBytesMax)) {
        const auto config = readers_.cni.read(*bytes, name.ends_with(".conflist"));
        if (config->accepted() && !config->multus) return;  // somebody else's
        file.reason = bytes->empty() ? "it is empty" : config->error;
        file.config = config->accepted() ? config : nullptr;
      } else {
        file.reason = "it is no file that a runtime would read";
      }
    }
    file.good = file.config != nullptr;
    if (file.good && file.config->kubeconfig.starts_with('/')) look_at_kubeconfig(file.config->kubeconfig);
    condition_.configurations.emplace(path, std::move(file));
  }

  void look_at_plugin() {
    const auto binary = oracles::read_binary(tree_, layout_);
    if (binary.state == oracles::PlacedBinary::State::kAbsent) return;
    PlacedFile file = bare(tree_, binary.inode);
    file.good = binary.state == oracles::PlacedBinary::State::kComplete;
    file.reason = binary.reason;
    condition_.plugins.emplace(oracles::join(layout_.bin_dir, layout_.binary), std::move(file));
  }

  void list(const std::string& directory, bool deep) {
    const auto inode = oracles::resolve_on_host(tree_, directory);
    const auto entries = inode ? tree_.list(*inode) : node::refuse(ENOENT);
    if (!entries) return;
    for (const auto& entry : *entries) {
      if (runner::is_of_a_put(entry.name)) continue;
      const std::string path = oracles::join(directory, entry.name);
      condition_.names.insert(path);
      if (deep && entry.type == node::FileType::kDirectory) list(path, true);
    }
  }

  const node::Tree& tree_;
  const oracles::Layout& layout_;
  const oracles::ClusterFacts& facts_;
  oracles::Readers& readers_;
  Condition condition_;
};

}  // namespace

std::string_view to_string(Piece piece) {
  switch (piece) {
    case Piece::kKubeconfig:
      return "kubeconfig";
    case Piece::kConfiguration:
      return "configuration";
    case Piece::kPlugin:
      break;
  }
  return "plugin";
}

bool same_meaning(const PlacedFile& one, const PlacedFile& other) {
  if (one.config == other.config || one.config == nullptr || other.config == nullptr) return one.config == other.config;
  const auto& a = *one.config;
  const auto& b = *other.config;
  return a.list == b.list && a.name == b.name && a.cni_version == b.cni_version && a.kubeconfig == b.kubeconfig && a.types == b.types &&
         std::ranges::equal(a.delegates, b.delegates, [](const auto& x, const auto& y) {
           return x == y || oracles::json_difference(x, y, oracles::JsonEquality::kValue).empty();
         });
}

const std::map<std::string, PlacedFile>& Condition::files(Piece piece) const {
  switch (piece) {
    case Piece::kKubeconfig:
      return kubeconfigs;
    case Piece::kConfiguration:
      return configurations;
    case Piece::kPlugin:
      break;
  }
  return plugins;
}

bool Condition::has_good(Piece piece) const {
  return std::ranges::any_of(files(piece), [](const auto& entry) { return entry.second.good; });
}

const PlacedFile* Condition::find(Piece piece, const std::string& path) const {
  const auto found = files(piece).find(path);
  return found == files(piece).end() ? nullptr : &found->second;
}

oracles::ClusterFacts facts_on(const node::Tree& tree, const std::string& service_account) {
  oracles::ClusterFacts facts;
  const auto token = oracles::read_host_file(tree, oracles::join(service_account, "token"), kFileCap);
  const auto authority = oracles::read_host_file(tree, oracles::join(service_account, "ca.crt"), kFileCap);
  if (token && authority) facts.generations.push_back({1, *token, *authority});
  return facts;
}

Condition condition_of(const node::Tree& tree, const oracles::Layout& layout, const oracles::ClusterFacts& facts,
                       oracles::Readers& readers) {
  return Look(tree, layout, facts, readers).take();
}

}  // namespace entryproof::explore
