// StateHash: 128 bits that stand for what can be seen of a crash state.
//
// Not cryptographic: equal states must get equal hashes, and different ones must not collide by accident. Sums of mixed hashes do not
// depend on the order of their parts, which is what sets of names and pages need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace entryproof::durability {

struct StateHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const StateHash&) const = default;
  StateHash& operator+=(const StateHash& other) {
    high += other.high;
    low += other.low;
    return *this;
  }
};

namespace detail {

// The two halves of a 128-bit product, folded together: every bit of the answer depends on every bit of both.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline constexpr std::uint64_t kSalt[] = {0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL, 0x8ebc6af09c88c6e3ULL, 0x589965cc75374cc3ULL};

}  // namespace detail

// Depends on the order of its two.
inline StateHash mix(const StateHash& a, const StateHash& b) {
  using detail::kSalt;
  return {detail::fold(a.high ^ kSalt[0], b.high ^ kSalt[1]) + a.low, detail::fold(a.low ^ kSalt[2], b.low ^ kSalt[3]) + b.high};
}

inline StateHash hash_of(std::uint64_t number) {
  using detail::kSalt;
  return {detail::fold(number ^ kSalt[0], kSalt[3]), detail::fold(number ^ kSalt[2], kSalt[1])};
}

inline StateHash hash_of(std::string_view bytes) {
  StateHash hash = hash_of(bytes.size());
  while (bytes.size() >= 16) {
    StateHash block;
    std::memcpy(&block, bytes.data(), sizeof block);
    hash = mix(hash, block);
    bytes.remove_prefix(16);
  }
  StateHash rest;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  return mix(hash, rest);
}

struct StateHasher {
  std::size_t operator()(const StateHash& hash) const { return static_cast<std::size_t>(hash.high ^ (hash.low * detail::kSalt[0])); }
};

}  // namespace entryproof::durability
