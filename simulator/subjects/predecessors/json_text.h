// JSON as Go's encoding/json and as Python's json module read and write it.
//
// The parser proper is nlohmann's; what the two languages do otherwise (bytes that are not UTF-8, lone surrogates, the depth at which they
// give up, numbers that do not fit) is settled in the text before it gets there, so that it stays a plain, strict parser.
#pragma once

#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace entryproof::subjects::predecessor {

// As json.Unmarshal into an interface{}: the last of duplicate keys wins, broken UTF-8 becomes U+FFFD, at most 10000 levels, no 1e400.
std::expected<nlohmann::json, std::string> parse_as_go(std::string_view text);

// As json.loads: broken UTF-8 is an error, so is a nesting beyond the recursion limit; 1e400 is a number; keys keep their order.
std::expected<nlohmann::ordered_json, std::string> parse_as_python(std::string_view text);

// As json.Marshal: compact, keys sorted, every number a float64, and <, >, &, U+2028 and U+2029 escaped.
std::string marshal_as_go(const nlohmann::json& value);

// As json.dumps: blanks after colons and commas, everything but ASCII escaped.
std::string dump_as_python(const nlohmann::ordered_json& value);

// As strconv.Quote, which is nearly a JSON string: \a, \v, \x7f and \U000e0001 are not. What is printable is approximated: all of planes 0
// to 13 but controls, blanks other than U+0020, format characters, surrogates and private use.
std::string quote_as_go(std::string_view text);

}  // namespace entryproof::subjects::predecessor
