// Random: numbers that look random and depend on nothing but a seed and a name.
//
// One seed explains a whole exploration; each consumer draws from a stream with a name of its own, so that a new consumer shifts nobody
// else's numbers. The distributions of the standard library differ from one library to the next and are not used.
#pragma once

#include <cstdint>
#include <string_view>

#include "simulator/cluster/seeded.h"

namespace entryproof::explore {

class Random {
 public:
  Random(std::uint64_t seed, std::string_view stream, std::uint64_t index = 0) : state_(cluster::scramble(seed)) {
    for (const char c : stream) state_ = cluster::scramble(state_ ^ static_cast<unsigned char>(c));
    state_ = cluster::scramble(state_ ^ index);
  }

  std::uint64_t next() { return cluster::scramble(state_ += 0x9e3779b97f4a7c15ULL); }
  // 0 … bound-1; the bias of the remainder is of no account for bounds that small. `bound` is positive.
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>((next() >> 32U) % bound); }

 private:
  std::uint64_t state_;
};

}  // namespace entryproof::explore
