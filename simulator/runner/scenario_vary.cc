#include "simulator/runner/scenario_vary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "simulator/runner/scenario_reader.h"

namespace entryproof::runner {
namespace {

using nlohmann::json;

constexpr std::size_t kMostRows = 200;
constexpr std::string_view kOpen = "${";

bool is_word(std::string_view text, std::string_view others) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 64 || !is_plain(text.front())) return false;
  for (const char c : text) {
    if (!is_plain(c) && others.find(c) == std::string_view::npos) return false;
  }
  return true;
}

// Fills one row into a copy of the scenario.
class Filling {
 public:
  Filling(const JsonDocument& document, const json& row, std::string context) : reader_(document, std::move(context)), row_(row) {}

  json fill(const json& value, const std::string& pointer) {
    if (value.is_string()) return fill_string(value.get_ref<const std::string&>(), pointer);
    if (value.is_array()) {
      json filled = json::array();
      for (std::size_t i = 0; i < value.size(); ++i) filled.push_back(fill(value[i], json_pointer(pointer, i)));
      return filled;
    }
    if (!value.is_object()) return value;
    json filled = json::object();
    for (const auto& [key, member] : value.items()) {
      const std::string at = json_pointer(pointer, key);
      const json name = fill_string(key, at);
      if (!name.is_string()) {
        reader_.refuse(at, "a key can only be filled with a string");
      } else if (!filled.emplace(name.get<std::string>(), fill(member, at)).second) {
        reader_.refuse(at, fmt::format("the row makes the key \"{}\" twice", name.get<std::string>()));
      }
    }
    return filled;
  }

  // After the last fill(): the values that nothing asked for are refused.
  std::optional<Error> finish(const std::string& row_pointer) {
    for (const auto& [name, value] : row_.items()) {
      if (!used_.contains(name)) reader_.refuse(json_pointer(row_pointer, name), fmt::format("no \"${{{}}}\" uses this value", name));
    }
    return reader_.error();
  }

 private:
  json fill_string(const std::string& text, const std::string& pointer) {
    std::string filled;
    std::size_t at = 0;
    for (;;) {
      const std::size_t open = text.find(kOpen, at);
      filled.append(text, at, open - at);
      if (open == std::string::npos) return filled;
      const std::size_t close = text.find('}', open);
      if (close == std::string::npos) {
        reader_.refuse(pointer, "\"${\" without \"}\"");
        return filled;
      }
      const std::string name = text.substr(open + kOpen.size(), close - open - kOpen.size());
      const auto value = row_.find(name);
      if (value == row_.end()) {
        reader_.refuse(pointer, fmt::format("nothing in \"vary\" gives \"${{{}}}\" a value here", name));
        return filled;
      }
      used_.insert(name);
      if (open == 0 && close + 1 == text.size()) return *value;
      if (!value->is_string()) {
        reader_.refuse(pointer, fmt::format("\"${{{}}}\" within a longer text must be a string", name));
        return filled;
      }
      filled += value->get_ref<const std::string&>();
      at = close + 1;
    }
  }

  ScenarioReader reader_;
  const json& row_;
  std::set<std::string> used_;
};

}  // namespace

Result<std::vector<VaryRow>> expand_vary(const JsonDocument& document) {
  json plain = document.value();
  if (!plain.is_object()) return document.refuse("", "a scenario is an object");
  plain.erase("vary");

  // A scenario without a table is a table of one row without names.
  const json nothing = json::object();
  std::vector<std::pair<std::string, JsonValue>> rows{{"", {&nothing, ""}}};
  ScenarioReader reader(document, "");
  if (const auto vary = document.value().find("vary"); vary != document.value().end()) {
    JsonFields fields(reader, {&*vary, "/vary"});
    rows = reader.members(fields.required("rows"), kMostRows);
    fields.finish();
    if (!reader.error() && rows.empty()) reader.refuse("/vary/rows", "a table without rows");
  }

  std::vector<VaryRow> cases;
  for (const auto& [key, row] : rows) {
    if (!key.empty() || document.value().contains("vary")) {
      if (!is_word(key, "._-")) reader.refuse(row, "a row's key is made of lower-case letters, digits, \".\", \"_\" and \"-\"");
      for (const auto& [name, value] : reader.members(row, 64)) {
        if (!is_word(name, "_")) reader.refuse(value, "a name is made of lower-case letters, digits and \"_\"");
      }
    }
    if (reader.error()) return std::unexpected(*reader.error());
    Filling filling(document, *row.json, key.empty() ? "" : fmt::format("row \"{}\": ", key));
    auto filled = std::make_shared<json>(filling.fill(plain, ""));
    if (auto error = filling.finish(row.pointer)) return std::unexpected(std::move(*error));
    cases.push_back({key, std::move(filled)});
  }
  if (reader.error()) return std::unexpected(*reader.error());
  return cases;
}

}  // namespace entryproof::runner
