// Any bytes as a scenario file: cases, or one refusal that says why and where.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "simulator/runner/scenario_loader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto cases = entryproof::runner::parse_scenario(bytes, "fuzzed.json", "fuzzed");
  if (!cases && (cases.error().message.empty() || cases.error().where.empty())) std::abort();
  if (cases && cases->empty()) std::abort();
  return 0;
}
