// Mutants: the reference with one defect each, by name.
//
// A mutant is the reference over a Host that does one thing wrong: it edits a file before it is published, publishes it in another manner,
// or not at all. It changes system calls and bytes on the node and knows nothing of checks; which checks it turns red is for the suite's
// own test to say. Each defect has been seen in the field, and says where.
//
// A mutant is consistent: the reference goes on to believe that it wrote what it meant to, so that a mutant comes to rest like any other
// build instead of repairing itself. It writes the defective file anew at each start, as the real builds did.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reference/host.h"
#include "reference/options.h"

namespace entryproof::subjects {

struct MutantInfo {
  std::string name;    // "kubeconfig-in-place"
  std::string defect;  // one sentence
  std::string origin;  // the clause that it breaks, and where the defect was seen
};

// All of them, sorted by name.
std::vector<MutantInfo> mutants();

// A host that has the defect and leaves everything else to `host`, which it refers to. `options` are those that the Entrypoint over it
// gets: they say where the files are that the defect is about. Null if there is no mutant of that name.
std::unique_ptr<reference::Host> make_mutant(std::string_view name, reference::Host& host, const reference::Options& options);

}  // namespace entryproof::subjects
