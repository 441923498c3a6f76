// Onlooker: somebody who follows one case closely, as a replay does.
//
// on_operation comes on the thread that serves the file system, before the reply; the others on the player's.
#pragma once

#include <vector>

#include "simulator/node/journal.h"
#include "simulator/node/tree.h"
#include "simulator/oracles/check.h"
#include "simulator/oracles/redact.h"

namespace entryproof::runner {

class World;

class Onlooker {
 public:
  virtual ~Onlooker() = default;
  // The node that the case begins with.
  virtual void on_begin(const node::Tree& image) = 0;
  // After each successful counted operation: the node as it is now, and what was found in it. A finding may name an earlier operation.
  virtual void on_operation(const node::Operation& operation, const node::Tree& now, const std::vector<oracles::Finding>& found) = 0;
  // Something that was found in the node as it stood, not in one operation.
  virtual void on_finding(const oracles::Finding& finding, const node::Tree& now) = 0;
  // The case is over, its world still stands.
  virtual void on_close(World& /*world*/) {}
  // The tokens of the case, before anything of its node is shown to anybody.
  virtual void on_end(const oracles::Redactor& redactor) = 0;
};

}  // namespace entryproof::runner
