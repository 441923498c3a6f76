// The primaries that lie on the node of a tale, by file name: what each was made of, and whether it is whole or half-written now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "simulator/explore/tale_words.h"

namespace entryproof::explore {

struct Primary {
  const Body* body = nullptr;
  bool whole = false;
};
using Primaries = std::map<std::string, Primary>;

// The names of those that are whole, or of those that are not.
inline std::set<std::string> names_of(const Primaries& primaries, bool whole) {
  std::set<std::string> names;
  for (const auto& [name, primary] : primaries) {
    if (primary.whole == whole) names.insert(name);
  }
  return names;
}

// The name of the n-th, as often around as it takes; empty if there is none.
inline std::string nth_of(const Primaries& primaries, std::uint32_t which) {
  if (primaries.empty()) return {};
  return std::next(primaries.begin(), static_cast<std::ptrdiff_t>(which % primaries.size()))->first;
}

}  // namespace entryproof::explore
