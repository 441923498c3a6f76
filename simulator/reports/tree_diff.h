// Tree difference: two states of a node, for people: names, types, modes, owners, bytes. Tokens are not shown.
#pragma once

#include <string>

#include "simulator/node/tree.h"
#include "simulator/oracles/redact.h"

namespace entryproof::reports {

// Lines that begin with "+" for what is new, "-" for what is gone and "~" for what has changed, by path, each followed by the lines of text
// files that differ. Empty if the trees hold the same. The redactor's tokens, and everything that looks like a JSON Web Token, become
// "[token]"; bytes that are no text are told by size and digest.
std::string tree_diff(const node::Tree& before, const node::Tree& after, const oracles::Redactor& redactor);

}  // namespace entryproof::reports
