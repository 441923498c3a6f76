#include "simulator/cluster/token_manager.h"

#include <algorithm>

#include "simulator/cluster/seeded.h"

namespace entryproof::cluster {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMaximumAge = 24 * 3600 * kSecond;
constexpr std::int64_t kMaximumJitter = 10 * kSecond;

}  // namespace

std::optional<std::int64_t> TokenManager::refresh_at(const Generation& generation) const {
  if (!generation.expires) return std::nullopt;
  const std::int64_t life = generation.life_seconds * kSecond;
  const std::int64_t most = std::clamp<std::int64_t>(life / 50, 1, kMaximumJitter);
  const auto jitter = static_cast<std::int64_t>(scramble(seed_ + scramble(generation.id)) % static_cast<std::uint64_t>(most));
  return generation.issued_at * kSecond + std::min(life / 5 * 4, kMaximumAge) - jitter;
}

bool TokenManager::due(const Generation& generation, std::int64_t wall_ns) const {
  const auto at = refresh_at(generation);
  return at && (wall_ns >= *at || wall_ns < generation.issued_at * kSecond);
}

}  // namespace entryproof::cluster
