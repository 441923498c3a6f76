// Any bytes as a small program of file-system operations, eight bytes a line: the enumeration of crash states finds exactly what brute
// force finds, in every model. The first byte chooses the rules.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/targets.h"
#include "simulator/durability/small_program_test_support.h"

namespace entryproof::fuzz {

namespace {

// Brute force doubles its work with each micro-operation; the property beside the enumeration goes further, more slowly.
constexpr std::size_t kMicroOperations = 7;
constexpr std::size_t kMostLines = 24;

}  // namespace

void durability(std::string_view bytes) {
  using namespace entryproof::durability;  // NOLINT: a target of one folder
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (bytes.empty()) return;
  const Rules rules{.holes = (at(0) & 1U) != 0 ? Holes::kZero : Holes::kShorter, .compound = (at(0) & 2U) != 0};
  std::vector<Draw> draws;
  for (std::size_t i = 0; i + kRecordBytes <= bytes.size() && draws.size() < kMostLines; i += kRecordBytes)
    draws.push_back({.verb = at(i + 1), .first = at(i + 2), .second = at(i + 3), .size = at(i + 4), .actor = at(i + 5)});
  const auto lines = small_program(draws, rules, kMicroOperations);
  const auto differs = disagreement(lines, rules);
  if (differs.empty()) return;
  for (const auto& line : lines) std::fprintf(stderr, "%s\n", line.c_str());
  std::fprintf(stderr, "%s\n", differs.c_str());
  demand(false);
}

}  // namespace entryproof::fuzz
