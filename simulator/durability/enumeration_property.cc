// The enumeration by windows, slices and hashes must find exactly what brute force finds.
#include <gtest/gtest.h>
// After gtest.h.
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "simulator/durability/play_test_support.h"
#include "simulator/durability/small_program_test_support.h"

namespace entryproof::durability {
namespace {

constexpr std::size_t kMicroOperations = 12;

std::vector<Draw> draws() {
  const auto numbers = *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0U, 1U << 18));
  std::vector<Draw> drawn;
  for (const unsigned number : numbers)
    drawn.push_back({.verb = number & 255, .first = number >> 8, .second = number >> 10, .size = number >> 12, .actor = number >> 15});
  return drawn;
}

RC_GTEST_PROP(Enumeration, FindsWhatBruteForceFinds, ()) {
  Rules rules;
  rules.holes = *rc::gen::element(Holes::kShorter, Holes::kZero);
  rules.compound = *rc::gen::arbitrary<bool>();
  const std::vector<std::string> lines = small_program(draws(), rules, kMicroOperations);
  for (const std::string& line : lines) RC_LOG() << line << std::endl;
  const std::string differs = disagreement(lines, rules);
  if (differs.empty()) return;
  RC_LOG() << differs << std::endl;
  RC_FAIL("the enumeration and brute force disagree");
}

// What a weaker model allows, a stronger one must not exceed.
RC_GTEST_PROP(Enumeration, ModelsOnlyAddStates, ()) {
  const Play play(small_image(), small_program(draws(), {}, kMicroOperations), false);
  std::set<BruteForce::Outcome> before;
  for (const Model model : kModels) {
    const auto states = enumerated(play.trace(), {}, model, "/d");
    for (const auto& state : before) RC_ASSERT(states.contains(state));
    before = states;
  }
}

}  // namespace
}  // namespace entryproof::durability
