#include "simulator/reports/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace entryproof::reports {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kDiffCells = 250'000;  // beyond this a diff is all minus, then all plus

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

struct Decoded {
  char32_t character;
  std::size_t length;
};

// The character that begins at `at`, or nothing if the bytes there are ill-formed.
std::optional<Decoded> decode(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return Decoded{first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < length) return std::nullopt;
  char32_t character = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned next = byte_at(text, at + i);
    if ((next & 0xC0U) != 0x80) return std::nullopt;
    character = (character << 6U) | (next & 0x3FU);
  }
  const bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (overlong || surrogate || character > 0x10FFFF) return std::nullopt;
  return Decoded{character, length};
}

// Characters that reorder what surrounds them: a log line could be made to read as another.
bool turns_direction(char32_t c) { return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F; }

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

}  // namespace

std::string map_characters(std::string_view bytes, const std::function<void(char32_t, std::string_view, std::string&)>& replace) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    if (const auto decoded = decode(bytes, at)) {
      replace(decoded->character, bytes.substr(at, decoded->length), out);
      at += decoded->length;
    } else {
      out += kReplacement;
      ++at;
    }
  }
  return out;
}

std::string valid_utf8(std::string_view bytes) {
  return map_characters(bytes, [](char32_t, std::string_view encoded, std::string& out) { out += encoded; });
}

std::string visible(std::string_view bytes) {
  return map_characters(bytes, [](char32_t c, std::string_view encoded, std::string& out) {
    if (c == '\n' || c == '\t') {
      out += encoded;
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else if (turns_direction(c)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += encoded;
    }
  });
}

std::string visible_line(std::string_view bytes) {
  std::string out;
  for (const char c : visible(bytes)) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  return out;
}

std::string without_ansi(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\x1b') {
      out += text[at];
      continue;
    }
    if (++at >= text.size()) break;
    if (text[at] == '[') {  // CSI: parameters, then one final byte
      do ++at;
      while (at < text.size() && (byte_at(text, at) < 0x40 || byte_at(text, at) > 0x7E));
    } else if (text[at] == ']') {  // OSC: until BEL or ESC backslash
      do ++at;
      while (at < text.size() && text[at] != '\x07' && text[at] != '\x1b');
      if (at + 1 < text.size() && text[at] == '\x1b' && text[at + 1] == '\\') ++at;
    }
  }
  return out;
}

std::string capped(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes;
  while (end > 0 && (byte_at(text, end) & 0xC0U) == 0x80) --end;
  return fmt::format("{} … ({} bytes more)", text.substr(0, end), text.size() - end);
}

std::string one_line(std::string_view text, std::size_t bytes) {
  std::string folded;
  for (const char c : visible(text)) {
    if (!is_space(c)) {
      folded += c;
    } else if (!folded.empty() && folded.back() != ' ') {
      folded += ' ';
    }
  }
  if (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return capped(folded, bytes);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::string> diff(std::string_view expected, std::string_view actual) {
  const auto a = lines_of(expected);
  const auto b = lines_of(actual);
  // common[i][j]: length of the longest common subsequence of a[i..] and b[j..]; all zero where that would be too much work.
  const std::size_t width = b.size() + 1;
  const bool affordable = (a.size() + 1) * width <= kDiffCells;
  std::vector<std::size_t> common(affordable ? (a.size() + 1) * width : 0);
  for (std::size_t i = affordable ? a.size() : 0; i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i * width + j] =
          a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1 : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::vector<std::string> out;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (affordable && i < a.size() && j < b.size() && a[i] == b[j]) {
      out.push_back(" " + std::string(a[i++]));
      ++j;
    } else if (i < a.size() && (j == b.size() || !affordable || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push_back("-" + std::string(a[i++]));
    } else {
      out.push_back("+" + std::string(b[j++]));
    }
  }
  return out;
}

std::string duration_text(double milliseconds) {
  if (milliseconds < 1000) return fmt::format("{:.0f} ms", milliseconds);
  if (milliseconds < 60'000) return fmt::format("{:.1f} s", milliseconds / 1000);
  const auto seconds = static_cast<std::uint64_t>(milliseconds / 1000);
  return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

std::string counted(std::size_t number, std::string_view noun) { return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s"); }

}  // namespace entryproof::reports
