// Any bytes as the Pod's service variables, token and CA, up to the kubeconfig that the reference would write: it is whole, as the oracles
// read it, says exactly these values, and has brackets around IPv6 hosts only. Lines: host, port, protocol, --api-server, token; the rest
// is the CA, in which "@" stands for one that is good.
#include <array>
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "reference/certificate.h"
#include "reference/kubeconfig.h"
#include "reference/service_account.h"
#include "reference/token.h"
#include "simulator/cluster/authority.h"
#include "simulator/oracles/kubeconfig.h"

namespace entryproof::fuzz {

namespace {

std::string_view next_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

}  // namespace

void reference_credentials(std::string_view bytes) {
  static const std::string good = cluster::Authority::pooled(0).certificate_pem();
  demand(reference::decode_base64(reference::encode_base64(bytes)) == std::string(bytes));
  reference::Options options;
  for (auto* field : {&options.service_host, &options.service_port, &options.service_protocol, &options.api_server})
    *field = std::string(next_line(bytes));
  const auto token = reference::trimmed(next_line(bytes));
  std::string ca(bytes);
  if (const auto at = ca.find('@'); at != std::string::npos) ca.replace(at, 1, good);

  static_cast<void>(reference::describe_expiry(reference::read_claims(token), 1'767'225'600));
  demand(!reference::is_later(token, token));
  const auto endpoint = reference::find_endpoint(options);
  if (!endpoint) {
    demand(!endpoint.error().text.empty() && endpoint.error().text.find('\n') == std::string::npos);
    return;
  }
  if (!reference::why_no_token(token).empty() || !reference::why_no_certificates(ca).empty()) return;
  for (const bool verified : {true, false}) {
    const auto text = reference::render_kubeconfig(*endpoint, token, verified ? ca : "");
    const auto facts = oracles::parse_kubeconfig(text, endpoint->protocol == "http");
    demand(facts.whole && facts.form_right());
    // A certificate that is damaged inside of its frame passes for one until somebody verifies with it.
    demand(facts.valid || (verified && oracles::count_certificates(ca) == 0));
    demand(facts.token == token);
    demand(facts.insecure == !verified);
    demand(!verified || facts.ca_pem == ca);
    const auto back = reference::read_kubeconfig(text);
    demand(reference::is_generated_kubeconfig(text) && back && back->token == token && back->endpoint.url() == endpoint->url());
  }
}

}  // namespace entryproof::fuzz
