// ServingContexts: OpenSSL's view of serving certificates, made once each and shared by all worlds. For one thread.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

#include "simulator/cluster/authority.h"

struct ssl_ctx_st;  // SSL_CTX

namespace entryproof::cluster {

class ServingContexts {
 public:
  // TLS 1.2 and 1.3, session tickets that hold as long as the context lives. The last few are kept, for worlds of one kind come in rows.
  std::shared_ptr<ssl_ctx_st> of(const std::shared_ptr<const ServingCertificate>& certificate);

 private:
  static constexpr std::size_t kKept = 32;
  std::list<std::pair<std::shared_ptr<const ServingCertificate>, std::shared_ptr<ssl_ctx_st>>> kept_;  // the last used first
};

}  // namespace entryproof::cluster
