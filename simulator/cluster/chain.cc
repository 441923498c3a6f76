#include "simulator/cluster/chain.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simulator/base/digest.h"
#include "simulator/cluster/keys.h"

namespace entryproof::cluster {
namespace {

using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using Stack = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) { sk_X509_free(stack); })>;

constexpr std::size_t kMaximumText = 1 << 20;
constexpr std::size_t kMaximumCertificates = 256;

// A certificate of a PEM block's base64 text; nullptr if it is none.
Certificate decode(std::string_view body) {
  std::string base64;
  std::copy_if(body.begin(), body.end(), std::back_inserter(base64),
               [](char c) { return c != '\n' && c != '\r' && c != ' ' && c != '\t'; });
  const auto der = base64_decode(base64);
  if (!der) return nullptr;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(der->data());
  const auto* cursor = bytes;
  Certificate certificate(d2i_X509(nullptr, &cursor, static_cast<long>(der->size())));
  if (certificate && cursor != bytes + der->size()) certificate.reset();  // Go refuses what trails a certificate
  return certificate;
}

std::vector<Certificate> read_certificates(std::string_view pem) {
  static constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  static constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<Certificate> certificates;
  if (pem.size() > kMaximumText) return certificates;
  for (std::size_t at = 0; certificates.size() < kMaximumCertificates;) {
    const auto begin = pem.find(kBegin, at);
    const auto end = begin == std::string_view::npos ? begin : pem.find("-----", begin + kBegin.size());
    if (end == std::string_view::npos) break;
    at = end;
    if ((begin != 0 && pem[begin - 1] != '\n') || !pem.substr(end).starts_with(kEnd)) continue;
    const auto body = begin + kBegin.size();
    if (auto certificate = decode(pem.substr(body, end - body))) certificates.push_back(std::move(certificate));
  }
  ERR_clear_error();
  return certificates;
}

// What was computed of a text, for the last so many texts. Two threads that miss at once both compute.
template <class Value>
class Memory {
 public:
  template <class Good, class Make>
  Value get(std::string key, Good good, Make make) {
    {
      const std::scoped_lock lock(mutex_);
      if (const auto found = values_.find(key); found != values_.end() && good(found->second)) return found->second;
    }
    Value value = make();
    if (key.size() > kMaximumKey) return value;
    const std::scoped_lock lock(mutex_);
    if (values_.size() >= kMost) values_.clear();
    values_.insert_or_assign(std::move(key), value);
    return value;
  }

 private:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kMaximumKey = 64 << 10;
  std::mutex mutex_;
  std::unordered_map<std::string, Value> values_;
};

// Decoding a certificate's key costs more than verifying with it, and worlds have few certificates.
using Certificates = std::shared_ptr<const std::vector<Certificate>>;
Certificates certificates_of(std::string_view pem) {
  static Memory<Certificates> memory;
  return memory.get(
      std::string(pem), [](const Certificates&) { return true; },
      [&] { return std::make_shared<const std::vector<Certificate>>(read_certificates(pem)); });
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm broken{};
  return ASN1_TIME_to_tm(time, &broken) == 1 ? timegm(&broken) : 0;
}

// A verdict, and the seconds (both included) between which it holds.
struct Verdict {
  std::optional<std::string> defect;
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  std::int64_t until = std::numeric_limits<std::int64_t>::max();

  // Times at which a certificate begins and ends to be valid cut the span around `now`.
  void cut(const X509* certificate, std::int64_t now) {
    const std::int64_t begins = seconds_of(X509_get0_notBefore(certificate));
    const std::int64_t ended = seconds_of(X509_get0_notAfter(certificate)) + 1;
    for (const std::int64_t edge : {begins, ended}) {
      if (edge <= now) from = std::max(from, edge);
      if (edge > now) until = std::min(until, edge - 1);
    }
  }
};

bool ends_with_dot(std::string_view host) { return host.size() > 1 && host.ends_with('.'); }

// The host as it may be shown: it comes from a document that anybody may have written.
std::string shown(std::string_view host) {
  std::string text(host.substr(0, 100));
  for (char& c : text) c = c >= 0x20 && c < 0x7f ? c : '?';
  return text;
}

// In Go's words, so that a person finds them in a log.
std::string words(int error, X509_STORE_CTX* context, std::string_view host) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "x509: certificate has expired or is not yet valid: it has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "x509: certificate has expired or is not yet valid: its time has not come";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("x509: certificate is not valid for {}", shown(host));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "x509: certificate signed by unknown authority";
    default:
      return fmt::format("x509: {} (at depth {})", X509_verify_cert_error_string(error), X509_STORE_CTX_get_error_depth(context));
  }
}

Verdict judge(std::string_view ca_pem, std::string_view chain_pem, std::string_view host, std::int64_t now) {
  Verdict verdict;
  const Certificates anchors = certificates_of(ca_pem);
  const Certificates chain = certificates_of(chain_pem);
  for (const auto& certificate : *anchors) verdict.cut(certificate.get(), now);
  for (const auto& certificate : *chain) verdict.cut(certificate.get(), now);
  if (chain->empty()) {
    verdict.defect = "tls: the server has no certificate";
    return verdict;
  }

  const Store store(X509_STORE_new());
  const Stack others(sk_X509_new_null());
  const StoreContext context(X509_STORE_CTX_new());
  if (!store || !others || !context) std::abort();
  for (const auto& anchor : *anchors) X509_STORE_add_cert(store.get(), anchor.get());
  for (const auto& certificate : *chain) sk_X509_push(others.get(), certificate.get());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain->front().get(), others.get()) != 1) std::abort();
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, now);
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (const auto address = canonical_address(host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(rules, address->c_str()) != 1) std::abort();
  } else {
    const auto name = ends_with_dot(host) ? host.substr(0, host.size() - 1) : host;
    // An empty name would mean "do not check"; a NUL would end it early.
    if (name.empty() || name.find('\0') != std::string_view::npos || X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) != 1) {
      verdict.defect = "x509: no certificate is valid for such a host name";
      return verdict;
    }
  }
  if (X509_verify_cert(context.get()) != 1) verdict.defect = words(X509_STORE_CTX_get_error(context.get()), context.get(), host);
  ERR_clear_error();
  return verdict;
}

}  // namespace

std::optional<std::string> chain_defect(std::string_view ca_pem, std::string_view chain_pem, std::string_view host, std::int64_t wall_ns) {
  static Memory<Verdict> memory;
  const std::int64_t now = wall_ns / 1'000'000'000;
  std::string key = fmt::format("{} {} ", ca_pem.size(), chain_pem.size());
  key.append(ca_pem).append(chain_pem).append(host);
  return memory
      .get(
          std::move(key), [&](const Verdict& verdict) { return verdict.from <= now && now <= verdict.until; },
          [&] { return judge(ca_pem, chain_pem, host, now); })
      .defect;
}

std::size_t certificates_in(std::string_view pem) { return certificates_of(pem)->size(); }

std::optional<std::string> canonical_address(std::string_view text) {
  const std::string asked(text);
  if (asked.size() != std::strlen(asked.c_str())) return std::nullopt;
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> shown{};
  if (inet_pton(AF_INET, asked.c_str(), bytes.data()) == 1) return inet_ntop(AF_INET, bytes.data(), shown.data(), shown.size());
  if (inet_pton(AF_INET6, asked.c_str(), bytes.data()) != 1) return std::nullopt;
  static constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return inet_ntop(AF_INET, bytes.data() + 12, shown.data(), shown.size());
  return inet_ntop(AF_INET6, bytes.data(), shown.data(), shown.size());
}

}  // namespace entryproof::cluster
