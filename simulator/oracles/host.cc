#include "simulator/oracles/host.h"

#include <algorithm>
#include <cerrno>
#include <functional>

namespace entryproof::oracles {
namespace {

constexpr int kSymlinksMax = 40;

// Takes the first part of a path off it; "" when none is left. Empty parts and "." are passed over.
std::string_view next_part(std::string_view& path) {
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (!part.empty() && part != ".") return part;
  }
  return {};
}

void sort_once(auto& numbers) {
  std::ranges::sort(numbers);
  const auto repeated = std::ranges::unique(numbers);
  numbers.erase(repeated.begin(), repeated.end());
}

std::size_t hash_of(std::string_view name) { return std::hash<std::string_view>()(name); }

}  // namespace

void Trail::sort() {
  sort_once(passed);
  sort_once(asked);
}

bool Trail::has_passed(node::InodeId inode) const { return inode != 0 && std::ranges::binary_search(passed, inode); }

bool Trail::has_asked_for(std::string_view name) const { return std::ranges::binary_search(asked, hash_of(name)); }

std::optional<node::InodeId> resolve_on_host(const node::Tree& tree, std::string_view path, Trail* trail) {
  if (!path.starts_with('/')) return std::nullopt;
  const auto note = [trail](node::InodeId inode) {
    if (trail != nullptr) trail->passed.push_back(inode);
  };
  std::string redirected;  // what `path` is a part of, once a symlink has been followed
  node::InodeId at = node::kRoot;
  note(at);
  int links = 0;
  for (std::string_view part = next_part(path); !part.empty(); part = next_part(path)) {
    if (trail != nullptr) trail->asked.push_back(hash_of(part));
    const auto next = tree.lookup(node::Credentials{}, at, part);
    if (!next) return std::nullopt;
    note(*next);
    const auto target = tree.readlink(*next);
    if (!target && target.error() == node::Errno{ESTALE}) return std::nullopt;
    if (!target) {
      at = *next;
      continue;
    }
    if (++links > kSymlinksMax) return std::nullopt;
    if (target->starts_with('/')) at = node::kRoot;
    redirected = *target + "/" + std::string(path);
    path = redirected;
  }
  return at;
}

std::optional<std::string> read_host_file(const node::Tree& tree, std::string_view path, std::size_t cap) {
  const auto inode = resolve_on_host(tree, path);
  if (!inode) return std::nullopt;
  const auto attributes = tree.attributes(*inode);
  if (!attributes || attributes->type != node::FileType::kFile) return std::nullopt;
  auto bytes = tree.read_all(*inode, cap);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.ends_with('/')) path += '/';
  path += name;
  return path;
}

}  // namespace entryproof::oracles
