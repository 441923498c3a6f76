// Paths: what of a node an exploration watches, and how it calls a journal.
#pragma once

#include <string>
#include <vector>

#include "simulator/node/journal.h"
#include "simulator/runner/site.h"

namespace entryproof::explore {

// Where a build publishes: the directories of configurations and of plugins. None lies in another.
std::vector<std::string> watched_paths(const runner::Site& site);

// Twelve hex digits that are equal for journals in which the same was done to the same paths.
std::string digest_of(const std::vector<node::Operation>& journal);

}  // namespace entryproof::explore
