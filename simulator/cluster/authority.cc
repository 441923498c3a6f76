#include "simulator/cluster/authority.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <map>
#include <mutex>

namespace entryproof::cluster {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

// OpenSSL fails here for lack of memory or of its own configuration only; there is nobody to whom that could be a value.
void require(bool done) {
  if (!done) std::abort();
}

void add_extension(X509* certificate, int nid, const char* value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Certificate self_signed(const std::string& common_name, std::size_t index, EVP_PKEY* key) {
  Certificate certificate(X509_new());
  require(certificate != nullptr);
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), index + 1);
  require(ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), "20200101000000Z") == 1);
  require(ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "20491231235959Z") == 1);
  X509_NAME* const name = X509_get_subject_name(x509);
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.data()),
                                     static_cast<int>(common_name.size()), -1, 0) == 1);
  require(X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1);
  add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(x509, NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign");
  // A DER-encoded ECDSA signature has 70 to 72 bytes; one length for all keeps file sizes, hence runs, alike.
  constexpr int kSignatureLength = 71;
  const ASN1_BIT_STRING* signature = nullptr;
  do {
    require(X509_sign(x509, key, EVP_sha256()) > 0);
    X509_get0_signature(&signature, nullptr, x509);
  } while (ASN1_STRING_length(signature) != kSignatureLength);
  return certificate;
}

std::string pem(X509* certificate) {
  const Bio memory(BIO_new(BIO_s_mem()));
  require(memory && PEM_write_bio_X509(memory.get(), certificate) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

struct Authority::Keys {
  std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>> key;
};

Authority::Authority(std::size_t index) : common_name_("entryproof-ca-" + std::to_string(index)), keys_(std::make_unique<Keys>()) {
  keys_->key.reset(EVP_EC_gen("P-256"));
  require(keys_->key != nullptr);
  certificate_pem_ = pem(self_signed(common_name_, index, keys_->key.get()).get());
}

Authority::~Authority() = default;

const Authority& Authority::pooled(std::size_t index) {
  static std::mutex mutex;
  static std::map<std::size_t, std::unique_ptr<Authority>> authorities;
  const std::scoped_lock lock(mutex);
  std::unique_ptr<Authority>& slot = authorities[index];
  if (!slot) slot.reset(new Authority(index));
  return *slot;
}

}  // namespace entryproof::cluster
