// JSON that loses nothing: an index over the text itself.
//
// A primary configuration is passed on to the plugin, so nothing of it may change on the way: not the digits of a number, not the order of
// keys, not an escape. A Document keeps the text and remembers where its values are; nothing is converted. Parsing does not recurse, so
// depth costs no stack, and nothing is built up that a destructor would have to walk.
//
// Stricter than most readers on purpose, since several must agree on what we publish: duplicate keys, invalid UTF-8, lone surrogates and
// trailing text are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reference::json {

// Go's readers give up at 10000 levels, and a configuration puts a few around the primary.
inline constexpr std::size_t kMaxDepth = 9000;

enum class Kind : std::uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

struct Tape;  // the text and where its values are

// A value of a document; valid as long as any copy of its Document is.
class Value {
 public:
  Value(const Tape& tape, std::size_t index) : tape_(&tape), index_(index) {}

  Kind kind() const;
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_string() const { return kind() == Kind::kString; }

  std::string_view source() const;  // exactly as it was written
  std::string compact() const;      // the same without blanks between tokens

  std::string text() const;                                    // a string's meaning, in UTF-8; empty for other kinds
  std::vector<Value> items() const;                            // of an array
  std::vector<std::pair<std::string, Value>> members() const;  // of an object, in the order of the text
  std::optional<Value> find(std::string_view key) const;       // of an object

 private:
  const Tape* tape_;
  std::size_t index_;
};

class Document {
 public:
  // The error is one line with the place, without the file's name and without any of its content.
  static std::expected<Document, std::string> parse(std::string text);

  Value root() const { return {*tape_, 0}; }
  std::string_view text() const;

  // Every number of the document fits a double. A reader written in Go refuses the file otherwise.
  bool numbers_fit() const;

 private:
  explicit Document(std::shared_ptr<const Tape> tape) : tape_(std::move(tape)) {}
  std::shared_ptr<const Tape> tape_;
};

// `text` as a JSON string with its quotes. It must be valid UTF-8.
std::string quote(std::string_view text);

bool valid_utf8(std::string_view text);

}  // namespace reference::json
