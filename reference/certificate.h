// Base64, and as much of PEM and DER as it takes to tell certificates from an accident.
//
// We pass the API server's certificates on; the plugin verifies with them. An empty, half-written or unrelated file must be refused before
// it replaces a good one. The outline is enough for that, so no TLS library is linked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reference {

std::string encode_base64(std::string_view bytes);                // standard alphabet, padded, one line
std::optional<std::string> decode_base64(std::string_view text);  // blanks and line ends are skipped

// Empty if `pem` holds at least one certificate: a PEM block whose content is exactly one DER SEQUENCE. Else why not, in a few words.
std::string why_no_certificates(std::string_view pem);

}  // namespace reference
