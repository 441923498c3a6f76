// JsonValue: JSON as Go's decoder takes it, with every number as it was written.
//
// The common loader (simulator/base/json.h) is for our own files and refuses what Go forgives. A judge of what a runtime would load needs
// the opposite: the last of two equal keys wins, invalid UTF-8 becomes U+FFFD, but a byte order mark or a NUL is an error. Numbers keep
// their text, because 9007199254740993 and 1.0 do not survive a double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::oracles {

struct JsonMember;

struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool flag = false;
  std::string text;  // of a string, or of a number as written
  std::vector<JsonValue> items;
  std::vector<JsonMember> members;  // names once each

  bool is(Kind other) const { return kind == other; }
  const JsonValue* find(std::string_view name) const;
  // The member's text, or "" if there is no text under that name.
  std::string_view text_of(std::string_view name) const;
  double number() const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

struct JsonValueLimits {
  std::size_t bytes = 4U << 20;
  std::size_t depth = 3000;  // Go stops at 10000; the recursion of this reader has less room
  std::size_t values = 500'000;
};

// Gives the value, or fills `reason` (which quotes nothing of the text).
std::optional<JsonValue> parse_json_value(std::string_view text, std::string& reason, const JsonValueLimits& limits = {});

// Compact JSON text; numbers as they were written.
std::string to_json_text(const JsonValue& value);

}  // namespace entryproof::oracles
