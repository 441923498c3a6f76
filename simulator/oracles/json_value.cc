#include "simulator/oracles/json_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace entryproof::oracles {
namespace {

using nlohmann::json;
using Kind = JsonValue::Kind;

// How many bytes the UTF-8 sequence at the beginning of `text` has; 0 if it is not valid.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool beyond = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return overlong || beyond ? 0 : length;
}

// Go's decoder replaces each byte that is no UTF-8.
std::string replace_invalid(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      clean += "\xEF\xBF\xBD";
    } else {
      clean += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

JsonValue empty(Kind kind) {
  JsonValue value;
  value.kind = kind;
  return value;
}

// Builds the value out of the parser's events.
class Builder {
 public:
  explicit Builder(const JsonValueLimits& limits) : limits_(limits) {}

  bool null() { return place({}); }
  bool boolean(bool value) {
    JsonValue made = empty(Kind::kBool);
    made.flag = value;
    return place(std::move(made));
  }
  bool number_integer(json::number_integer_t value) { return number(fmt::to_string(value)); }
  bool number_unsigned(json::number_unsigned_t value) { return number(fmt::to_string(value)); }
  bool number_float(json::number_float_t, const json::string_t& raw) { return number(raw); }
  bool string(json::string_t& value) {
    JsonValue made = empty(Kind::kString);
    made.text = std::move(value);
    return place(std::move(made));
  }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Kind::kObject); }
  bool start_array(std::size_t) { return open(Kind::kArray); }
  bool key(json::string_t& name) {
    open_.back().key = std::move(name);
    return true;
  }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    reason_ = fmt::format("not JSON at byte {}", position);
    return false;
  }

  JsonValue take() { return std::move(root_); }
  std::string& reason() { return reason_; }

 private:
  struct Level {
    JsonValue value;
    std::string key;
  };

  bool number(std::string text) {
    JsonValue made = empty(Kind::kNumber);
    made.text = std::move(text);
    return place(std::move(made));
  }

  bool open(Kind kind) {
    if (open_.size() >= limits_.depth) {
      reason_ = fmt::format("nested deeper than {}", limits_.depth);
      return false;
    }
    open_.push_back(Level{empty(kind), {}});
    return true;
  }

  bool close() {
    JsonValue done = std::move(open_.back().value);
    open_.pop_back();
    drop_repeated(done.members);
    return place(std::move(done));
  }

  bool place(JsonValue value) {
    if (++values_ > limits_.values) {
      reason_ = fmt::format("more than {} values", limits_.values);
      return false;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = open_.back();
    if (level.value.is(Kind::kArray)) {
      level.value.items.push_back(std::move(value));
    } else {
      level.value.members.push_back({std::move(level.key), std::move(value)});
    }
    return true;
  }

  // The last of equal names wins, in the first one's place. Done once per object: a search per member would be quadratic.
  static void drop_repeated(std::vector<JsonMember>& members) {
    std::unordered_map<std::string_view, std::size_t> first;
    bool repeated = false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto [entry, fresh] = first.try_emplace(members[i].name, i);
      if (fresh) continue;
      members[entry->second].value = std::move(members[i].value);
      repeated = true;
    }
    if (!repeated) return;
    std::vector<JsonMember> kept;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (first.at(members[i].name) == i) kept.push_back({members[i].name, std::move(members[i].value)});
    }
    members = std::move(kept);
  }

  JsonValueLimits limits_;
  JsonValue root_;
  std::vector<Level> open_;
  std::size_t values_ = 0;
  std::string reason_;
};

void write(const JsonValue& value, std::string& out) {
  const auto quoted = [](const std::string& text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); };
  switch (value.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
      out += value.flag ? "true" : "false";
      return;
    case Kind::kNumber:
      out += value.text;
      return;
    case Kind::kString:
      out += quoted(value.text);
      return;
    case Kind::kArray:
      out += '[';
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ',';
        write(value.items[i], out);
      }
      out += ']';
      return;
    case Kind::kObject:
      out += '{';
      for (std::size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out += ',';
        out += quoted(value.members[i].name);
        out += ':';
        write(value.members[i].value, out);
      }
      out += '}';
      return;
  }
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  const auto found = std::ranges::find(members, name, &JsonMember::name);
  return found == members.end() ? nullptr : &found->value;
}

std::string_view JsonValue::text_of(std::string_view name) const {
  const JsonValue* value = find(name);
  return value != nullptr && value->is(Kind::kString) ? std::string_view(value->text) : std::string_view{};
}

double JsonValue::number() const { return std::strtod(text.c_str(), nullptr); }

std::optional<JsonValue> parse_json_value(std::string_view text, std::string& reason, const JsonValueLimits& limits) {
  const auto refuse = [&reason](std::string why) {
    reason = std::move(why);
    return std::nullopt;
  };
  if (text.size() > limits.bytes) return refuse(fmt::format("more than {} bytes", limits.bytes));
  if (text.empty()) return refuse("empty");
  // The library passes over a byte order mark and stops at a NUL; Go refuses both.
  if (text.starts_with("\xEF\xBB\xBF")) return refuse("begins with a byte order mark");
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) return refuse(fmt::format("a NUL at byte {}", nul));
  const std::string clean = replace_invalid(text);
  Builder builder(limits);
  bool parsed = false;
  try {
    parsed = json::sax_parse(clean, &builder);
  } catch (const json::exception&) {
    return refuse("not JSON");
  }
  if (!parsed) return refuse(builder.reason().empty() ? "not JSON" : std::move(builder.reason()));
  return builder.take();
}

std::string to_json_text(const JsonValue& value) {
  std::string text;
  write(value, text);
  return text;
}

}  // namespace entryproof::oracles
