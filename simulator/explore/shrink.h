// Shrink: the smallest history that still shows the same finding, as far as taking away and making plainer leads.
//
// First commands are taken away, in big pieces and then one by one; then their numbers are made smaller, down to the plainest; among them
// is the operation of a kill. Each candidate is played again, and the order is fixed, so the result is the same every time: also where
// candidates are played side by side because they wait in real time.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "simulator/explore/alphabet.h"

namespace entryproof::explore {

// Says which of some candidates is the first that shows the finding; none if no one does.
using FirstThatShows = std::function<std::optional<std::size_t>(const std::vector<History>& candidates)>;

struct ShrinkBounds {
  unsigned tries = 2000;         // candidates played; what was reached by then is the answer
  std::size_t side_by_side = 1;  // candidates that are asked about at once
};

History shrink(History history, const FirstThatShows& first, const ShrinkBounds& bounds = {});

// One candidate after the other.
History shrink(History history, const std::function<bool(const History&)>& still);

}  // namespace entryproof::explore
