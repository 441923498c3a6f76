// NetDirWatch: what those see who watch the CNI directory, and what they do upon it.
//
// containerd looks at the directory again when a file in it is written to, renamed away or removed; that one was created there, moved in
// from elsewhere or got another mode it does not notice (containerd#11711). The watch follows the journal and knows which content
// containerd loaded last; at the end of a case it must be the one that lies there now (ATOM-25).
//
// Any watcher sees every name: one that runtimes load, made by the build and taken away again by it, was a temporary that all of them tried
// to read (ATOM-26).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/node/journal.h"
#include "simulator/node/tree.h"
#include "simulator/oracles/check.h"
#include "simulator/oracles/facts.h"

namespace entryproof::oracles {

class NetDirWatch {
 public:
  explicit NetDirWatch(Layout layout) : layout_(std::move(layout)) {}

  static const std::vector<std::string_view>& checks();

  // A boot: containerd starts and looks.
  void reset(const node::Tree& tree);
  // Another node: nothing that happened on the one before counts.
  void restart(const node::Tree& tree);
  // After each successful counted operation, in order.
  void observe(const node::Operation& operation, const node::Tree& now);
  // With the programs at rest.
  std::vector<Finding> conclude(const node::Tree& tree) const;

 private:
  // What containerd loads: the first file's name and bytes.
  using Loaded = std::pair<std::string, std::string>;
  Loaded first(const node::Tree& tree) const;
  bool is_child(std::string_view path) const;
  void follow_names(const node::Operation& operation);

  Layout layout_;
  Loaded loaded_;
  std::optional<Place> newest_;              // the build's last operation that gave a name of the directory its content
  bool by_build_ = false;                    // it was the build that changed the directory last
  std::set<std::string, std::less<>> made_;  // loadable names that the build made and that have not been replaced since
  std::optional<Finding> loadable_temporary_;
};

}  // namespace entryproof::oracles
