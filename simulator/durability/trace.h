// Trace: what happened on a node between two boots, for taking it apart.
//
// An image (all of it durable), and the journal's operations since. Operations of the build can be lost; those of everybody else
// (Actor::kWorld, Actor::kStage) count as durable at once: the disk work of the kubelet, an operator or an earlier build is not judged.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/node/journal.h"
#include "simulator/node/tree.h"

namespace entryproof::durability {

// Something the build told the outside: an exit code, a line, a readiness file. What it told must be true after a crash, too.
struct Acknowledgement {
  std::uint64_t after = 0;  // seq of the last operation before it; 0: before all
  std::string what;         // for people: "exit 0"
};

struct Trace {
  node::Tree image;  // as it was before operations[0], with the same inode numbers
  // In order of seq; failed, read-only and mark entries may be among them. A mark of the build counts as an acknowledgement. A journal in
  // which the tree was replaced (Node::replace_tree) is several traces.
  std::span<const node::Operation> operations;
  std::vector<Acknowledgement> acknowledgements;               // in order
  std::int64_t wall_start_ns = VirtualClock::kDefaultEpochNs;  // wall time at Moment zero, for the times of inodes
};

}  // namespace entryproof::durability
