// Digests and encodings of bytes: SHA-256 and base64, by OpenSSL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace entryproof {

// Lower-case hexadecimal SHA-256, 64 characters.
std::string sha256_hex(std::string_view bytes);

// Standard base64 with padding, one line.
std::string base64_encode(std::string_view bytes);

// Strict: standard alphabet, right padding, no white space. nullopt otherwise.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace entryproof
