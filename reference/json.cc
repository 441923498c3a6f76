#include "reference/json.h"

#include <cmath>
#include <cstdlib>
#include <set>

namespace reference::json {

struct Token {
  Kind kind;
  std::uint32_t begin;  // bytes of the text
  std::uint32_t end;
  std::uint32_t next;  // the token after this value and all that is in it
};

// Values in the order of the text; in an object each key is a string token just before its value.
struct Tape {
  std::string text;
  std::vector<Token> tokens;
};

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | (code >> 6));
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3f));
    byte(0x80 | ((code >> 6) & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

// The four digits at `at`, or -1.
std::int32_t code_unit(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  std::int32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

struct Escape {
  std::uint32_t code;
  std::size_t length;
};

// The escape that begins with the backslash at `at`; none if it is wrong.
std::optional<Escape> escape_at(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return std::nullopt;
  switch (text[at + 1]) {
    case '"':
    case '\\':
    case '/':
      return Escape{static_cast<unsigned char>(text[at + 1]), 2};
    case 'b':
      return Escape{'\b', 2};
    case 'f':
      return Escape{'\f', 2};
    case 'n':
      return Escape{'\n', 2};
    case 'r':
      return Escape{'\r', 2};
    case 't':
      return Escape{'\t', 2};
    case 'u':
      break;
    default:
      return std::nullopt;
  }
  const std::int32_t high = code_unit(text, at + 2);
  if (high < 0 || (high >= 0xdc00 && high < 0xe000)) return std::nullopt;
  if (high < 0xd800 || high >= 0xe000) return Escape{static_cast<std::uint32_t>(high), 6};
  if (at + 7 >= text.size() || text[at + 6] != '\\' || text[at + 7] != 'u') return std::nullopt;
  const std::int32_t low = code_unit(text, at + 8);
  if (low < 0xdc00 || low >= 0xe000) return std::nullopt;
  return Escape{static_cast<std::uint32_t>(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12};
}

// What a string token (with its quotes) means.
std::string decode(std::string_view token) {
  if (token.find('\\') == std::string_view::npos) return std::string(token.substr(1, token.size() - 2));
  std::string out;
  std::size_t at = 1;
  while (at + 1 < token.size()) {
    if (token[at] != '\\') {
      out += token[at++];
      continue;
    }
    const auto escape = escape_at(token, at);
    append_utf8(out, escape->code);
    at += escape->length;
  }
  return out;
}

class Reader {
 public:
  explicit Reader(Tape& tape) : tape_(tape), text_(tape.text) {}

  // One value and blanks around it. Empty: fine; else what is wrong.
  std::string read() {
    if (text_.starts_with("\xef\xbb\xbf")) return "it begins with a byte order mark";
    if (!valid_utf8(text_)) return "it is not valid UTF-8";
    do {
      if (const char* wrong = step(); wrong != nullptr) return wrong + (" at byte " + std::to_string(at_));
    } while (!open_.empty() || !complete_);
    skip_blanks();
    return at_ == text_.size() ? "" : "there is text after the end, at byte " + std::to_string(at_);
  }

 private:
  struct Frame {
    std::uint32_t token;
    bool object;
    bool first = true;
    std::set<std::string> keys;
  };

  // Reads one value, or the end of the innermost container. Null: fine.
  const char* step() {
    skip_blanks();
    if (open_.empty()) return value();
    Frame& frame = open_.back();
    const char end = frame.object ? '}' : ']';
    if (peek() == end) {
      if (!frame.first && after_comma_) return "trailing comma";
      return close();
    }
    if (!frame.first && !after_comma_) {
      if (peek() != ',') return "a comma or an end is missing";
      ++at_;
      after_comma_ = true;
      return nullptr;
    }
    frame.first = false;
    after_comma_ = false;
    if (frame.object) {
      if (const char* wrong = key(frame); wrong != nullptr) return wrong;
    }
    return value();
  }

  const char* key(Frame& frame) {
    if (peek() != '"') return "a key is missing";
    const std::size_t begin = at_;
    if (const char* wrong = string(); wrong != nullptr) return wrong;
    if (!frame.keys.insert(decode(text_.substr(begin, at_ - begin))).second) return "a key is there twice";
    skip_blanks();
    if (peek() != ':') return "a colon is missing";
    ++at_;
    skip_blanks();
    return nullptr;
  }

  const char* value() {
    switch (peek()) {
      case '{':
        return open(Kind::kObject);
      case '[':
        return open(Kind::kArray);
      case '"':
        return string();
      case 't':
        return word("true", Kind::kTrue);
      case 'f':
        return word("false", Kind::kFalse);
      case 'n':
        return word("null", Kind::kNull);
      default:
        return number();
    }
  }

  const char* open(Kind kind) {
    if (open_.size() == kMaxDepth) return "nested too deeply";
    open_.push_back({.token = position(tape_.tokens.size()), .object = kind == Kind::kObject, .first = true, .keys = {}});
    tape_.tokens.push_back({kind, position(at_), 0, 0});
    ++at_;
    after_comma_ = false;
    return nullptr;
  }

  const char* close() {
    ++at_;
    Token& token = tape_.tokens[open_.back().token];
    token.end = position(at_);
    token.next = position(tape_.tokens.size());
    open_.pop_back();
    after_comma_ = false;
    complete_ = open_.empty();
    return nullptr;
  }

  const char* scalar(Kind kind, std::size_t begin) {
    tape_.tokens.push_back({kind, position(begin), position(at_), position(tape_.tokens.size() + 1)});
    complete_ = open_.empty();
    return nullptr;
  }

  const char* word(std::string_view expected, Kind kind) {
    if (!text_.substr(at_).starts_with(expected)) return "no JSON value";
    const std::size_t begin = at_;
    at_ += expected.size();
    return scalar(kind, begin);
  }

  const char* string() {
    const std::size_t begin = at_++;
    while (peek() != '"') {
      if (at_ >= text_.size()) return "a string has no end";
      if (static_cast<unsigned char>(peek()) < 0x20) return "control character in a string";
      if (peek() != '\\') {
        ++at_;
        continue;
      }
      const auto escape = escape_at(text_, at_);
      if (!escape) return "wrong escape in a string";
      at_ += escape->length;
    }
    ++at_;
    return scalar(Kind::kString, begin);
  }

  bool digits() {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    return at_ > begin;
  }

  const char* number() {
    const std::size_t begin = at_;
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    const std::size_t first = at_;
    if (!digits()) return begin == text_.size() ? "the text ends too early" : "no JSON value";
    if (zero && at_ - first > 1) return "a number begins with zero";
    if (peek() == '.') {
      ++at_;
      if (!digits()) return "a number has no digits after its point";
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return "a number has no digits in its exponent";
    }
    return scalar(Kind::kNumber, begin);
  }

  // A NUL is no part of JSON outside of strings and not allowed inside, so it serves as the end.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  static std::uint32_t position(std::size_t value) { return static_cast<std::uint32_t>(value); }

  Tape& tape_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Frame> open_;
  bool after_comma_ = false;
  bool complete_ = false;
};

}  // namespace

Kind Value::kind() const { return tape_->tokens[index_].kind; }

std::string_view Value::source() const {
  const Token& token = tape_->tokens[index_];
  return std::string_view(tape_->text).substr(token.begin, token.end - token.begin);
}

std::string Value::compact() const {
  std::string out;
  out.reserve(source().size());
  bool in_string = false;
  bool escaped = false;
  for (const char c : source()) {
    if (in_string || !is_blank(c)) out += c;
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = in_string && c == '\\' && !escaped;
  }
  return out;
}

std::string Value::text() const { return is_string() ? decode(source()) : ""; }

std::vector<Value> Value::items() const {
  std::vector<Value> found;
  if (!is_array()) return found;
  for (std::size_t i = index_ + 1; i < tape_->tokens[index_].next; i = tape_->tokens[i].next) found.emplace_back(*tape_, i);
  return found;
}

std::vector<std::pair<std::string, Value>> Value::members() const {
  std::vector<std::pair<std::string, Value>> found;
  if (!is_object()) return found;
  for (std::size_t i = index_ + 1; i < tape_->tokens[index_].next; i = tape_->tokens[i + 1].next) {
    found.emplace_back(Value(*tape_, i).text(), Value(*tape_, i + 1));
  }
  return found;
}

std::optional<Value> Value::find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  for (std::size_t i = index_ + 1; i < tape_->tokens[index_].next; i = tape_->tokens[i + 1].next) {
    const std::string_view written = Value(*tape_, i).source();
    const bool plain = written.find('\\') == std::string_view::npos;
    if (plain ? written.substr(1, written.size() - 2) == key : decode(written) == key) return Value(*tape_, i + 1);
  }
  return std::nullopt;
}

std::expected<Document, std::string> Document::parse(std::string text) {
  if (text.size() > 64 * 1024 * 1024) return std::unexpected("it is too large");
  auto tape = std::make_shared<Tape>();
  tape->text = std::move(text);
  if (std::string wrong = Reader(*tape).read(); !wrong.empty()) return std::unexpected(std::move(wrong));
  return Document(std::move(tape));
}

std::string_view Document::text() const { return tape_->text; }

bool Document::numbers_fit() const {
  for (const Token& token : tape_->tokens) {
    if (token.kind != Kind::kNumber) continue;
    const std::string digits = tape_->text.substr(token.begin, token.end - token.begin);
    if (std::isinf(std::strtod(digits.c_str(), nullptr))) return false;
  }
  return true;
}

std::string quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

bool valid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || at + length > text.size()) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      if ((byte & 0xc0) != 0x80) return false;
      code = (code << 6) | (byte & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    at += length;
  }
  return true;
}

}  // namespace reference::json
