// Chain: whether a client believes a server's certificates.
//
// By OpenSSL's verification under the rules of Go's crypto/x509, which is what every CNI plugin in the field is made of: any certificate of
// the client's bundle is an anchor, every certificate of the chain must be in its time, an address matches IP entries only, a name DNS
// entries only, and the common name counts for nothing. Verdicts are remembered by content and for the span of time in which they cannot
// change, for a world asks the same question after every operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace entryproof::cluster {

// Why a client that trusts `ca_pem` would not believe `chain_pem` (leaf first) at `wall_ns` when it means to talk to `host` (an address
// without brackets, or a name); nullopt if it would. One line, in the words of Go. All three texts are untrusted. Thread-safe.
std::optional<std::string> chain_defect(std::string_view ca_pem, std::string_view chain_pem, std::string_view host, std::int64_t wall_ns);

// How many certificates a bundle holds for a client: blocks that are none are passed over, as Go does. Capped at 1 MiB of text: 0 beyond.
std::size_t certificates_in(std::string_view pem);

// The address in its shortest form, an IPv4-mapped one as IPv4; nullopt if the text is no address (a zone makes it none).
std::optional<std::string> canonical_address(std::string_view text);

}  // namespace entryproof::cluster
