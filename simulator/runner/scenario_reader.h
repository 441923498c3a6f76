// ScenarioReader: the value forms that scenario files are made of, read strictly.
//
// The first refusal is kept and everything after it is read as empty, so that whoever decodes a file can write down what a thing consists
// of without a branch per line, and ask once at the end. Every refusal names file, line and JSON pointer.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/json.h"

namespace entryproof::runner {

class ScenarioReader;

// A JSON value and where it stands; `json` is null where an optional key is missing.
struct JsonValue {
  const nlohmann::json* json = nullptr;
  std::string pointer;
  explicit operator bool() const { return json != nullptr; }
};

// An object, read key by key. finish() refuses the keys that nobody asked for.
class JsonFields {
 public:
  JsonFields(ScenarioReader& reader, JsonValue object);
  JsonValue optional(std::string_view key);
  JsonValue required(std::string_view key);  // refused when missing
  void finish();

 private:
  ScenarioReader& reader_;
  JsonValue object_;
  std::set<std::string, std::less<>> asked_;
};

class ScenarioReader {
 public:
  // `context` stands before every message: the row of `vary` that is read, or nothing.
  ScenarioReader(const JsonDocument& document, std::string context) : document_(document), context_(std::move(context)) {}

  void refuse(const JsonValue& at, std::string message);
  void refuse(const std::string& pointer, std::string message);
  const std::optional<Error>& error() const { return error_; }
  const JsonDocument& document() const { return document_; }

  // Each gives an empty value for a missing (or refused) one; optional forms give nullopt.
  std::string string(const JsonValue&, std::size_t most_bytes = 4096);
  std::string line(const JsonValue&, std::size_t most_bytes);  // printable, not empty
  std::string name(const JsonValue&);                          // of a build, a remembered state: a-z, 0-9, "-"
  std::string path(const JsonValue&);                          // "/a/b" or "node:/a/b", normalised
  std::string host_path(const JsonValue&);                     // "node:/a/b", given without "node:"
  std::string one_of(const JsonValue&, std::initializer_list<std::string_view> words);
  std::set<std::string> words(const JsonValue&, std::initializer_list<std::string_view> known);  // a list of some of them, each once
  std::optional<std::uint32_t> id(const JsonValue&);                                             // of a user or group
  std::optional<std::string> optional_string(const JsonValue&);
  std::optional<bool> boolean(const JsonValue&);
  void only_true(const JsonValue&);
  std::optional<std::uint64_t> number(const JsonValue&, std::uint64_t least, std::uint64_t most);
  std::optional<unsigned> mode(const JsonValue&);      // "0644"
  std::optional<Duration> duration(const JsonValue&);  // "500ms", "2s", "1m", "1h"
  std::string compact_json(const JsonValue&);
  std::vector<JsonValue> items(const JsonValue&, std::size_t most);                            // of an array
  std::vector<std::pair<std::string, JsonValue>> members(const JsonValue&, std::size_t most);  // of an object

 private:
  const JsonDocument& document_;
  std::string context_;
  std::optional<Error> error_;
};

// Whether the text is a path as scenario files write them; `why` is what to say if not.
bool is_scenario_path(std::string_view text, std::string* why = nullptr);

}  // namespace entryproof::runner
