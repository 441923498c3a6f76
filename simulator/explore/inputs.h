// Inputs: what a build finds on the node and on its command line when it starts again, the same as before or changed.
//
// Leftovers of a crash bite only then: a shorter file over a longer one that was left, another form of the configuration beside the old
// one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "simulator/base/result.h"
#include "simulator/node/tree.h"
#include "simulator/runner/site.h"
#include "simulator/runner/world.h"

namespace entryproof::explore {

enum class Inputs : std::uint8_t {
  kSame,
  kShorter,       // a primary that says the least, a token without an end
  kLonger,        // a primary with more in it, a bundle of two CAs
  kOtherVersion,  // of the primary, and on the command line where that names one
};
inline constexpr std::array kAllInputs = {Inputs::kSame, Inputs::kShorter, Inputs::kLonger, Inputs::kOtherVersion};
std::string_view to_string(Inputs);  // "same", "shorter", "longer", "version"

// Changes primary, credentials and arguments accordingly; what is not there stays away. kSame changes nothing.
Result<> apply(Inputs inputs, const runner::Site& site, node::Tree& tree, runner::Start& start);

}  // namespace entryproof::explore
