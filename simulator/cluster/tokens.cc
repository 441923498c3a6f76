#include "simulator/cluster/tokens.h"

#include <fmt/format.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "simulator/base/digest.h"
#include "simulator/cluster/seeded.h"

namespace entryproof::cluster {
namespace {

using Json = nlohmann::ordered_json;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

constexpr std::size_t kMaximumLength = 16 << 10;  // of a token that verify_token() reads
constexpr std::size_t kHalf = 32;                 // bytes of r, and of s, on P-256
constexpr std::string_view kPurpose = "signing";

std::string base64url_encode(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  std::string standard(text);
  for (char& c : standard) {
    if (c == '+' || c == '/' || c == '=') return std::nullopt;
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  standard.append((4 - standard.size() % 4) % 4, '=');
  return base64_decode(standard);
}

const unsigned char* octets(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

std::string_view algorithm_of(KeyType type) { return type == KeyType::kRsa2048 ? "RS256" : "ES256"; }

// What OpenSSL calls a signature: PKCS #1 for RSA, DER for ECDSA.
std::string sign(std::string_view text, EVP_PKEY* key) {
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, octets(text), text.size()) != 1) {
    std::abort();
  }
  signature.resize(size);
  return signature;
}

// JWS wants r and s of ECDSA side by side (RFC 7518, 3.4) where OpenSSL speaks DER.
std::string raw_of_der(std::string_view der) {
  const unsigned char* cursor = octets(der);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())));
  std::string raw(2 * kHalf, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(raw.data());
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kHalf) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kHalf, kHalf) < 0) {
    std::abort();
  }
  return raw;
}

// "" if the bytes are no signature.
std::string der_of_raw(std::string_view raw) {
  if (raw.size() != 2 * kHalf) return {};
  const Signature signature(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(octets(raw), kHalf, nullptr);
  BIGNUM* const s = BN_bin2bn(octets(raw.substr(kHalf)), kHalf, nullptr);
  if (!signature || r == nullptr || s == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) std::abort();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool signature_fits(std::string_view text, std::string_view raw, KeyType type, EVP_PKEY* key) {
  const std::string signature = type == KeyType::kEcP256 ? der_of_raw(raw) : std::string(raw);
  const DigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1) std::abort();
  return !signature.empty() && EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text), text.size()) == 1;
}

Json bound_claims(const TokenRequest& request, std::int64_t now) {
  const std::int64_t nominal = now + request.life_seconds;
  Json private_claims = {
      {"namespace", "kube-system"},
      {"node", {{"name", "node-1"}, {"uid", uuid_of(fmt::format("node {}", request.seed))}}},
      {"pod",
       {{"name", request.pod_name}, {"uid", request.pod_uid.empty() ? pod_uid_of(request.seed, request.pod_name) : request.pod_uid}}},
      {"serviceaccount", {{"name", request.account}, {"uid", account_uid_of(request.seed, request.account)}}},
  };
  if (request.stretched) private_claims["warnafter"] = nominal;
  return {
      {"aud", Json::array({request.audience})},
      {"exp", request.expires.value_or(request.stretched ? now + kStretchedLifeSeconds : nominal)},
      {"iat", now},
      {"iss", request.issuer},
      {"jti", uuid_of(fmt::format("jti {} {}", request.seed, request.generation))},
      {"kubernetes.io", std::move(private_claims)},
      {"nbf", now},
      {"sub", "system:serviceaccount:kube-system:" + request.account},
  };
}

Json legacy_claims(const TokenRequest& request) {
  return {
      {"iss", kLegacyTokenIssuer},
      {"kubernetes.io/serviceaccount/namespace", "kube-system"},
      {"kubernetes.io/serviceaccount/secret.name", legacy_secret_of(request.account)},
      {"kubernetes.io/serviceaccount/service-account.name", request.account},
      {"kubernetes.io/serviceaccount/service-account.uid", account_uid_of(request.seed, request.account)},
      {"sub", "system:serviceaccount:kube-system:" + request.account},
  };
}

std::string make_token(const TokenRequest& request) {
  const Json header = {{"alg", algorithm_of(request.key.type)}, {"kid", request.key.id()}};
  const Json claims = request.legacy ? legacy_claims(request) : bound_claims(request, request.wall_ns / 1'000'000'000);
  const std::string text = base64url_encode(header.dump()) + "." + base64url_encode(claims.dump());
  std::string signature = sign(text, pooled_key(kPurpose, request.key.type, request.key.number));
  if (request.key.type == KeyType::kEcP256) signature = raw_of_der(signature);
  return text + "." + base64url_encode(signature);
}

// The key that a header names; nullopt if this process has no such key. The header is untrusted.
std::optional<SigningKey> key_of(const std::string& header) {
  const Json json = Json::parse(header, nullptr, false);
  if (!json.is_object() || !json.contains("alg") || !json.contains("kid")) return std::nullopt;
  const auto* const algorithm = json["alg"].get_ptr<const std::string*>();
  const auto* const id = json["kid"].get_ptr<const std::string*>();
  if (algorithm == nullptr || id == nullptr) return std::nullopt;
  SigningKey key;
  const auto dash = id->rfind('-');
  if (dash == std::string::npos) return std::nullopt;
  const char* const end = id->data() + id->size();
  if (const auto read = std::from_chars(id->data() + dash + 1, end, key.number); read.ec != std::errc() || read.ptr != end)
    return std::nullopt;
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048}) {
    key.type = type;
    if (key.id() == *id && *algorithm == algorithm_of(type)) return key;
  }
  return std::nullopt;
}

