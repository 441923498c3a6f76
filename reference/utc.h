// Utc: a moment as people and log collectors read it.
#pragma once

#include <cstdint>
#include <string>

namespace reference {

// "2026-01-31T08:15:00Z" for seconds since 1970. What no calendar knows is given as the number.
std::string utc(std::int64_t seconds);

}  // namespace reference
