// Authority: a certificate authority of the simulated cluster, and the serving certificates that it issues.
//
// A root is a key and a self-signed certificate whose common name says which one it is ("entryproof-ca-0", …); an intermediate is signed by
// one. Authorities and what they issue are made at first use and kept for the life of the process, so that a world costs neither key
// generation nor signatures. Worlds may share them: what tells two worlds apart is their tokens. Names, serial numbers and times depend on
// the request alone, and certificates of equal requests have equal length in every run.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simulator/cluster/keys.h"

namespace entryproof::cluster {

// When a certificate is valid: seconds since the epoch, both ends included.
struct Validity {
  std::int64_t from = 1'577'836'800;   // 2020-01-01T00:00:00Z
  std::int64_t until = 2'524'607'999;  // 2049-12-31T23:59:59Z

  static Validity expired() { return {1'577'836'800, 1'609'459'199}; }        // the year 2020
  static Validity not_yet_valid() { return {2'493'072'000, 2'524'607'999}; }  // the year 2049
  friend auto operator<=>(const Validity&, const Validity&) = default;
};

// What a serving certificate shall say.
struct ServingRequest {
  std::vector<std::string> names;      // DNS names
  std::vector<std::string> addresses;  // IP addresses as text, IPv6 without brackets
  Validity validity = {};
  KeyType key = KeyType::kEcP256;
  std::string common_name = "kube-apiserver";  // no client of today looks at it

  friend auto operator<=>(const ServingRequest&, const ServingRequest&) = default;
};

// What a TLS server is set up with. PEM.
struct ServingCertificate {
  std::string chain_pem;  // its own certificate, then the intermediates below the root, in order
  std::string key_pem;    // PKCS #8
};

class Authority {
 public:
  // The root of that number, key type and validity; always the same one. Thread-safe. The reference stays valid until the process ends.
  static const Authority& pooled(std::size_t index, KeyType key = KeyType::kEcP256, Validity validity = {});

  // An intermediate authority below this one ("entryproof-ca-0-intermediate-0"), of the same key type.
  const Authority& intermediate(std::size_t number = 0, Validity validity = {}) const;

  // A serving certificate; equal requests get the same one. Thread-safe. Aborts on an address that is none: requests are ours.
  std::shared_ptr<const ServingCertificate> serving(const ServingRequest& request) const;

  const std::string& common_name() const { return common_name_; }
  // The CA's own certificate, PEM, one block with a final newline.
  const std::string& certificate_pem() const { return certificate_pem_; }

  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

 private:
  struct Parts;
  Authority(std::string common_name, KeyType key, Validity validity, const Authority* issuer);

  std::string common_name_;
  std::string certificate_pem_;
  std::string below_root_pem_;  // this certificate and those above it, without the root
  KeyType key_type_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace entryproof::cluster