// The claims of an object that is known to be signed by us.
Claims claims_of(const Json& json, const SigningKey& key) {
  Claims claims;
  claims.key = key;
  claims.issuer = json.at("iss").get<std::string>();
  claims.subject = json.at("sub").get<std::string>();
  if (const auto secret = json.find("kubernetes.io/serviceaccount/secret.name"); secret != json.end()) {
    claims.secret = secret->get<std::string>();
    claims.name_space = json.at("kubernetes.io/serviceaccount/namespace").get<std::string>();
    claims.account = json.at("kubernetes.io/serviceaccount/service-account.name").get<std::string>();
    claims.account_uid = json.at("kubernetes.io/serviceaccount/service-account.uid").get<std::string>();
    return claims;
  }
  claims.audiences = json.at("aud").get<std::vector<std::string>>();
  claims.id = json.at("jti").get<std::string>();
  const Json& bound = json.at("kubernetes.io");
  claims.name_space = bound.at("namespace").get<std::string>();
  claims.account = bound.at("serviceaccount").at("name").get<std::string>();
  claims.account_uid = bound.at("serviceaccount").at("uid").get<std::string>();
  claims.pod_name = bound.at("pod").at("name").get<std::string>();
  claims.pod_uid = bound.at("pod").at("uid").get<std::string>();
  claims.issued_at = json.at("iat").get<std::int64_t>();
  claims.not_before = json.at("nbf").get<std::int64_t>();
  claims.expires = json.at("exp").get<std::int64_t>();
  if (bound.contains("warnafter")) claims.warn_after = bound.at("warnafter").get<std::int64_t>();
  return claims;
}

Result<Claims> verify(std::string_view token) {
  const auto dot = token.rfind('.');
  const auto middle = token.find('.');
  if (dot == std::string_view::npos || middle == dot || token.find('.', middle + 1) != dot)
    return fail(ErrorCode::kInvalidInput, "the token is not a JWT: it does not have three parts");
  const auto header = base64url_decode(token.substr(0, middle));
  if (!header) return fail(ErrorCode::kInvalidInput, "the token is not a JWT: its header is not base64url");
  const auto named = key_of(*header);
  EVP_PKEY* const key = named ? existing_key(kPurpose, named->type, named->number) : nullptr;
  if (key == nullptr) return fail(ErrorCode::kInvalidInput, "the token's header names no algorithm and key of this cluster");
  const auto signature = base64url_decode(token.substr(dot + 1));
  if (!signature || !signature_fits(token.substr(0, dot), *signature, named->type, key))
    return fail(ErrorCode::kInvalidInput, "the token's signature is not this cluster's");
  // What is signed was written by issue_token(), so from here on nothing is hostile.
  const auto text = base64url_decode(token.substr(middle + 1, dot - middle - 1));
  try {
    return claims_of(Json::parse(text.value_or("")), *named);
  } catch (const Json::exception&) {
    return fail(ErrorCode::kInternal, "a token that this cluster signed cannot be read back");
  }
}

// A bounded memory, for memory worlds all begin at the same moment and a run over many builds issues and reads the same tokens again and
// again; a signature is a third of what an empty world costs. Two threads that miss at once both work, and the first to come back is kept.
template <class Map, class Make>
auto remembered(std::mutex& mutex, Map& memory, const typename Map::key_type& key, Make make) {
  constexpr std::size_t kMost = 4096;
  {
    const std::scoped_lock lock(mutex);
    if (const auto found = memory.find(key); found != memory.end()) return found->second;
  }
  auto made = make();
  const std::scoped_lock lock(mutex);
  if (memory.size() >= kMost) memory.clear();
  return memory.try_emplace(key, std::move(made)).first->second;
}

}  // namespace

std::string SigningKey::id() const { return fmt::format("entryproof-{}{}", type == KeyType::kRsa2048 ? "rsa-" : "", number); }

std::string pod_uid_of(std::uint64_t seed, std::string_view pod_name) { return uuid_of(fmt::format("pod {} {}", seed, pod_name)); }

std::string account_uid_of(std::uint64_t seed, std::string_view account) {
  return uuid_of(account == "multus" ? fmt::format("account {}", seed) : fmt::format("account {} {}", seed, account));
}

std::string legacy_secret_of(std::string_view account) { return fmt::format("{}-token-5hxkv", account); }

std::string issue_token(const TokenRequest& request) {
  static std::mutex mutex;
  static std::map<TokenRequest, std::string> issued;
  TokenRequest rounded = request;  // a token knows seconds
  rounded.wall_ns -= rounded.wall_ns % 1'000'000'000;
  return remembered(mutex, issued, rounded, [&] { return make_token(rounded); });
}

Result<Claims> verify_token(std::string_view token) {
  if (token.size() > kMaximumLength)
    return fail(ErrorCode::kLimit, fmt::format("a token of more than {} bytes is refused", kMaximumLength));
  static std::mutex mutex;
  static std::unordered_map<std::string, Claims> verified;
  // What is refused is not remembered: a key that does not exist yet may be made, and hostile bytes would push out the good ones.
  {
    const std::scoped_lock lock(mutex);
    if (const auto found = verified.find(std::string(token)); found != verified.end()) return found->second;
  }
  auto claims = verify(token);
  if (!claims) return claims;
  return remembered(mutex, verified, std::string(token), [&] { return *claims; });
}

}  // namespace entryproof::cluster
