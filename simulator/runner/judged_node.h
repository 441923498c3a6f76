// JudgedNode: a MemoryNode whose every operation is judged while it happens, for explorers and random histories.
//
//   JudgedNode node(Site::usual());
//   for (tree : trees) {
//     node.reset(tree);                                  // a new node, in microseconds
//     node.live({.build = …, .arguments = …});           // the build starts and works until it rests
//     node.findings();                                   // what the live oracles charged it with
//   }
//
// A node that is reset costs little because the readers of the oracles keep what they know of a content, and all that happens is one
// thread's. Only the reference's own code can live here. Thread contract: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/oracles/facts.h"
#include "simulator/runner/live_judge.h"
#include "simulator/runner/memory_node.h"

namespace entryproof::runner {

class JudgedNode {
 public:
  // `http_allowed`: the Pods' KUBERNETES_SERVICE_PROTOCOL is http.
  explicit JudgedNode(const Site& site, std::uint64_t seed = 1, bool http_allowed = false);

  // Another node, as MemoryNode::reset; what it holds is inherited, and no finding of before is left.
  void reset(node::Tree tree);
  // Starts the build as "build" and lets it work until everything rests, or ends, or `within` is over: then Woke::kDeadline.
  Result<Woke> live(const Start& start, Duration within = std::chrono::seconds(10));
  // Lets what lives here work on until it rests.
  Woke rest(Duration within = std::chrono::seconds(10));

  MemoryNode& node() { return node_; }
  const node::Tree& tree() const { return node_.node().tree(); }
  const node::Journal& journal() const { return node_.node().journal(); }
  const oracles::Layout& layout() const { return layout_; }
  const LiveJudge& judge() const { return judge_; }
  // Since the reset: of every operation, and of the tree as it stands now, with the programs at rest.
  std::vector<oracles::Finding> findings() const { return judge_.findings(tree()); }

 private:
  const oracles::Layout layout_;
  LiveJudge judge_;
  MemoryNode node_;
};

}  // namespace entryproof::runner
