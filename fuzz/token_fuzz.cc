// Any bytes as what a client sends in its Authorization header: never a crash, and a refusal that says why and shows nothing of the token.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/cluster/control_plane.h"

namespace entryproof::fuzz {

void token(std::string_view bytes) {
  using namespace cluster;  // NOLINT: a target of one folder
  static const ControlPlane plane(1, [] { return std::int64_t{1'767'225'600'000'000'000}; });
  static const std::string real = issue_token({.seed = 1, .wall_ns = 1'767'225'600'000'000'000});
  std::string header(bytes);
  // "@" stands for the three parts of a token that is good, which no fuzzer would find by itself.
  if (const auto at = header.find('@'); at != std::string::npos) header.replace(at, 1, real);
  const auto bearer = bearer_of(header);
  const auto identity = plane.authenticate(bearer);
  demand(!identity || *bearer == real);
  demand(identity || (!identity.error().reason.empty() && identity.error().reason.find('\n') == std::string::npos));
}

}  // namespace entryproof::fuzz
