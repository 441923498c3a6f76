// Authority: a certificate authority of the simulated cluster.
//
// An EC P-256 key and a self-signed certificate whose common name says which one it is ("entryproof-ca-0", …). Authorities are made at
// first use and kept for the life of the process, so that a world costs no key generation. Worlds may share them: what tells two worlds
// apart is their tokens. Certificates are valid from 2020 to 2050, and those of equal index have equal length in every run.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace entryproof::cluster {

class Authority {
 public:
  // The authority of that number; always the same one. Thread-safe. The reference stays valid until the process ends.
  static const Authority& pooled(std::size_t index);

  const std::string& common_name() const { return common_name_; }
  // The self-signed CA certificate, PEM, one block with a final newline.
  const std::string& certificate_pem() const { return certificate_pem_; }

  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

 private:
  struct Keys;
  explicit Authority(std::size_t index);

  std::string common_name_;
  std::string certificate_pem_;
  std::unique_ptr<Keys> keys_;
};

}  // namespace entryproof::cluster
