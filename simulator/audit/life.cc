#include "simulator/audit/life.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "simulator/base/digest.h"
#include "simulator/oracles/certificates.h"
#include "simulator/oracles/json_value.h"

namespace entryproof::audit {
namespace {

using oracles::JsonValue;

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr double kLatest = 253'402'300'799;  // the end of the year 9999

// A number of exactly `width` digits at `at`, which is moved behind it and the `separator` that must follow.
bool take_number(std::string_view& text, std::size_t width, std::string_view separators, int& number) {
  if (text.size() < width) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + width, number);
  if (error != std::errc{} || end != text.data() + width || number < 0) return false;
  text.remove_prefix(width);
  if (separators.empty()) return true;
  if (text.empty() || !separators.contains(text.front())) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  return base64_decode(plain);
}

std::optional<std::int64_t> moment(const JsonValue& claims, std::string_view name) {
  const JsonValue* value = claims.find(name);
  if (value == nullptr || !value->is(JsonValue::Kind::kNumber)) return std::nullopt;
  const double seconds = value->number();
  if (!(seconds >= 0 && seconds <= kLatest)) return std::nullopt;
  return static_cast<std::int64_t>(seconds);
}

std::optional<std::int64_t> seconds_of(const ASN1_TIME* time) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return std::nullopt;
  return std::int64_t{::timegm(&broken)};
}

struct Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

Result<std::int64_t> parse_time(std::string_view text) {
  const auto refuse = [whole = std::string(text)] {
    return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no time; write it like 2026-12-01T14:07:00Z", whole));
  };
  std::tm time{};
  const bool taken = take_number(text, 4, "-", time.tm_year) && take_number(text, 2, "-", time.tm_mon) &&
                     take_number(text, 2, "Tt ", time.tm_mday) && take_number(text, 2, ":", time.tm_hour) &&
                     take_number(text, 2, ":", time.tm_min) && take_number(text, 2, "", time.tm_sec);
  if (!taken || time.tm_mon < 1 || time.tm_mon > 12 || time.tm_hour > 23 || time.tm_min > 59 || time.tm_sec > 60) return refuse();
  const std::tm asked = time;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  std::int64_t seconds = ::timegm(&time);
  if (time.tm_mday != asked.tm_mday) return refuse();  // the 31st of June
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return refuse();
    text.remove_prefix(digits);
  }
  if (text == "Z" || text == "z") return seconds;
  if (!text.starts_with('+') && !text.starts_with('-')) return refuse();
  const std::int64_t sign = text.front() == '+' ? -1 : 1;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!take_number(text, 2, ":", hours) || !take_number(text, 2, "", minutes) || !text.empty() || hours > 23 || minutes > 59)
    return refuse();
  return seconds + sign * (hours * kHour + minutes * kMinute);
}

std::string time_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm broken{};
  if (::gmtime_r(&time, &broken) == nullptr) return fmt::format("{} s after 1970", seconds);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", broken.tm_year + 1900, broken.tm_mon + 1, broken.tm_mday, broken.tm_hour,
                     broken.tm_min);
}

std::string span_text(std::int64_t seconds) {
  seconds = std::abs(seconds);
  if (seconds < kMinute) return fmt::format("{} s", seconds);
  if (seconds < kHour) return fmt::format("{} min", seconds / kMinute);
  if (seconds < 2 * kDay) return fmt::format("{} h {} min", seconds / kHour, seconds % kHour / kMinute);
  return fmt::format("{} days", seconds / kDay);
}

std::optional<std::int64_t> TokenLife::successor_due() const {
  const auto end = warn_after ? warn_after : expires;
  if (!issued || !end || *end <= *issued) return std::nullopt;
  return *issued + std::min((*end - *issued) / 5 * 4, kDay);
}

TokenLife token_life(std::string_view token) {
  constexpr std::size_t kClaimsMax = 64 * 1024;
  TokenLife life;
  if (!token.empty()) life.digest = sha256_hex(token).substr(0, 12);
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || second - first > kClaimsMax || token.find('.', second + 1) != std::string_view::npos) return life;
  const auto bytes = decode_base64url(token.substr(first + 1, second - first - 1));
  if (!bytes) return life;
  std::string reason;
  const auto claims = oracles::parse_json_value(*bytes, reason, {.bytes = kClaimsMax, .depth = 16, .values = 1000});
  if (!claims || !claims->is(JsonValue::Kind::kObject)) return life;
  life.jwt = true;
  life.issued = moment(*claims, "iat");
  life.expires = moment(*claims, "exp");
  life.issuer = claims->text_of("iss");
  if (const JsonValue* kubernetes = claims->find("kubernetes.io"); kubernetes != nullptr) {
    life.warn_after = moment(*kubernetes, "warnafter");
    if (const JsonValue* pod = kubernetes->find("pod"); pod != nullptr) life.pod = pod->text_of("name");
  }
  return life;
}

std::optional<CertificateLife> longest_certificate(std::string_view pem) {
  std::optional<CertificateLife> longest;
  for (const std::string& der : oracles::certificates_of(pem)) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<X509, Free> certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
    if (certificate == nullptr) continue;
    const auto from = seconds_of(X509_get0_notBefore(certificate.get()));
    const auto until = seconds_of(X509_get0_notAfter(certificate.get()));
    if (from && until && (!longest || *until > longest->until)) longest = {*from, *until};
  }
  ERR_clear_error();
  return longest;
}

}  // namespace entryproof::audit
