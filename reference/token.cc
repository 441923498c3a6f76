#include "reference/token.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "reference/certificate.h"
#include "reference/json.h"
#include "reference/utc.h"

namespace reference {
namespace {

constexpr std::size_t kClaimsCap = 64 * 1024;
constexpr double kLatest = 1e15;  // seconds; far behind every calendar

std::optional<std::string> decode_base64_url(std::string_view text) {
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  while (standard.size() % 4 != 0) standard += '=';
  return decode_base64(standard);
}

std::optional<std::int64_t> seconds(const json::Value& claims, std::string_view name) {
  const auto found = claims.find(name);
  if (!found || found->kind() != json::Kind::kNumber) return std::nullopt;
  const std::string_view text = found->source();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value < kLatest)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::string word(const json::Value& claims, std::string_view name) {
  const auto found = claims.find(name);
  return found && found->is_string() ? found->text() : "";
}

}  // namespace

std::optional<Claims> read_claims(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  const std::string_view payload = token.substr(first + 1, second - first - 1);
  if (payload.empty() || payload.size() > kClaimsCap) return std::nullopt;
  auto text = decode_base64_url(payload);
  if (!text) return std::nullopt;
  const auto document = json::Document::parse(*text);
  if (!document || !document->root().is_object()) return std::nullopt;
  const json::Value root = document->root();
  return Claims{.issued = seconds(root, "iat"),
                .expires = seconds(root, "exp"),
                .issuer = word(root, "iss"),
                .subject = word(root, "sub"),
                .text = std::move(*text)};
}

bool is_later(std::string_view theirs, std::string_view ours) {
  const auto their = read_claims(theirs);
  const auto our = read_claims(ours);
  if (!their || !our || their->issuer != our->issuer || their->subject != our->subject) return false;
  if (!their->issued || !our->issued) return false;
  const auto rank = [](const Claims& claims) {
    return std::tuple(*claims.issued, claims.expires.value_or(0), std::string_view(claims.text));
  };
  return rank(*their) > rank(*our);
}

std::string describe_expiry(const std::optional<Claims>& claims, std::int64_t now) {
  if (!claims || !claims->expires) return "does not say when it expires";
  const std::int64_t left = *claims->expires - now;
  const std::string minutes = std::to_string((left < 0 ? -left : left) / 60) + " min";
  return "expires " + utc(*claims->expires) + ", " + (left < 0 ? minutes + " ago" : "in " + minutes);
}

bool is_ending(std::string_view token, std::int64_t now) {
  const auto claims = read_claims(token);
  if (!claims || !claims->expires) return false;
  const std::int64_t life = claims->issued ? std::max<std::int64_t>(0, *claims->expires - *claims->issued) : 0;
  return *claims->expires - now < life / 10 + 1;
}

}  // namespace reference
