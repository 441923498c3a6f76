// Any bytes as a bundle of CAs and as a host: never a crash, and a verdict in one line. The first line is the host, the rest is the bundle.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/cluster/authority.h"
#include "simulator/cluster/chain.h"
#include "simulator/cluster/control_plane.h"

namespace entryproof::fuzz {

void chain(std::string_view bytes) {
  using namespace cluster;  // NOLINT: a target of one folder
  constexpr std::int64_t kNow = 1'767'225'600'000'000'000;
  static const Authority& root = Authority::pooled(0);
  const auto line = bytes.find('\n');
  const auto host = bytes.substr(0, line);
  std::string bundle(line == std::string_view::npos ? std::string_view() : bytes.substr(line + 1));
  // "@" stands for the right authority, whose bytes differ from run to run.
  if (const auto at = bundle.find('@'); at != std::string::npos) bundle.replace(at, 1, root.certificate_pem());
  const auto defect = chain_defect(bundle, root.serving(usual_serving_request())->chain_pem, host, kNow);
  demand(defect || certificates_in(bundle) > 0);
  demand(!defect || (!defect->empty() && defect->find('\n') == std::string::npos));
}

}  // namespace entryproof::fuzz
