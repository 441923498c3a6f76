// Power: what of a node is left when its power goes in the middle of a case.
#pragma once

#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/faults/plan.h"
#include "simulator/node/journal.h"
#include "simulator/node/tree.h"

namespace entryproof::runner {

struct Survived {
  node::Tree tree;
  std::string what;  // "power cut (xfs) after op 17 …, without op 14 …"
};

// Of the node that booted as `image` and on which this happened since. Of the builds' operations as much is lost as the model allows, or
// what the cut names or its seed draws; what everybody else did, kubelet and operators, is on the disk. kInvalidInput if the model cannot
// lose what is named.
Result<Survived> what_survives(const node::Tree& image, const std::vector<node::Operation>& operations, const faults::PowerCut& cut);

}  // namespace entryproof::runner
