// Shrinking: the least input that still shows what a larger one showed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "simulator/explore/odd_input.h"

namespace entryproof::explore {

// Takes pieces away, ever smaller ones, as long as `still` says that what is left shows it, too (delta debugging). Asked at most `most`
// times.
std::vector<std::string> shrink(std::vector<std::string> pieces, const std::function<bool(const std::vector<std::string>&)>& still,
                                unsigned& most);

// The same for an input: its tokens (then bytes) of a file, its variables, its flags, each value.
OddInput shrink(const OddInput& input, const std::function<bool(const OddInput&)>& still, unsigned most);

}  // namespace entryproof::explore
