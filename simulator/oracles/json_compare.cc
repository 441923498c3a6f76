// Comparing JSON values, for delegates that must equal a primary and for trees that must hold something.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "simulator/base/json.h"
#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/json_value.h"

namespace entryproof::oracles {
namespace {

using Kind = JsonValue::Kind;

struct Rules {
  bool exact_numbers = false;
  bool subset = false;  // objects of the expected side name what must be there, not all that may be
};

// A number without what its spelling is free in: "100", "1e2" and "100.0" have the digits "1" and the exponent 2.
struct Decimal {
  bool negative = false;
  std::string digits;
  long exponent = 0;
  bool operator==(const Decimal&) const = default;
};

// Nothing for an exponent beyond all reason, which is compared as it is written.
std::optional<Decimal> decimal(std::string_view text) {
  Decimal number;
  number.negative = text.starts_with('-');
  text.remove_prefix(number.negative ? 1 : 0);
  const auto e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    const auto read = std::from_chars(exponent.data(), exponent.data() + exponent.size(), number.exponent);
    if (read.ec != std::errc() || std::abs(number.exponent) > 1'000'000'000) return std::nullopt;
  }
  for (bool fraction = false; const char c : text.substr(0, e)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    if (c != '0' || !number.digits.empty()) number.digits += c;
    if (fraction) --number.exponent;
  }
  const auto last = number.digits.find_last_not_of('0');
  if (last == std::string::npos) return Decimal{};
  number.exponent += static_cast<long>(number.digits.size() - last - 1);
  number.digits.resize(last + 1);
  return number;
}

// The same number to the last digit. What was written as an integer must stay one: programs read it into a variable that takes nothing
// else.
bool same_number(std::string_view expected, std::string_view actual) {
  if (expected == actual) return true;
  const auto is_integer = [](std::string_view text) { return text.find_first_of(".eE") == std::string_view::npos; };
  if (is_integer(expected) && !is_integer(actual)) return false;
  const auto one = decimal(expected);
  return one && one == decimal(actual);
}

std::string shown(const JsonValue& value) {
  constexpr std::size_t kMost = 120;
  std::string text = to_json_text(value);
  if (text.size() > kMost) text = text.substr(0, kMost) + "…";
  return text;
}

std::string at(const std::string& pointer, std::string_view what) {
  return fmt::format("{}: {}", pointer.empty() ? "the document" : pointer, what);
}

std::string difference(const JsonValue& expected, const JsonValue& actual, const Rules& rules, const std::string& pointer);

std::string object_difference(const JsonValue& expected, const JsonValue& actual, const Rules& rules, const std::string& pointer) {
  for (const auto& [name, value] : expected.members) {
    const JsonValue* other = actual.find(name);
    const std::string child = json_pointer(pointer, name);
    if (other == nullptr) return at(child, "is missing");
    if (std::string found = difference(value, *other, rules, child); !found.empty()) return found;
  }
  if (rules.subset) return {};
  for (const auto& [name, value] : actual.members) {
    if (expected.find(name) == nullptr) return at(json_pointer(pointer, name), "was added");
  }
  return {};
}

std::string difference(const JsonValue& expected, const JsonValue& actual, const Rules& rules, const std::string& pointer) {
  const auto changed = [&] { return at(pointer, fmt::format("{} became {}", shown(expected), shown(actual))); };
  if (expected.kind != actual.kind) return changed();
  switch (expected.kind) {
    case Kind::kNull:
      return {};
    case Kind::kBool:
      return expected.flag == actual.flag ? std::string() : changed();
    case Kind::kString:
      return expected.text == actual.text ? std::string() : changed();
    case Kind::kNumber: {
      const bool equal = rules.exact_numbers ? same_number(expected.text, actual.text) : expected.number() == actual.number();
      return equal ? std::string() : changed();
    }
    case Kind::kArray:
      if (expected.items.size() != actual.items.size()) {
        return at(pointer, fmt::format("{} elements became {}", expected.items.size(), actual.items.size()));
      }
      for (std::size_t i = 0; i < expected.items.size(); ++i) {
        std::string found = difference(expected.items[i], actual.items[i], rules, json_pointer(pointer, i));
        if (!found.empty()) return found;
      }
      return {};
    case Kind::kObject:
      return object_difference(expected, actual, rules, pointer);
  }
  return {};
}

std::string text_difference(std::string_view expected, std::string_view actual, const Rules& rules) {
  std::string reason;
  const auto wanted = parse_json_value(expected, reason);
  if (!wanted) return "what is expected is " + reason;
  const auto found = parse_json_value(actual, reason);
  if (!found) return "what is there is " + reason;
  return difference(*wanted, *found, rules, "");
}

}  // namespace

std::string json_difference(std::string_view expected, std::string_view actual, JsonEquality equality) {
  return text_difference(expected, actual, {.exact_numbers = equality == JsonEquality::kLossless});
}

std::string json_subset_difference(std::string_view pattern, std::string_view actual) {
  return text_difference(pattern, actual, {.subset = true});
}

}  // namespace entryproof::oracles
