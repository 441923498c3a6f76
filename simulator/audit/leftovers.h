// Leftovers: what earlier entrypoints left on a node, and what it costs.
//
// A name tells whose it is: "_multus<digits>", "*.new" and "<conf>.temp<digits>" are upstream 4.x', "_multus" is 3.9.3's,
// ".thin_entrypoint.*" the reference's, which sweeps its own at each start. Upstream reuses some of them without looking.
#pragma once

#include <string>

#include "simulator/audit/finding.h"
#include "simulator/node/tree.h"

namespace entryproof::audit {

struct LeftoverQuestion {
  const node::Tree& tree;
  std::string net_dir;
  std::string bin_dir;
  std::string kubeconfig;  // the generated one; its directory is looked at
};

// Adds a fact with names and bytes, and findings for those that do harm.
void add_leftovers(const LeftoverQuestion& question, Report& report);

}  // namespace entryproof::audit
