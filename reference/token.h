// Token: what a service account's token says of itself.
//
// Read for people's sake, and to tell two instances' tokens apart; never to decide when to refresh. A token that says nothing, since it is
// no JWT or does not expire, is as good as any other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reference {

struct Claims {
  std::optional<std::int64_t> issued;   // seconds since 1970
  std::optional<std::int64_t> expires;  // likewise
  std::string issuer;
  std::string subject;
  std::string text;  // all claims, to be compared
};

// Nothing if it is no JWT. The signature is not looked at.
std::optional<Claims> read_claims(std::string_view token);

// Of two tokens of one account, given to two Pods: is `theirs` the later one? Of any two tokens at most one is later than the other; none
// is if either says nothing of itself, or they say the same.
bool is_later(std::string_view theirs, std::string_view ours);

// "expires 2026-01-31T08:15:00Z, in 58 min"; "does not say when it expires".
std::string describe_expiry(const std::optional<Claims>& claims, std::int64_t now);
// Less than a tenth of its life is left, or nothing.
bool is_ending(std::string_view token, std::int64_t now);

}  // namespace reference
