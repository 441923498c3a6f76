// Keys: the private keys of the simulated cluster, made at first use and kept for the life of the process.
//
// A world asks for "the authority's key number 2" and gets the one that every other world got: what tells worlds apart is what they sign,
// so a world costs no key generation. Keys are random and differ from run to run; nothing that is compared or replayed depends on them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct evp_pkey_st;  // EVP_PKEY, without OpenSSL's headers

namespace entryproof::cluster {

enum class KeyType : std::uint8_t { kEcP256, kRsa2048 };

// The key of that purpose ("authority", "serving", "signing"), type and number. Thread-safe; valid until the process ends. An RSA key takes
// tenths of a second at first use.
evp_pkey_st* pooled_key(std::string_view purpose, KeyType type, std::size_t number);
// The same, if somebody has asked for it before; else nullptr.
evp_pkey_st* existing_key(std::string_view purpose, KeyType type, std::size_t number);

// PKCS #8, PEM, unencrypted.
std::string private_key_pem(evp_pkey_st* key);

// Owns an OpenSSL object: std::unique_ptr<X509, Freer<X509_free>>.
template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

}  // namespace entryproof::cluster
