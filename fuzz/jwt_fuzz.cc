// Any bytes as a token that nobody has signed, and what it says of itself: the audit and the reference, who share no code, read the same
// times where both read any, and nothing that is said of them holds a line's end. What begins with "{" are the claims of a token whose
// header and signature are in order.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "reference/certificate.h"
#include "reference/token.h"
#include "simulator/audit/life.h"

namespace entryproof::fuzz {

namespace {

constexpr std::int64_t kNow = 1'767'225'600;

std::string base64url(std::string_view bytes) {
  std::string text = reference::encode_base64(bytes);
  std::erase(text, '=');
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

}  // namespace

void jwt(std::string_view bytes) {
  const bool claims = bytes.starts_with('{');
  const auto token = claims ? base64url(R"({"alg":"RS256"})") + "." + base64url(bytes) + ".c2lnbmF0dXJl" : std::string(bytes);
  const auto life = audit::token_life(token);
  const auto read = reference::read_claims(token);
  // What is no UTF-8, or has a name twice, one of them refuses, and a number next to nothing is out of range to one and zero to the other;
  // else what both read they read alike.
  if (life.jwt && read) {
    demand(life.issued.value_or(0) == 0 || life.issued == read->issued);
    demand(life.expires.value_or(0) == 0 || life.expires == read->expires);
  }
  demand(is_line(reference::describe_expiry(read, kNow)));
  demand(!reference::is_later(token, token));
  static_cast<void>(reference::is_ending(token, kNow));
  demand(life.digest.size() == (token.empty() ? 0 : 12));
  if (const auto due = life.successor_due()) {
    demand(*due >= *life.issued && *due < (life.warn_after ? *life.warn_after : *life.expires));
    demand(is_line(audit::time_text(*due)) && is_line(audit::span_text(*due - kNow)));
  }
  if (const auto time = audit::parse_time(bytes)) {
    demand(is_line(audit::time_text(*time)) && is_line(audit::span_text(*time - kNow)));
  } else {
    demand(!time.error().message.empty());
  }
}

}  // namespace entryproof::fuzz
