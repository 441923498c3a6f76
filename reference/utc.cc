#include "reference/utc.h"

#include <array>
#include <ctime>

namespace reference {

std::string utc(std::int64_t seconds) {
  const std::time_t moment = seconds;
  std::tm parts{};
  std::array<char, 40> text{};
  if (gmtime_r(&moment, &parts) == nullptr) return std::to_string(seconds);
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return size == 0 ? std::to_string(seconds) : std::string(text.data(), size);
}

}  // namespace reference
