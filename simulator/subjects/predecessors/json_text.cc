#include "simulator/subjects/predecessors/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace entryproof::subjects::predecessor {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::size_t kGoDepth = 10000;
constexpr std::size_t kPythonDepth = 990;  // the interpreter's 1000 frames, less those it stands in already

enum class Dialect { kGo, kPython };

struct Rune {
  std::uint32_t code = 0xfffd;
  std::size_t length = 1;
  bool valid = false;
};

// The character at the head of `text`, which is not empty; one invalid byte where there is none. Overlong forms and surrogates are invalid.
Rune head(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast.at(length) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, length, true};
}

// The code of an escape \uXXXX at `at`, or -1.
int escape_at(std::string_view text, std::size_t at) {
  int code = 0;
  if (text.substr(at, 2) != "\\u" || text.size() < at + 6) return -1;
  const char* const begin = text.data() + at + 2;
  const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
  return error == std::errc() && end == begin + 4 ? code : -1;
}

bool high_surrogate(int code) { return code >= 0xd800 && code < 0xdc00; }
bool low_surrogate(int code) { return code >= 0xdc00 && code < 0xe000; }

// Rewrites a document so that a strict parser agrees with the language; an error where the language refuses it and a parser would not.
class Normaliser {
 public:
  Normaliser(std::string_view text, Dialect dialect) : text_(text), dialect_(dialect) {}

  std::expected<std::string, std::string> run() {
    if (text_.starts_with("\xef\xbb\xbf")) return std::unexpected("invalid character at the beginning: byte order mark");
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!copy_string()) return std::unexpected("invalid UTF-8");
      } else if (c == '-' || (c >= '0' && c <= '9')) {
        copy_number();
      } else {
        if (c == '[' || c == '{') ++depth_;
        if ((c == ']' || c == '}') && depth_ > 0) --depth_;
        if (depth_ > (dialect_ == Dialect::kGo ? kGoDepth : kPythonDepth)) return std::unexpected("exceeded max depth");
        out_ += c;
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  bool copy_string() {
    out_ += text_[at_++];
    while (at_ < text_.size()) {
      if (text_[at_] == '"') {
        out_ += text_[at_++];
        return true;
      }
      if (text_[at_] == '\\') {
        copy_escape();
        continue;
      }
      const Rune rune = head(text_.substr(at_));
      if (!rune.valid && dialect_ == Dialect::kPython) return false;
      out_ += rune.valid ? text_.substr(at_, rune.length) : kReplacement;
      at_ += rune.length;
    }
    return true;  // not closed: the parser says so
  }

  void copy_escape() {
    const int code = escape_at(text_, at_);
    std::size_t length = code < 0 ? 2 : 6;
    if (high_surrogate(code) && low_surrogate(escape_at(text_, at_ + 6))) {
      length = 12;
    } else if (high_surrogate(code) || low_surrogate(code)) {
      out_ += kReplacement;
      at_ += length;
      return;
    }
    out_ += text_.substr(at_, length);
    at_ += std::min(length, text_.size() - at_);
  }

  void copy_number() {
    const std::string token(text_.substr(at_, text_.find_first_not_of("+-.0123456789eE", at_) - at_));
    at_ += token.size();
    char* end = nullptr;
    const bool overflows = std::isinf(std::strtod(token.c_str(), &end)) && *end == '\0';
    out_ += overflows && dialect_ == Dialect::kPython ? "1e308" : token;
  }

  std::string_view text_;
  Dialect dialect_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::string out_;
};

template <class Json>
std::expected<Json, std::string> parse(std::string_view text, Dialect dialect) {
  auto normal = Normaliser(text, dialect).run();
  if (!normal) return std::unexpected(normal.error());
  try {
    return Json::parse(*normal);
  } catch (const nlohmann::json::exception& error) {
    return std::unexpected(std::string(error.what()));
  }
}

void append_hex(std::string& out, std::uint32_t code, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(code >> static_cast<unsigned>(shift)) & 0xfU];
}

void append_unicode_escape(std::string& out, std::uint32_t code) {
  out += "\\u";
  append_hex(out, code, 4);
}

// The letter of a short escape, or 0.
char short_escape(std::uint32_t code, std::string_view codes, std::string_view letters) {
  const std::size_t at = code < 0x80 ? codes.find(static_cast<char>(code)) : std::string_view::npos;
  return at == std::string_view::npos ? '\0' : letters[at];
}

