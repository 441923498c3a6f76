#include "reference/certificate.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace reference {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

// The value of each digit; kNone for what is none.
constexpr std::uint8_t kNone = 255;
constexpr auto kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return digits;
}();

std::uint32_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

// One SEQUENCE, in definite form, that fills all of `der` and is not empty.
bool is_der_sequence(std::string_view der) {
  if (der.size() < 3 || byte_at(der, 0) != 0x30) return false;
  std::size_t header = 2;
  std::size_t length = byte_at(der, 1);
  if (length >= 0x80) {
    const std::size_t octets = length & 0x7f;
    if (octets == 0 || octets > 4 || der.size() < 2 + octets) return false;
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = (length << 8) | byte_at(der, 2 + i);
    header += octets;
  }
  return length > 0 && der.size() - header == length;
}

// A marker counts at the beginning of a line only: that is where clients look for it.
std::size_t find_marker(std::string_view pem, std::string_view marker, std::size_t from) {
  std::size_t at = pem.find(marker, from);
  while (at != std::string_view::npos && at > 0 && pem[at - 1] != '\n') at = pem.find(marker, at + 1);
  return at;
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3, at += 4) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group =
        (byte_at(bytes, i) << 16) | (left > 1 ? byte_at(bytes, i + 1) << 8 : 0) | (left > 2 ? byte_at(bytes, i + 2) : 0);
    out[at] = kAlphabet[group >> 18];
    out[at + 1] = kAlphabet[(group >> 12) & 63];
    if (left > 1) out[at + 2] = kAlphabet[(group >> 6) & 63];
    if (left > 2) out[at + 3] = kAlphabet[group & 63];
  }
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    const std::uint8_t value = kDigits[static_cast<unsigned char>(c)];
    if (c == '=') {
      if (digits < 2) return std::nullopt;
      ++padding;
    } else if (value == kNone || padding > 0) {
      return std::nullopt;
    }
    group = (group << 6) | (c == '=' ? 0U : value);
    if (++digits < 4) continue;
    for (int i = 0; i < 3 - padding; ++i) out += static_cast<char>(static_cast<unsigned char>(group >> (16 - 8 * i)));
    group = 0;
    digits = 0;
  }
  if (digits != 0) return std::nullopt;
  return out;
}

std::string why_no_certificates(std::string_view pem) {
  if (pem.find_first_not_of(" \t\r\n") == std::string_view::npos) return "it is empty";
  std::size_t good = 0;
  bool ended = true;
  std::size_t at = find_marker(pem, kBegin, 0);
  if (at == std::string_view::npos) return "it holds no PEM certificate";
  while (at != std::string_view::npos) {
    const std::size_t body = at + kBegin.size();
    const std::size_t end = pem.find("-----", body);  // no base64 has one
    ended = end != std::string_view::npos && pem[end - 1] == '\n' && pem.substr(end).starts_with(kEnd);
    const auto der = ended ? decode_base64(pem.substr(body, end - body)) : std::nullopt;
    if (der && is_der_sequence(*der)) ++good;
    at = end == std::string_view::npos ? end : find_marker(pem, kBegin, end);
  }
  if (!ended) return "its last certificate has no end";
  return good > 0 ? "" : "its certificate cannot be decoded";
}

}  // namespace reference
