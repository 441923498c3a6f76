// Any bytes as a kubeconfig: never a crash, and an invalid one always says why, in one printable line.
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/oracles/kubeconfig.h"

namespace entryproof::fuzz {

void kubeconfig(std::string_view bytes) {
  const auto strict = oracles::parse_kubeconfig(bytes, false);
  const auto lenient = oracles::parse_kubeconfig(bytes, true);
  for (const auto* facts : {&strict, &lenient}) {
    demand(facts->valid == facts->reason.empty());
    demand(facts->reason.find('\n') == std::string::npos);
    demand(!facts->valid || facts->whole);
    // A reason quotes nothing: a token would be in it some day.
    demand(facts->token.size() < 8 || facts->reason.find(facts->token) == std::string::npos);
  }
  demand(!strict.valid || lenient.valid);  // what is good over https is good where http is allowed, too
}

}  // namespace entryproof::fuzz
