#include "simulator/oracles/net_dir_watch.h"

#include <fmt/format.h>

#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/host.h"
#include "simulator/oracles/runtimes.h"

namespace entryproof::oracles {
namespace {

using node::Verb;

constexpr std::string_view kNotices = "ATOM-25/containerd-notices";
constexpr std::string_view kTemporary = "ATOM-26/temporary-names";
constexpr std::size_t kBytesMax = 2U << 20;

bool removes(Verb verb) { return verb == Verb::kUnlink || verb == Verb::kRmdir || verb == Verb::kRename; }
bool writes(Verb verb) { return verb == Verb::kWrite || verb == Verb::kTruncate || verb == Verb::kAllocate; }

Place place_of(const node::Operation& operation, const std::string& path) { return {"", operation.index, path, operation.seq}; }

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

const std::vector<std::string_view>& NetDirWatch::checks() {
  static const std::vector<std::string_view> kChecks{kNotices, kTemporary};
  return kChecks;
}

bool NetDirWatch::is_child(std::string_view path) const {
  const std::size_t slash = path.rfind('/');
  return slash != std::string_view::npos && path.substr(0, slash) == layout_.net_dir;
}

NetDirWatch::Loaded NetDirWatch::first(const node::Tree& tree) const {
  const std::vector<std::string> files = loadable_files(tree, layout_.net_dir);
  if (files.empty()) return {};
  return {files.front(), read_host_file(tree, join(layout_.net_dir, files.front()), kBytesMax).value_or("")};
}

void NetDirWatch::reset(const node::Tree& tree) {
  loaded_ = first(tree);
  newest_.reset();
  made_.clear();
}

void NetDirWatch::restart(const node::Tree& tree) {
  reset(tree);
  by_build_ = false;
  loadable_temporary_.reset();
}

void NetDirWatch::observe(const node::Operation& operation, const node::Tree& now) {
  const bool from = is_child(operation.path);
  const bool to = operation.verb == Verb::kRename && is_child(operation.path2);
  if (!from && !to) return;
  const bool build = operation.actor == node::Actor::kBuild;
  if (operation.verb == Verb::kRename || operation.verb == Verb::kCreate || operation.verb == Verb::kLink || writes(operation.verb)) {
    by_build_ = build;
    newest_ = place_of(operation, to ? operation.path2 : operation.path);
  }
  if (from && (writes(operation.verb) || removes(operation.verb))) loaded_ = first(now);
  if (build) follow_names(operation);
}

void NetDirWatch::follow_names(const node::Operation& operation) {
  if (operation.verb == Verb::kCreate && is_loadable_name(operation.name)) made_.insert(operation.path);
  if (!removes(operation.verb) || made_.erase(operation.path) == 0) return;
  if (operation.verb != Verb::kRename || loadable_temporary_) return;
  loadable_temporary_ =
      Finding{std::string(kTemporary), "what is on its way to another name has no name that runtimes load",
              fmt::format("{} was made in the CNI directory, and then renamed to {}", name_of(operation.path), name_of(operation.path2)),
              place_of(operation, operation.path)};
}

std::vector<Finding> NetDirWatch::conclude(const node::Tree& tree) const {
  std::vector<Finding> findings;
  if (loadable_temporary_) findings.push_back(*loadable_temporary_);
  const Loaded now = first(tree);
  if (by_build_ && newest_ && now != loaded_) {
    const std::string had = loaded_.first.empty() ? "nothing" : loaded_.first == now.first ? "an older " + now.first : loaded_.first;
    findings.push_back({std::string(kNotices), fmt::format("containerd has loaded {}", now.first.empty() ? "nothing" : now.first),
                        fmt::format("it still has {}: nothing was written, renamed away or removed in {} since", had, layout_.net_dir),
                        newest_});
  }
  return findings;
}

}  // namespace entryproof::oracles
