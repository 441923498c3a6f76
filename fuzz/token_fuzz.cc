// Any bytes as what a client sends in its Authorization header: never a crash, and a refusal that says why and shows nothing of the token.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "simulator/cluster/control_plane.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace entryproof::cluster;  // NOLINT: a target of one folder
  static const ControlPlane cluster(1, [] { return std::int64_t{1'767'225'600'000'000'000}; });
  static const std::string real = issue_token({.seed = 1, .wall_ns = 1'767'225'600'000'000'000});
  std::string header(reinterpret_cast<const char*>(data), size);
  // "@" stands for the three parts of a token that is good, which no fuzzer would find by itself.
  if (const auto at = header.find('@'); at != std::string::npos) header.replace(at, 1, real);
  const auto bearer = bearer_of(header);
  const auto identity = cluster.authenticate(bearer);
  if (identity && *bearer != real) std::abort();
  if (!identity && (identity.error().reason.empty() || identity.error().reason.find('\n') != std::string::npos)) std::abort();
  return 0;
}
