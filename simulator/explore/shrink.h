// Shrink: the smallest history that still shows the same finding, as far as taking away and making plainer leads.
//
// First commands are taken away, in big pieces and then one by one; then their numbers are made smaller, down to the plainest; among them
// is the operation of a kill. Each candidate is played again, and the order is fixed, so the result is the same every time.
#pragma once

#include <functional>

#include "simulator/explore/alphabet.h"

namespace entryproof::explore {

// `still` says whether a candidate shows the finding. At most `tries` candidates are played; what was reached by then is the answer.
History shrink(History history, const std::function<bool(const History&)>& still, unsigned tries = 2000);

}  // namespace entryproof::explore
