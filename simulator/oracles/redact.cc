#include "simulator/oracles/redact.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace entryproof::oracles {
namespace {

constexpr std::size_t kWindow = 8;  // clauses.md, SECURE-54
constexpr std::size_t kPart = 4;

// The window as a number: it has the size of one.
std::uint64_t window_at(std::string_view text, std::size_t at) {
  std::uint64_t window = 0;
  std::memcpy(&window, text.data() + at, kWindow);
  return window;
}

// A part as a number that maybe_ has room for.
std::uint32_t part_at(std::string_view text, std::size_t at) {
  std::uint32_t part = 0;
  std::memcpy(&part, text.data() + at, kPart);
  return part * 0x9e3779b1U >> 16U;
}

// How many bytes at `at` are also a part of the secret, if at least a window's worth; else 0.
std::size_t leaked_at(std::string_view text, std::size_t at, std::string_view secret) {
  if (text.size() - at < kWindow) return 0;
  std::size_t longest = 0;
  const std::string_view head = text.substr(at, kWindow);
  for (auto found = secret.find(head); found != std::string_view::npos; found = secret.find(head, found + 1)) {
    std::size_t length = kWindow;
    while (at + length < text.size() && found + length < secret.size() && text[at + length] == secret[found + length]) ++length;
    longest = std::max(longest, length);
  }
  return longest;
}

// Length of the printable UTF-8 character at the beginning; 0 if there is none.
std::size_t character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead >= 0x20 && lead < 0x7F) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90)) return 0;  // overlong
  if ((lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;  // surrogates, past the end
  if (lead == 0xC2 && byte(1) < 0xA0) return 0;                                        // C1 controls
  // Marks that turn the direction of a terminal's text around.
  if (lead == 0xE2 && byte(1) == 0x80 && (byte(2) >= 0xAA && byte(2) <= 0xAE)) return 0;
  if (lead == 0xE2 && byte(1) == 0x81 && (byte(2) >= 0xA6 && byte(2) <= 0xA9)) return 0;
  return length;
}

}  // namespace

std::string printable(std::string_view bytes, std::size_t cap) {
  constexpr std::size_t kNote = 40;  // room for "… (N bytes more)"
  std::string text;
  std::size_t cut = 0;                 // where the text would be cut, should it not fit
  std::size_t cut_off = bytes.size();  // what would be missing then
  while (!bytes.empty()) {
    const std::size_t length = character(bytes);
    std::string piece;
    if (length > 0) {
      piece = bytes.substr(0, length);
    } else if (bytes.front() == '\n') {
      piece = "\\n";
    } else if (bytes.front() == '\t') {
      piece = "\\t";
    } else if (bytes.front() == '\r') {
      piece = "\\r";
    } else {
      piece = fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes.front()));
    }
    if (text.size() + kNote <= cap) {
      cut = text.size();
      cut_off = bytes.size();
    }
    if (text.size() + piece.size() > cap) return text.substr(0, cut) + fmt::format("… ({} bytes more)", cut_off);
    text += piece;
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text;
}

Redactor::Redactor(const std::vector<std::string>& tokens) {
  for (const std::string& token : tokens) take(token);
  std::ranges::sort(windows_);
}

void Redactor::add(std::string_view token) {
  take(token);
  std::ranges::sort(windows_);
}

void Redactor::take(std::string_view token) {
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
  if (const auto dot = token.rfind('.'); dot != std::string_view::npos) token.remove_prefix(dot + 1);
  if (token.size() < kWindow) return;
  secrets_.emplace_back(token);
  for (std::size_t at = 0; at + kWindow <= token.size(); ++at) windows_.push_back(window_at(token, at));
  for (std::size_t at = 0; at + kPart <= token.size(); ++at) maybe_.set(part_at(token, at));
}

// Of the parts that a window holds, one begins at a multiple of kStride: only those are looked at.
bool Redactor::leaks(std::string_view text) const {
  constexpr std::size_t kStride = kWindow - kPart + 1;
  for (std::size_t at = 0; at + kPart <= text.size(); at += kStride) {
    if (!maybe_.test(part_at(text, at))) continue;
    for (std::size_t from = at - std::min(at, kStride - 1); from <= at && from + kWindow <= text.size(); ++from) {
      if (std::ranges::binary_search(windows_, window_at(text, from))) return true;
    }
  }
  return false;
}

std::string Redactor::redact(std::string_view text) const {
  if (!leaks(text)) return std::string(text);
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    for (const std::string& secret : secrets_) length = std::max(length, leaked_at(text, at, secret));
    if (length > 0) {
      clean += "[token]";
      at += length;
    } else {
      clean += text[at++];
    }
  }
  return clean;
}

std::string Redactor::render(std::string_view bytes, std::size_t cap) const { return printable(redact(bytes), cap); }

}  // namespace entryproof::oracles
