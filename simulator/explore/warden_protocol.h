// What a stall and the warden in its container say to each other, over two named pipes. Both ends are of one build, so these are plain
// bytes.
#pragma once

#include <cstdint>

namespace entryproof::explore {

inline constexpr const char* kWardenChannel = "/.warden";  // the directory inside of the container: "to", "from", "output"

struct WardenOrder {
  enum Kind : std::uint32_t { kStart, kSignal, kEnd };
  std::uint32_t kind = kStart;
  std::uint32_t value = 0;  // kStart: the umask; kSignal: its number
  std::uint32_t words = 0;  // kStart: how many of the texts that follow are arguments; the others are variables
  std::uint32_t bytes = 0;  // of those texts, each with a NUL behind it
};

// Every end of a program is told once; kEnd is answered by kEmpty when nothing is left alive.
struct WardenReport {
  enum Kind : std::uint32_t { kEnded, kEmpty };
  std::uint32_t kind = kEnded;
  std::int32_t status = 0;  // as waitpid(2) gives it
};

}  // namespace entryproof::explore
