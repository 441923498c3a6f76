// What libFuzzer calls, for the one target that ENTRYPROOF_FUZZ_TARGET names.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/targets.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

const entryproof::fuzz::Target& target() {
  static const auto& kTarget =
      *std::ranges::find(entryproof::fuzz::targets(), std::string_view(ENTRYPROOF_FUZZ_TARGET), &entryproof::fuzz::Target::name);
  return kTarget;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  target().run({reinterpret_cast<const char*>(data), size});
  return 0;
}

// Half of the changes go along the grain, half are the engine's own.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned int seed) {
  if (target().grammar == entryproof::fuzz::Grammar::kBytes || seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const auto made = entryproof::fuzz::mutated({reinterpret_cast<const char*>(data), size}, target().grammar, seed / 2, max_size);
  std::ranges::copy(made, reinterpret_cast<char*>(data));
  return made.size();
}