void append_go_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const Rune rune = head(text);
    if (const char letter = short_escape(rune.code, "\"\\\n\r\t", "\"\\nrt")) {
      (out += '\\') += letter;
    } else if (rune.code < 0x20 || rune.code == '<' || rune.code == '>' || rune.code == '&' || rune.code == 0x2028 || rune.code == 0x2029) {
      append_unicode_escape(out, rune.code);
    } else {
      out += rune.valid ? text.substr(0, rune.length) : kReplacement;
    }
    text.remove_prefix(rune.length);
  }
  out += '"';
}

void append_float(std::string& out, double value) {
  std::array<char, 400> buffer = {};
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-6 || size >= 1e21);
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
  std::string text(buffer.data(), end);
  const std::size_t zero = text.find("e-0");
  if (zero != std::string::npos) text.erase(zero + 2, 1);  // 1e-07 is written 1e-7
  out += text;
}

void append_scalar(std::string& out, const nlohmann::json& value) {
  if (value.is_string()) {
    append_go_string(out, value.get_ref<const std::string&>());
  } else if (value.is_number()) {
    append_float(out, value.get<double>());
  } else {
    out += value.dump();
  }
}

// Writes a value with a stack of its own: ten thousand levels are allowed, and more than the machine's stack may hold.
class Writer {
 public:
  std::string run(const nlohmann::json& root) {
    open(root);
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next == level.value->end()) {
        out_ += level.value->is_object() ? '}' : ']';
        levels_.pop_back();
        continue;
      }
      if (level.next != level.value->begin()) out_ += ',';
      if (level.value->is_object()) {
        append_go_string(out_, level.next.key());
        out_ += ':';
      }
      open(*level.next++);
    }
    return std::move(out_);
  }

 private:
  struct Level {
    const nlohmann::json* value;
    nlohmann::json::const_iterator next;
  };

  void open(const nlohmann::json& value) {
    if (!value.is_structured()) return append_scalar(out_, value);
    out_ += value.is_object() ? '{' : '[';
    levels_.push_back({&value, value.begin()});
  }

  std::string out_;
  std::vector<Level> levels_;
};

bool printable(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0xad) return false;
  if (code >= 0x2000 && code <= 0x206f) return !(code <= 0x200f || (code >= 0x2028 && code <= 0x202f) || code >= 0x205f);
  if (code == 0x1680 || code == 0x3000 || code == 0xfeff || code == 0xfffe || code == 0xffff) return false;
  return (code < 0xd800 || code > 0xf8ff) && code < 0xe0000;
}

}  // namespace

std::expected<nlohmann::json, std::string> parse_as_go(std::string_view text) { return parse<nlohmann::json>(text, Dialect::kGo); }

std::expected<nlohmann::ordered_json, std::string> parse_as_python(std::string_view text) {
  return parse<nlohmann::ordered_json>(text, Dialect::kPython);
}

std::string marshal_as_go(const nlohmann::json& value) { return Writer().run(value); }

std::string dump_as_python(const nlohmann::ordered_json& value) {
  if (!value.is_structured()) return value.dump(-1, ' ', true);
  std::string out(1, value.is_object() ? '{' : '[');
  for (bool first = true; const auto& [key, member] : value.items()) {
    if (!std::exchange(first, false)) out += ", ";
    if (value.is_object()) out += nlohmann::ordered_json(key).dump(-1, ' ', true) + ": ";
    out += dump_as_python(member);
  }
  return out + (value.is_object() ? '}' : ']');
}

std::string quote_as_go(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = head(text);
    if (!rune.valid) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text[0]), 2);
    } else if (const char letter = short_escape(rune.code, "\"\\\a\b\f\n\r\t\v", "\"\\abfnrtv")) {
      (out += '\\') += letter;
    } else if (printable(rune.code)) {
      out += text.substr(0, rune.length);
    } else if (rune.code < 0x80) {
      out += "\\x";
      append_hex(out, rune.code, 2);
    } else if (rune.code < 0x10000) {
      append_unicode_escape(out, rune.code);
    } else {
      out += "\\U";
      append_hex(out, rune.code, 8);
    }
    text.remove_prefix(rune.length);
  }
  return out + '"';
}

}  // namespace entryproof::subjects::predecessor
