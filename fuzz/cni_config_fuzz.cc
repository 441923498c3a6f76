// Any bytes as a CNI configuration, single or list: never a crash; what is accepted has a name or a type, and equals itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "simulator/oracles/cni_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace entryproof::oracles;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool list : {false, true}) {
    const auto config = parse_cni_config(bytes, list);
    if (config.accepted() && config.types.empty()) std::abort();
    for (const auto& delegate : config.delegates) {
      if (!json_difference(delegate, delegate, JsonEquality::kLossless).empty()) std::abort();
    }
  }
  return 0;
}
