// Certificates of a PEM text, as clients written in Go find them: blocks that are none are passed over, and nobody is asked for a password.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace entryproof::oracles {

// The X.509 certificates, each in DER. Untrusted; takes no longer than the text is long.
std::vector<std::string> certificates_of(std::string_view pem);

}  // namespace entryproof::oracles
