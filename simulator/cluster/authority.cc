#include "simulator/cluster/authority.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <tuple>

#include "simulator/base/digest.h"

namespace entryproof::cluster {
namespace {

using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

// OpenSSL fails here for lack of memory or of its own configuration only; there is nobody to whom that could be a value.
void require(bool done) {
  if (!done) std::abort();
}

// `issuer` is for the extensions that speak of it; the certificate itself if it is self-signed.
void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

// A certificate with everything but extensions and signature. The serial number is made of `identity`, which must tell it from the others
// of its issuer.
Certificate unsigned_certificate(const std::string& common_name, const std::string& identity, Validity validity, EVP_PKEY* key) {
  Certificate certificate(X509_new());
  require(certificate != nullptr);
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  // 15 hex digits behind a leading 1: always positive and always of one length.
  const std::uint64_t serial = std::stoull("1" + sha256_hex(identity).substr(0, 15), nullptr, 16);
  require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial) == 1);
  require(ASN1_TIME_set(X509_getm_notBefore(x509), validity.from) != nullptr &&
          ASN1_TIME_set(X509_getm_notAfter(x509), validity.until) != nullptr);
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.data()), static_cast<int>(common_name.size()), -1,
                                     0) == 1);
  require(X509_set_pubkey(x509, key) == 1);
  return certificate;
}

void sign(X509* certificate, EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return require(X509_sign(certificate, key, EVP_sha256()) > 0);
  // A DER-encoded ECDSA signature has 70 to 72 bytes; one length for all keeps file sizes, hence runs, alike.
  constexpr int kSignatureLength = 71;
  const ASN1_BIT_STRING* signature = nullptr;
  do {
    require(X509_sign(certificate, key, EVP_sha256()) > 0);
    X509_get0_signature(&signature, nullptr, certificate);
  } while (ASN1_STRING_length(signature) != kSignatureLength);
}

std::string pem(X509* certificate) {
  const Bio memory(BIO_new(BIO_s_mem()));
  require(memory && PEM_write_bio_X509(memory.get(), certificate) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string alternative_names(const ServingRequest& request) {
  std::string text;
  for (const auto& name : request.names) text += (text.empty() ? "DNS:" : ",DNS:") + name;
  for (const auto& address : request.addresses) text += (text.empty() ? "IP:" : ",IP:") + address;
  return text;
}

std::string identity(const ServingRequest& request) {
  return fmt::format("{} {} {} {} {}", request.common_name, alternative_names(request), request.validity.from, request.validity.until,
                     static_cast<int>(request.key));
}

}  // namespace

struct Authority::Parts {
  EVP_PKEY* key = nullptr;  // the pool's
  Certificate certificate;
  mutable std::mutex mutex;
  std::map<ServingRequest, std::shared_ptr<const ServingCertificate>> served;
  std::map<std::pair<std::size_t, Validity>, std::unique_ptr<Authority>> intermediates;
};

Authority::Authority(std::string common_name, KeyType key, Validity validity, const Authority* issuer)
    : common_name_(std::move(common_name)), key_type_(key), parts_(std::make_unique<Parts>()) {
  parts_->key = pooled_key("authority " + common_name_, key, 0);
  parts_->certificate = unsigned_certificate(
      common_name_, fmt::format("{} {} {} {}", common_name_, static_cast<int>(key), validity.from, validity.until), validity, parts_->key);
  X509* const x509 = parts_->certificate.get();
  X509* const above = issuer == nullptr ? x509 : issuer->parts_->certificate.get();
  require(X509_set_issuer_name(x509, X509_get_subject_name(above)) == 1);
  add_extension(x509, above, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(x509, above, NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign");
  add_extension(x509, above, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(x509, above, NID_authority_key_identifier, "keyid:always");
  sign(x509, issuer == nullptr ? parts_->key : issuer->parts_->key);
  certificate_pem_ = pem(x509);
  if (issuer != nullptr) below_root_pem_ = certificate_pem_ + issuer->below_root_pem_;
}

Authority::~Authority() = default;

const Authority& Authority::pooled(std::size_t index, KeyType key, Validity validity) {
  static std::mutex mutex;
  static std::map<std::tuple<std::size_t, KeyType, Validity>, std::unique_ptr<Authority>> authorities;
  const std::scoped_lock lock(mutex);
  std::unique_ptr<Authority>& slot = authorities[{index, key, validity}];
  if (!slot) slot.reset(new Authority(fmt::format("entryproof-ca-{}", index), key, validity, nullptr));
  return *slot;
}

const Authority& Authority::intermediate(std::size_t number, Validity validity) const {
  const std::scoped_lock lock(parts_->mutex);
  std::unique_ptr<Authority>& slot = parts_->intermediates[{number, validity}];
  if (!slot) slot.reset(new Authority(fmt::format("{}-intermediate-{}", common_name_, number), key_type_, validity, this));
  return *slot;
}

std::shared_ptr<const ServingCertificate> Authority::serving(const ServingRequest& request) const {
  const std::scoped_lock lock(parts_->mutex);
  std::shared_ptr<const ServingCertificate>& slot = parts_->served[request];
  if (slot) return slot;
  EVP_PKEY* const key = pooled_key("serving", request.key, 0);
  const Certificate certificate = unsigned_certificate(request.common_name, identity(request), request.validity, key);
  X509* const x509 = certificate.get();
  X509* const above = parts_->certificate.get();
  require(X509_set_issuer_name(x509, X509_get_subject_name(above)) == 1);
  add_extension(x509, above, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x509, above, NID_key_usage, "critical,digitalSignature,keyEncipherment");
  add_extension(x509, above, NID_ext_key_usage, "serverAuth");
  add_extension(x509, above, NID_authority_key_identifier, "keyid:always");
  if (const auto names = alternative_names(request); !names.empty()) add_extension(x509, above, NID_subject_alt_name, names);
  sign(x509, parts_->key);
  slot = std::make_shared<const ServingCertificate>(ServingCertificate{pem(x509) + below_root_pem_, private_key_pem(key)});
  return slot;
}

}  // namespace entryproof::cluster
