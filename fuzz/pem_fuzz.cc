// Any text as a bundle of certificates, to everybody who reads one here: whoever counts them counts the same, the reference takes what a
// client would take, and nobody asks for a password. "@" stands for a certificate that is good.
#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "reference/certificate.h"
#include "simulator/audit/life.h"
#include "simulator/cluster/authority.h"
#include "simulator/cluster/chain.h"
#include "simulator/oracles/kubeconfig.h"

namespace entryproof::fuzz {

void pem(std::string_view bytes) {
  static const std::string good = cluster::Authority::pooled(0).certificate_pem();
  std::string text;
  for (const char c : bytes) {
    if (text.size() > (1U << 16)) break;
    if (c == '@') {
      text += good;
    } else {
      text += c;
    }
  }
  const auto certificates = cluster::certificates_in(text);
  demand(oracles::count_certificates(text) == certificates);
  // What a client finds usable is not refused, unless it looks half-written.
  const auto reason = reference::why_no_certificates(text);
  demand(certificates == 0 || reason.empty() || reason == "its last certificate has no end");
  demand(reason.find('\n') == std::string::npos);
  const auto life = audit::longest_certificate(text);
  demand(!life || certificates > 0);
  const auto begin = text.find(good);
  if (begin == std::string::npos || (begin > 0 && text[begin - 1] != '\n')) return;
  // A whole certificate on lines of its own, in no block that was begun before it.
  if (text.substr(0, begin).find("-----BEGIN") != std::string::npos) return;
  demand(certificates > 0 && life.has_value());
}

}  // namespace entryproof::fuzz
