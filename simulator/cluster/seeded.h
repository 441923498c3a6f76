// Seeded: numbers and identifiers that look random and depend on nothing but what they are made of, so that a seed explains them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace entryproof::cluster {

// A step of SplitMix64: enough to make unlike numbers of like ones.
constexpr std::uint64_t scramble(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31U);
}

// A version 4 UUID of the text.
std::string uuid_of(std::string_view text);

}  // namespace entryproof::cluster
