#include "simulator/oracles/watch.h"

#include <algorithm>

#include "simulator/oracles/cni_config.h"

namespace entryproof::oracles {
namespace {

SeenConfig look_at_config(const node::Tree& tree, const std::string& path, bool list, Readers& readers, const SeenConfig& before,
                          Trail& trail) {
  SeenConfig seen;
  const auto inode = resolve_on_host(tree, path, &trail);
  if (!inode) {  // a symlink that leads nowhere
    seen.state = SeenConfig::State::kBad;
    return seen;
  }
  seen.inode = *inode;
  seen.version = tree.version(*inode);
  if (before.inode == seen.inode && before.version == seen.version) return before;
  seen.state = SeenConfig::State::kBad;
  const auto attributes = tree.attributes(*inode);
  if (!attributes || attributes->type != node::FileType::kFile) return seen;
  seen.mode = attributes->mode & 07777U;
  const auto bytes = tree.read_all(*inode, kConfigBytesMax);
  if (!bytes) return seen;
  seen.config = readers.cni.read(*bytes, list);
  if (seen.config->accepted()) seen.state = seen.config->own() ? SeenConfig::State::kOwn : SeenConfig::State::kForeign;
  return seen;
}

SeenKubeconfig look_at_kubeconfig(const node::Tree& tree, const std::string& path, Readers& readers, const SeenKubeconfig* before,
                                  Trail& trail) {
  SeenKubeconfig seen;
  const auto inode = resolve_on_host(tree, path, &trail);
  if (!inode) return seen;
  seen.version = tree.version(*inode);
  const auto& facts = before != nullptr ? before->placed.facts : nullptr;
  const bool alone = facts != nullptr && facts->token_file.empty() && facts->ca_file.empty();
  if (alone && before->placed.inode == *inode && before->version == seen.version) return *before;
  seen.placed = read_kubeconfig(tree, path, readers.kubeconfig);
  if (seen.placed.facts != nullptr) {  // files that it names are a part of it
    if (!seen.placed.facts->token_file.empty()) resolve_on_host(tree, seen.placed.facts->token_file, &trail);
    if (!seen.placed.facts->ca_file.empty()) resolve_on_host(tree, seen.placed.facts->ca_file, &trail);
  }
  return seen;
}

SeenBinary look_at_binary(const node::Tree& tree, const Layout& layout, const SeenBinary& before, Trail& trail) {
  SeenBinary seen;
  const auto inode = resolve_on_host(tree, join(layout.bin_dir, layout.binary), &trail);
  if (!inode) return seen;
  seen.version = tree.version(*inode);
  if (before.placed.inode == *inode && before.version == seen.version) return before;
  seen.placed = read_binary(tree, layout);
  const auto attributes = tree.attributes(*inode);
  seen.usable = attributes && attributes->type == node::FileType::kFile && attributes->size > 0 && (attributes->mode & 0111) != 0;
  return seen;
}

}  // namespace

bool Sight::touched_by(const node::Operation& operation) const {
  const auto concerns = [this](node::InodeId directory, std::string_view name) {
    if (!watched.has_passed(directory)) return false;
    return name.empty() || watched.has_asked_for(name) || (directory == net_dir && is_loadable_name(name));
  };
  return watched.has_passed(operation.inode) || concerns(operation.parent, operation.name) || concerns(operation.parent2, operation.name2);
}

const SeenConfig& Sight::config(std::string_view name) const {
  static const SeenConfig kNone;
  const auto found = configs.find(name);
  return found == configs.end() ? kNone : found->second;
}

bool Sight::has_own_config() const {
  return std::ranges::any_of(configs, [](const auto& entry) { return entry.second.own(); });
}

bool Sight::is_named(std::string_view kubeconfig) const {
  return std::ranges::any_of(configs,
                             [&](const auto& entry) { return entry.second.own() && entry.second.config->kubeconfig == kubeconfig; });
}

Sight look(const node::Tree& tree, const Layout& layout, Readers& readers, const Sight& before) {
  Sight sight;
  Trail& trail = sight.watched;
  trail.passed.reserve(before.watched.passed.size() + 32);
  trail.asked.reserve(before.watched.asked.size() + 32);
  sight.net_dir = resolve_on_host(tree, layout.net_dir, &trail).value_or(0);
  for (const std::string& name : loadable_files(tree, layout.net_dir)) {
    const std::string path = join(layout.net_dir, name);
    sight.configs.emplace_hint(sight.configs.end(), name,
                               look_at_config(tree, path, name.ends_with(".conflist"), readers, before.config(name), trail));
  }
  const auto add_kubeconfig = [&](const std::string& path) {
    if (sight.kubeconfigs.contains(path)) return;
    const auto found = before.kubeconfigs.find(path);
    const SeenKubeconfig* last = found == before.kubeconfigs.end() ? nullptr : &found->second;
    sight.kubeconfigs.emplace(path, look_at_kubeconfig(tree, path, readers, last, trail));
  };
  add_kubeconfig(layout.kubeconfig);
  const auto add_named = [&](const Sight& by) {
    for (const auto& [name, seen] : by.configs) {
      if (seen.own() && seen.config->kubeconfig.starts_with('/')) add_kubeconfig(seen.config->kubeconfig);
    }
  };
  add_named(sight);
  add_named(before);  // a configuration that went away may come back
  sight.binary = look_at_binary(tree, layout, before.binary, trail);
  trail.sort();
  return sight;
}

}  // namespace entryproof::oracles
