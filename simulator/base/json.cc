#include "simulator/base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "simulator/base/file.h"

namespace entryproof {
namespace {

using nlohmann::json;

// Reads the text and counts lines. The lexer looks one character ahead behind a number, so a token's line is that of the last character
// that is not white space.
struct LineCounter {
  int line = 1;
  int token_line = 1;

  void take(char c) {
    if (c == '\n') {
      ++line;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      token_line = line;
    }
  }
};

class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, LineCounter* counter) : at_(at), counter_(counter) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    counter_->take(*at_);
    ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  LineCounter* counter_;
};

// The library's message without its own prefixes and without more of the text than a line of a terminal holds.
std::string syntax_message(std::string_view what) {
  if (const auto colon = what.find(": "); what.starts_with("[json.exception") && colon != std::string_view::npos) {
    what.remove_prefix(colon + 2);
  }
  constexpr std::size_t kMost = 200;
  return what.size() <= kMost ? std::string(what) : std::string(what.substr(0, kMost)) + "…";
}

// Builds the value out of the parser's events, and stops at the first refusal.
class Builder {
 public:
  Builder(const JsonLimits& limits, const LineCounter& counter, std::map<std::string, int, std::less<>>& lines)
      : limits_(limits), counter_(counter), lines_(lines) {}

  // --- the library's SAX interface ---
  bool null() { return scalar(nullptr); }
  bool boolean(bool value) { return scalar(value); }
  bool number_integer(json::number_integer_t value) { return scalar(value); }
  bool number_unsigned(json::number_unsigned_t value) { return scalar(value); }
  bool number_float(json::number_float_t value, const json::string_t&) { return scalar(value); }
  bool string(json::string_t& value) { return scalar(std::move(value)); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(json::string_t& name) {
    Level& level = open_.back();
    level.pointer = json_pointer(level.base, name);
    if (level.value->contains(name)) return refuse(ErrorCode::kInvalidInput, "duplicate key", counter_.token_line, level.pointer);
    level.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    return refuse(ErrorCode::kInvalidInput, syntax_message(error.what()), counter_.line, open_.empty() ? "" : open_.back().base);
  }

  json take() { return std::move(root_); }

  struct Refusal {
    ErrorCode code;
    std::string message;
    int line;
    std::string pointer;
  };
  const std::optional<Refusal>& refusal() const { return refusal_; }

 private:
  struct Level {
    json* value;
    std::string base;     // pointer of the container
    std::string pointer;  // pointer of the child that an object's key has announced
    std::string key;
  };

  bool refuse(ErrorCode code, std::string message, int line, std::string pointer) {
    if (!refusal_) refusal_ = Refusal{code, std::move(message), line, std::move(pointer)};
    return false;
  }

  std::string next_pointer() const {
    if (open_.empty()) return "";
    const Level& level = open_.back();
    return level.value->is_array() ? json_pointer(level.base, level.value->size()) : level.pointer;
  }

  // Puts a value where it belongs; null past the cap.
  json* place(json value, const std::string& pointer) {
    if (++values_ > limits_.values) {
      refuse(ErrorCode::kLimit, fmt::format("more than {} values", limits_.values), counter_.token_line, pointer);
      return nullptr;
    }
    lines_.emplace(pointer, counter_.token_line);
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Level& level = open_.back();
    if (level.value->is_array()) {
      level.value->push_back(std::move(value));
      return &level.value->back();
    }
    return &((*level.value)[level.key] = std::move(value));
  }

  template <class T>
  bool scalar(T&& value) {
    return place(json(std::forward<T>(value)), next_pointer()) != nullptr;
  }

  bool open(json container) {
    std::string pointer = next_pointer();
    if (open_.size() >= limits_.depth) {
      return refuse(ErrorCode::kLimit, fmt::format("nested deeper than {}", limits_.depth), counter_.token_line, std::move(pointer));
    }
    json* placed = place(std::move(container), pointer);
    if (placed == nullptr) return false;
    open_.push_back(Level{placed, std::move(pointer), {}, {}});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  const LineCounter& counter_;
  std::map<std::string, int, std::less<>>& lines_;
  json root_;
  std::vector<Level> open_;
  std::size_t values_ = 0;
  std::optional<Refusal> refusal_;
};

std::string place_text(std::string_view name, int line, std::string_view pointer) {
  return pointer.empty() ? fmt::format("{}:{}", name, line) : fmt::format("{}:{} ({})", name, line, pointer);
}

}  // namespace

JsonDocument::JsonDocument() : value_(std::make_unique<json>()) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::string_view name, const JsonLimits& limits) {
  if (text.size() > limits.bytes) return fail(ErrorCode::kLimit, fmt::format("more than {} bytes", limits.bytes), std::string(name));
  if (text.starts_with("\xEF\xBB\xBF")) return fail(ErrorCode::kInvalidInput, "a byte order mark is not JSON", fmt::format("{}:1", name));
  // The library takes a NUL for the end of the text and would not look at what follows.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    return fail(ErrorCode::kInvalidInput, "a NUL byte is not JSON", fmt::format("{}:{}", name, line));
  }
  JsonDocument document;
  document.name_ = name;
  LineCounter counter;
  Builder builder(limits, counter, document.lines_);
  const CountingIterator begin(text.data(), &counter);
  const CountingIterator end(text.data() + text.size(), &counter);
  bool parsed = false;
  try {
    parsed = json::sax_parse(begin, end, &builder);
  } catch (const json::exception& error) {
    return fail(ErrorCode::kInvalidInput, syntax_message(error.what()), fmt::format("{}:{}", name, counter.line));
  }
  if (const auto& refusal = builder.refusal())
    return fail(refusal->code, refusal->message, place_text(name, refusal->line, refusal->pointer));
  if (!parsed) return fail(ErrorCode::kInvalidInput, "not JSON", fmt::format("{}:{}", name, counter.line));
  *document.value_ = builder.take();
  return document;
}

Result<JsonDocument> JsonDocument::load(const std::string& path, const JsonLimits& limits) {
  Result<std::string> text = read_file(path, limits.bytes);
  if (!text) return std::unexpected(text.error());
  return parse(*text, path, limits);
}

int JsonDocument::line_of(std::string_view pointer) const {
  for (;;) {
    if (const auto found = lines_.find(pointer); found != lines_.end()) return found->second;
    const auto slash = pointer.rfind('/');
    if (slash == std::string_view::npos) return 1;
    pointer = pointer.substr(0, slash);
  }
}

std::string JsonDocument::where(std::string_view pointer) const { return place_text(name_, line_of(pointer), pointer); }

std::unexpected<Error> JsonDocument::refuse(std::string_view pointer, std::string message) const {
  return fail(ErrorCode::kInvalidInput, std::move(message), where(pointer));
}

std::string json_pointer(std::string_view parent, std::string_view key) {
  std::string pointer(parent);
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string json_pointer(std::string_view parent, std::size_t index) { return fmt::format("{}/{}", parent, index); }

}  // namespace entryproof
