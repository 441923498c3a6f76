// JsonDocument: the one door through which JSON text enters the simulator.
//
// Scenario files, the catalogue, stored runs and CNI configurations are untrusted: text is refused when it is too long, too deep, has too
// many values, repeats a key, has a comment, a byte order mark or bytes that are not UTF-8. Every value keeps the line it ended its first
// token on, so that whoever reads a document can refuse a part of it with file, line and JSON pointer. The library's exceptions end here.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "simulator/base/result.h"

namespace entryproof {

struct JsonLimits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t depth = 64;  // of nested arrays and objects
  std::size_t values = 100'000;
};

class JsonDocument {
 public:
  // `name` is the file's name, for messages. kInvalidInput for bad text, kLimit past a cap.
  static Result<JsonDocument> parse(std::string_view text, std::string_view name, const JsonLimits& limits = {});
  // Reads a file and parses it. A file over the cap is never read whole.
  static Result<JsonDocument> load(const std::string& path, const JsonLimits& limits = {});

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  const nlohmann::json& value() const { return *value_; }
  const std::string& name() const { return name_; }
  // 1-based; of the nearest ancestor that the text has, when the pointer leads to no value of it.
  int line_of(std::string_view pointer) const;
  // "name:line (/pointer)".
  std::string where(std::string_view pointer) const;
  // The refusal of the value at `pointer`.
  std::unexpected<Error> refuse(std::string_view pointer, std::string message) const;

 private:
  JsonDocument();
  std::string name_;
  std::unique_ptr<nlohmann::json> value_;
  std::map<std::string, int, std::less<>> lines_;  // by JSON pointer
};

// Appends a key or an index to a JSON pointer, escaped as RFC 6901 says.
std::string json_pointer(std::string_view parent, std::string_view key);
std::string json_pointer(std::string_view parent, std::size_t index);

}  // namespace entryproof
