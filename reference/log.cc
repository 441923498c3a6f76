#include "reference/log.h"

#include "reference/json.h"
#include "reference/utc.h"

namespace reference {
namespace {

constexpr std::chrono::minutes kQuiet{1};
constexpr std::size_t kRemembered = 100;
constexpr std::size_t kLongest = 2000;

// One line, printable: file names and primaries come from outside.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, kLongest)) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return line;
}

// JSON is UTF-8; a name that isn't loses the bytes that make it so.
std::string quoted(std::string text) {
  if (!json::valid_utf8(text)) {
    for (char& c : text) c = static_cast<unsigned char>(c) >= 0x80 ? '?' : c;
  }
  return json::quote(text);
}

}  // namespace

void Log::info(std::string_view text) { host_.write_out(line("info", text)); }
void Log::warn(std::string_view text) { host_.write_error(line("warning", text)); }
void Log::error(std::string_view text) { host_.write_error(line("error", text)); }

void Log::waiting(std::string_view text) {
  if (is_news(text)) info(text);
}

void Log::problem(std::string_view text) {
  if (is_news(text)) error(text);
}

bool Log::is_news(std::string_view text) {
  const auto now = host_.monotonic();
  const auto found = shown_.find(text);
  if (found != shown_.end() && now - found->second < kQuiet) return false;
  if (shown_.size() >= kRemembered) std::erase_if(shown_, [&](const auto& entry) { return now - entry.second >= kQuiet; });
  if (shown_.size() >= kRemembered) return false;  // a flood of different troubles: those that were told first are enough
  shown_.insert_or_assign(std::string(text), now);
  return true;
}

std::string Log::line(std::string_view level, std::string_view text) const {
  if (format_ == LogFormat::kText) return (level == "info" ? "" : std::string(level) + ": ") + one_line(text);
  return R"({"time":")" + utc(host_.wall_seconds()) + R"(","level":")" + std::string(level) + R"(","message":)" + quoted(one_line(text)) +
         "}";
}

}  // namespace reference
