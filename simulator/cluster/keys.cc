#include "simulator/cluster/keys.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

namespace entryproof::cluster {
namespace {

class Pool {
 public:
  evp_pkey_st* find(std::string_view purpose, KeyType type, std::size_t number) {
    const std::scoped_lock lock(mutex_);
    const auto found = keys_.find({std::string(purpose), type, number});
    return found == keys_.end() ? nullptr : found->second.get();
  }

  evp_pkey_st* make(std::string_view purpose, KeyType type, std::size_t number) {
    if (auto* const key = find(purpose, type, number)) return key;
    // Made outside of the lock, for RSA is slow; of two that were made at once the first to come back stays.
    Key made(type == KeyType::kRsa2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
    if (!made) std::abort();  // no memory, or an OpenSSL without its default provider: nobody could do anything about it
    const std::scoped_lock lock(mutex_);
    return keys_.try_emplace({std::string(purpose), type, number}, std::move(made)).first->second.get();
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
  std::mutex mutex_;
  std::map<std::tuple<std::string, KeyType, std::size_t>, Key> keys_;
};

Pool& pool() {
  static Pool keys;
  return keys;
}

}  // namespace

evp_pkey_st* pooled_key(std::string_view purpose, KeyType type, std::size_t number) { return pool().make(purpose, type, number); }

evp_pkey_st* existing_key(std::string_view purpose, KeyType type, std::size_t number) { return pool().find(purpose, type, number); }

std::string private_key_pem(evp_pkey_st* key) {
  const std::unique_ptr<BIO, Freer<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  if (!memory || PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) std::abort();
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace entryproof::cluster
