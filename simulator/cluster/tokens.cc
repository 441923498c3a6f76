#include "simulator/cluster/tokens.h"

#include <fmt/format.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "simulator/base/digest.h"

namespace entryproof::cluster {
namespace {

using Json = nlohmann::ordered_json;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

constexpr std::size_t kMaximumLength = 16 << 10;  // of a token that verify_token() reads
constexpr std::size_t kHalf = 32;                 // bytes of r, and of s, on P-256

// The cluster's key for service-account tokens, made at first use.
EVP_PKEY* signing_key() {
  static const Key key(EVP_EC_gen("P-256"));
  if (!key) std::abort();
  return key.get();
}

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

// A UUID that depends on nothing but the text.
std::string uuid_of(std::string_view text) {
  std::string hex = sha256_hex(text).substr(0, 32);
  hex[12] = '4';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, 1, '-');
  return hex;
}

const unsigned char* octets(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// JWS wants r and s side by side (RFC 7518, 3.4) where OpenSSL speaks DER.
std::string sign(std::string_view text) {
  const DigestContext context(EVP_MD_CTX_new());
  std::vector<unsigned char> der(80);
  std::size_t size = der.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, signing_key()) != 1 ||
      EVP_DigestSign(context.get(), der.data(), &size, octets(text), text.size()) != 1) {
    std::abort();
  }
  const unsigned char* cursor = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(size)));
  std::string raw(2 * kHalf, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(raw.data());
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kHalf) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kHalf, kHalf) < 0) {
    std::abort();
  }
  return raw;
}

bool signature_fits(std::string_view text, std::string_view raw) {
  if (raw.size() != 2 * kHalf) return false;
  const Signature signature(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(octets(raw), kHalf, nullptr);
  BIGNUM* const s = BN_bin2bn(octets(raw.substr(kHalf)), kHalf, nullptr);
  if (!signature || r == nullptr || s == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) std::abort();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  const std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owned(der);
  const DigestContext context(EVP_MD_CTX_new());
  return size > 0 && context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, signing_key()) == 1 &&
         EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), octets(text), text.size()) == 1;
}

// The claims of an object that is known to be signed by us; nullopt if it is of another shape all the same.
std::optional<Claims> claims_of(const Json& json) try {
  Claims claims;
  claims.issuer = json.at("iss").get<std::string>();
  claims.subject = json.at("sub").get<std::string>();
  claims.audience = json.at("aud").at(0).get<std::string>();
  claims.id = json.at("jti").get<std::string>();
  claims.pod_name = json.at("kubernetes.io").at("pod").at("name").get<std::string>();
  claims.pod_uid = json.at("kubernetes.io").at("pod").at("uid").get<std::string>();
  claims.issued_at = json.at("iat").get<std::int64_t>();
  claims.not_before = json.at("nbf").get<std::int64_t>();
  claims.expires = json.at("exp").get<std::int64_t>();
  return claims;
} catch (const Json::exception&) {
  return std::nullopt;
}

std::string sign_claims(const TokenRequest& request, std::int64_t now) {
  const Json header = {{"alg", "ES256"}, {"kid", "entryproof-0"}};
  const Json claims = {
      {"aud", Json::array({kTokenIssuer})},
      {"exp", now + kTokenLifeSeconds},
      {"iat", now},
      {"iss", kTokenIssuer},
      {"jti", uuid_of(fmt::format("jti {} {}", request.seed, request.generation))},
      {"kubernetes.io",
       {{"namespace", "kube-system"},
        {"node", {{"name", "node-1"}, {"uid", uuid_of(fmt::format("node {}", request.seed))}}},
        {"pod", {{"name", request.pod_name}, {"uid", uuid_of(fmt::format("pod {} {}", request.seed, request.pod_name))}}},
        {"serviceaccount", {{"name", "multus"}, {"uid", uuid_of(fmt::format("account {}", request.seed))}}},
        {"warnafter", now + kTokenLifeSeconds}}},
      {"nbf", now},
      {"sub", kTokenSubject},
  };
  const std::string text = base64url_encode(header.dump()) + "." + base64url_encode(claims.dump());
  return text + "." + base64url_encode(sign(text));
}

// What has been issued. Memory worlds all begin at the same moment, so a run over many builds asks for the same tokens again and again, and
// signing is a third of what an empty world costs.
class Issued {
 public:
  std::string get(const TokenRequest& request, std::int64_t now) {
    const Key key(request.seed, request.generation, now, request.pod_name);
    const std::lock_guard lock(mutex_);
    if (const auto found = tokens_.find(key); found != tokens_.end()) return found->second;
    if (tokens_.size() == kMost) tokens_.clear();
    return tokens_.emplace(key, sign_claims(request, now)).first->second;
  }

 private:
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::string>;
  static constexpr std::size_t kMost = 4096;
  std::mutex mutex_;
  std::map<Key, std::string> tokens_;
};

}  // namespace

std::string issue_token(const TokenRequest& request) {
  static Issued issued;
  return issued.get(request, request.wall_ns / 1'000'000'000);
}

Result<Claims> verify_token(std::string_view token) {
  if (token.size() > kMaximumLength)
    return fail(ErrorCode::kLimit, fmt::format("a token of more than {} bytes is refused", kMaximumLength));
  const auto dot = token.rfind('.');
  const auto middle = token.find('.');
  if (dot == std::string_view::npos || middle == dot || token.find('.', middle + 1) != dot) {
    return fail(ErrorCode::kInvalidInput, "the token is not a JWT: it does not have three parts");
  }
  const auto signature = base64url_decode(token.substr(dot + 1));
  if (!signature || !signature_fits(token.substr(0, dot), *signature)) {
    return fail(ErrorCode::kInvalidInput, "the token's signature is not this cluster's");
  }
  // What is signed was written by issue_token(), so from here on nothing is hostile.
  const auto text = base64url_decode(token.substr(middle + 1, dot - middle - 1));
  const auto claims = text ? claims_of(Json::parse(*text, nullptr, false)) : std::nullopt;
  if (!claims) return fail(ErrorCode::kInternal, "a token that this cluster signed cannot be read back");
  return *claims;
}

}  // namespace entryproof::cluster
