#include "simulator/runner/scenario_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace entryproof::runner {
namespace {

using nlohmann::json;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// What a value is, for messages: "a number", "an object".
std::string_view kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::string:
      return "a string";
    case json::value_t::array:
      return "an array";
    case json::value_t::object:
      return "an object";
    default:
      return "a number";
  }
}

struct Unit {
  std::string_view suffix;
  std::int64_t nanoseconds;
};
// "ms" stands before "m" and "s" because it ends like the one and begins like the other.
constexpr std::array<Unit, 4> kUnits{{{"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}}};
constexpr std::size_t kMostDurationDigits = 6;

std::optional<Duration> parse_duration(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const std::string_view digits = text.substr(0, text.size() - unit.suffix.size());
    if (digits.empty() || digits.size() > kMostDurationDigits || digits.find_first_not_of("0123456789") != std::string_view::npos)
      return {};
    std::int64_t count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    return Duration(count * unit.nanoseconds);
  }
  return {};
}

}  // namespace

// --- JsonFields ---

JsonFields::JsonFields(ScenarioReader& reader, JsonValue object) : reader_(reader), object_(std::move(object)) {
  if (object_ && !object_.json->is_object()) {
    reader_.refuse(object_, fmt::format("an object is wanted, not {}", kind_of(*object_.json)));
    object_.json = nullptr;
  }
}

JsonValue JsonFields::optional(std::string_view key) {
  asked_.emplace(key);
  if (!object_) return {};
  const auto found = object_.json->find(key);
  if (found == object_.json->end()) return {};
  return {&*found, json_pointer(object_.pointer, key)};
}

JsonValue JsonFields::required(std::string_view key) {
  JsonValue value = optional(key);
  if (!value && object_) reader_.refuse(object_, fmt::format("\"{}\" is missing", key));
  return value;
}

void JsonFields::finish() {
  if (!object_) return;
  for (const auto& [key, value] : object_.json->items()) {
    if (asked_.contains(key)) continue;
    reader_.refuse(json_pointer(object_.pointer, key), fmt::format("unknown key; known here: {}", fmt::join(asked_, ", ")));
  }
}

// --- ScenarioReader ---

void ScenarioReader::refuse(const JsonValue& at, std::string message) { refuse(at.pointer, std::move(message)); }

void ScenarioReader::refuse(const std::string& pointer, std::string message) {
  if (!error_) error_ = document_.refuse(pointer, context_ + std::move(message)).error();
}

std::string ScenarioReader::string(const JsonValue& value, std::size_t most_bytes) {
  if (!value) return {};
  if (!value.json->is_string()) {
    refuse(value, fmt::format("a string is wanted, not {}", kind_of(*value.json)));
    return {};
  }
  auto text = value.json->get<std::string>();
  if (text.size() > most_bytes) refuse(value, fmt::format("longer than {} bytes", most_bytes));
  return text;
}

std::set<std::string> ScenarioReader::words(const JsonValue& value, std::initializer_list<std::string_view> known) {
  std::set<std::string> words;
  for (const JsonValue& item : items(value, known.size())) {
    if (!words.insert(one_of(item, known)).second) refuse(item, "this word is there already");
  }
  if (value && words.empty()) refuse(value, "nothing is named");
  return words;
}

std::optional<std::uint32_t> ScenarioReader::id(const JsonValue& value) {
  constexpr std::uint64_t kMost = 65'535;
  const auto found = number(value, 0, kMost);
  return found ? std::optional(static_cast<std::uint32_t>(*found)) : std::nullopt;
}

std::optional<std::string> ScenarioReader::optional_string(const JsonValue& value) {
  if (!value) return {};
  return string(value, std::size_t{1} << 20);
}

std::string ScenarioReader::line(const JsonValue& value, std::size_t most_bytes) {
  std::string text = string(value, most_bytes);
  if (value && (text.empty() || std::ranges::any_of(text, is_control))) refuse(value, "one line of text is wanted");
  return text;
}

std::string ScenarioReader::name(const JsonValue& value) {
  std::string text = string(value, 32);
  const bool fits = !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
                    text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (value && !fits) refuse(value, "a name is wanted: a letter, then letters, digits and \"-\", all lower case, 32 at most");
  return text;
}

std::string ScenarioReader::path(const JsonValue& value) {
  std::string text = string(value, 1024);
  std::string why;
  if (value && !is_scenario_path(text, &why)) refuse(value, why);
  return text;
}

std::string ScenarioReader::host_path(const JsonValue& value) {
  std::string text = path(value);
  if (value && !text.starts_with("node:")) refuse(value, "a path of the host is wanted: \"node:/…\"");
  return text.substr(std::min(text.size(), std::string_view("node:").size()));
}

std::string ScenarioReader::one_of(const JsonValue& value, std::initializer_list<std::string_view> words) {
  std::string text = string(value);
  if (value && std::ranges::find(words, text) == words.end()) refuse(value, fmt::format("one of {} is wanted", fmt::join(words, ", ")));
  return text;
}

std::optional<bool> ScenarioReader::boolean(const JsonValue& value) {
  if (!value) return {};
  if (value.json->is_boolean()) return value.json->get<bool>();
  refuse(value, fmt::format("true or false is wanted, not {}", kind_of(*value.json)));
  return {};
}

void ScenarioReader::only_true(const JsonValue& value) {
  if (value && *value.json != json(true)) refuse(value, "only true makes sense here; leave it out otherwise");
}

std::optional<std::uint64_t> ScenarioReader::number(const JsonValue& value, std::uint64_t least, std::uint64_t most) {
  if (!value) return {};
  if (value.json->is_number_unsigned()) {
    const auto number = value.json->get<std::uint64_t>();
    if (number >= least && number <= most) return number;
  }
  refuse(value, fmt::format("a whole number from {} to {} is wanted", least, most));
  return {};
}

std::optional<unsigned> ScenarioReader::mode(const JsonValue& value) {
  if (!value) return {};
  const std::string text = value.json->is_string() ? value.json->get<std::string>() : "";
  const bool fits =
      (text.size() == 4 || text.size() == 5) && text.front() == '0' && text.find_first_not_of("01234567") == std::string::npos;
  unsigned bits = 0;
  std::from_chars(text.data(), text.data() + text.size(), bits, 8);
  if (fits && bits <= 07777) return bits;
  refuse(value, "a mode is wanted, octal and in quotes: \"0644\"");
  return {};
}

std::optional<Duration> ScenarioReader::duration(const JsonValue& value) {
  if (!value) return {};
  if (value.json->is_string()) {
    if (const auto duration = parse_duration(value.json->get_ref<const std::string&>())) return duration;
  }
  refuse(value, "a duration with its unit is wanted: \"500ms\", \"2s\", \"1m\", \"1h\"");
  return {};
}

std::string ScenarioReader::compact_json(const JsonValue& value) { return value ? value.json->dump() : std::string(); }

std::vector<JsonValue> ScenarioReader::items(const JsonValue& value, std::size_t most) {
  std::vector<JsonValue> list;
  if (!value) return list;
  if (!value.json->is_array()) {
    refuse(value, fmt::format("an array is wanted, not {}", kind_of(*value.json)));
    return list;
  }
  if (value.json->size() > most) {
    refuse(value, fmt::format("more than {} entries", most));
    return list;
  }
  for (std::size_t i = 0; i < value.json->size(); ++i) list.push_back({&(*value.json)[i], json_pointer(value.pointer, i)});
  return list;
}

std::vector<std::pair<std::string, JsonValue>> ScenarioReader::members(const JsonValue& value, std::size_t most) {
  std::vector<std::pair<std::string, JsonValue>> list;
  if (!value) return list;
  if (!value.json->is_object()) {
    refuse(value, fmt::format("an object is wanted, not {}", kind_of(*value.json)));
    return list;
  }
  if (value.json->size() > most) {
    refuse(value, fmt::format("more than {} entries", most));
    return list;
  }
  for (const auto& [key, member] : value.json->items()) list.emplace_back(key, JsonValue{&member, json_pointer(value.pointer, key)});
  return list;
}

bool is_scenario_path(std::string_view text, std::string* why) {
  const auto refuse = [&](std::string_view reason) {
    if (why != nullptr)
      *why = std::string(reason) + ": \"/host/etc/cni/net.d/x\" in the container or \"node:/etc/cni/net.d/x\" on the host";
    return false;
  };
  if (text.starts_with("node:")) text.remove_prefix(std::string_view("node:").size());
  if (!text.starts_with('/')) return refuse("an absolute path is wanted");
  if (std::ranges::any_of(text, is_control)) return refuse("no control characters in a path");
  text.remove_prefix(1);
  for (;;) {
    const auto slash = text.find('/');
    const std::string_view part = text.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return refuse("a path without empty parts, \".\" and \"..\" is wanted");
    if (part.size() > 255) return refuse("a part of the path is longer than 255 bytes");
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace entryproof::runner
