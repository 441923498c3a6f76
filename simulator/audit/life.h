// Life: how long what a kubeconfig holds is good for: the times that tokens and certificates state of themselves.
//
// A token is read, not verified: an audit has no key to do so, and a node that lies about its own token's end hurts itself. Seconds since
// the epoch throughout. No text here holds a byte of a token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "simulator/base/result.h"

namespace entryproof::audit {

// "2026-12-01T14:07:00Z", also with an offset ("+01:00") and a fraction, which is cut. kUsage otherwise.
Result<std::int64_t> parse_time(std::string_view text);
// "2026-12-01 14:07 UTC".
std::string time_text(std::int64_t seconds);
// "52 min", "3 h 20 min", "41 days": never more than it is; negative counts as its distance.
std::string span_text(std::int64_t seconds);

struct TokenLife {
  bool jwt = false;  // its claims could be read; nothing else means anything if not
  std::optional<std::int64_t> issued;
  std::optional<std::int64_t> expires;     // none: it ends when its Secret does
  std::optional<std::int64_t> warn_after;  // of one that the API server stretched: where it would have ended
  std::string issuer;
  std::string pod;     // that it is bound to, and dies with
  std::string digest;  // 12 hexadecimal digits of its SHA-256: to compare two without showing either

  // When kubelet puts its successor in place: after four fifths of its nominal life, or a day. nullopt for a token that has no end.
  std::optional<std::int64_t> successor_due() const;
};
TokenLife token_life(std::string_view token);

struct CertificateLife {
  std::int64_t from = 0;
  std::int64_t until = 0;
};
// The certificate of a bundle that lasts longest; nullopt if it holds none.
std::optional<CertificateLife> longest_certificate(std::string_view pem);

}  // namespace entryproof::audit
