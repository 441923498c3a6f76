#include "simulator/cluster/serving_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "simulator/cluster/keys.h"

namespace entryproof::cluster {
namespace {

using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

// The certificate and key are ours, so what fails here is a bug or no memory.
void demand(bool happened) {
  if (!happened) std::abort();
}

Bio reader(const std::string& pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

std::shared_ptr<SSL_CTX> make(const ServingCertificate& certificate) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  demand(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets need none
  SSL_CTX_set_num_tickets(context.get(), 1);

  const auto chain = reader(certificate.chain_pem);
  const Certificate own(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  demand(own != nullptr && SSL_CTX_use_certificate(context.get(), own.get()) == 1);
  while (X509* above = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
    demand(SSL_CTX_add0_chain_cert(context.get(), above) == 1);
  const auto key_text = reader(certificate.key_pem);
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  demand(key != nullptr && SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  ERR_clear_error();  // the end of the chain is an error to PEM_read_bio_X509
  return context;
}

}  // namespace

std::shared_ptr<ssl_ctx_st> ServingContexts::of(const std::shared_ptr<const ServingCertificate>& certificate) {
  const auto found = std::ranges::find(kept_, certificate, &decltype(kept_)::value_type::first);
  if (found != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, found);
  } else {
    kept_.emplace_front(certificate, make(*certificate));
    if (kept_.size() > kKept) kept_.pop_back();
  }
  return kept_.front().second;
}

}  // namespace entryproof::cluster
