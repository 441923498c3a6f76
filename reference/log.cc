#include "reference/log.h"

namespace reference {
namespace {

constexpr std::chrono::minutes kQuiet{1};
constexpr std::size_t kRemembered = 100;

// One line, printable: file names and primaries come from outside.
std::string one_line(std::string_view prefix, std::string_view text) {
  std::string line(prefix);
  for (const char c : text.substr(0, 2000)) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return line;
}

}  // namespace

void Log::info(std::string_view text) { host_.write_out(one_line("", text)); }

void Log::warn(std::string_view text) { host_.write_error(one_line("warning: ", text)); }

void Log::problem(std::string_view text) {
  const auto now = host_.monotonic();
  const auto found = shown_.find(text);
  if (found != shown_.end() && now - found->second < kQuiet) return;
  if (shown_.size() >= kRemembered) std::erase_if(shown_, [&](const auto& entry) { return now - entry.second >= kQuiet; });
  if (shown_.size() >= kRemembered) return;  // a flood of different troubles: those that were told first are enough
  shown_.insert_or_assign(std::string(text), now);
  host_.write_error(one_line("error: ", text));
}

}  // namespace reference
