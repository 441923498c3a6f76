// Any bytes as a kubeconfig: never a crash, and an invalid one always says why, in one printable line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "simulator/oracles/kubeconfig.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool http_allowed : {false, true}) {
    const auto facts = entryproof::oracles::parse_kubeconfig(bytes, http_allowed);
    if (facts.valid != facts.reason.empty()) std::abort();
    if (facts.reason.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
