#include "simulator/oracles/host.h"

#include <deque>

namespace entryproof::oracles {
namespace {

constexpr int kSymlinksMax = 40;

// The parts of a path, without empty ones and ".".
void split_before(std::deque<std::string>& parts, std::string_view path) {
  std::vector<std::string> found;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") found.emplace_back(part);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  parts.insert(parts.begin(), found.begin(), found.end());
}

}  // namespace

std::optional<node::InodeId> resolve_on_host(const node::Tree& tree, std::string_view path, Trail* trail) {
  if (!path.starts_with('/')) return std::nullopt;
  const auto note = [trail](node::InodeId inode) {
    if (trail != nullptr) trail->push_back(inode);
  };
  std::deque<std::string> parts;
  split_before(parts, path);
  node::InodeId at = node::kRoot;
  note(at);
  for (int links = 0; !parts.empty();) {
    const std::string part = std::move(parts.front());
    parts.pop_front();
    const auto next = tree.lookup(node::Credentials{}, at, part);
    if (!next) return std::nullopt;
    note(*next);
    const auto attributes = tree.attributes(*next);
    if (!attributes) return std::nullopt;
    if (attributes->type != node::FileType::kSymlink) {
      at = *next;
      continue;
    }
    const auto target = tree.readlink(*next);
    if (!target || ++links > kSymlinksMax) return std::nullopt;
    if (target->starts_with('/')) at = node::kRoot;
    split_before(parts, *target);
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
