// The enumeration by windows, slices and hashes must find exactly what brute force finds.
#include <gtest/gtest.h>
// After gtest.h.
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "simulator/durability/brute_force_test_support.h"
#include "simulator/durability/play_test_support.h"
#include "simulator/durability/survey.h"

namespace entryproof::durability {
namespace {

constexpr std::size_t kMicroOperations = 12;

// The line that a number stands for; most can be played, the others leave a failed operation.
std::string line_of(unsigned number) {
  static const std::vector<std::string> files = {"/d/a", "/d/b", "/d/s/a", "/e/a"};
  static const std::vector<std::string> verbs = {
      "create A",         "create A",     "write A xy",      "write A z",    "append A q",  "pages A PQ",       "at A 4095 mn",
      "empty A",          "truncate A 1", "truncate A 5000", "chmod A 0600", "rename A B",  "rename A B",       "link A B",
      "exchange A B",     "unlink A",     "mkdir /d/s",      "mkdir /d/s/t", "rmdir /d/s",  "rename /d/s /e/s", "rename /e/s /d/s",
      "rename /d/s /d/b", "symlink A B",  "fsync A",         "fsync A",      "fdatasync A", "fail-fsync A",     "fsync /d",
      "fsync /e",         "fsync /d/s",   "told done",       "allocate A 3", "fsync new:A"};
  std::string line = verbs[number % verbs.size()];
  number /= static_cast<unsigned>(verbs.size());
  const std::string& first = files[number % files.size()];
  number /= static_cast<unsigned>(files.size());
  const std::string& second = files[number % files.size()];
  number /= static_cast<unsigned>(files.size());
  if (const auto at = line.find('B'); at != std::string::npos) line.replace(at, 1, second);
  if (const auto at = line.find('A'); at != std::string::npos) line.replace(at, 1, first);
  return number % 8 == 0 && !line.starts_with("fail") ? "world: " + line : line;
}

const std::vector<std::string> kImage = {"mkdir /d", "mkdir /e", "create /d/a", "write /d/a old"};

// As many of the lines as make at most kMicroOperations.
std::vector<std::string> program_of(const std::vector<unsigned>& numbers, const Rules& rules) {
  std::vector<std::string> lines;
  for (const unsigned number : numbers) {
    lines.push_back(line_of(number));
    const Play play(kImage, lines, false);
    if (BruteForce(play.trace(), rules).micro_operations() <= kMicroOperations) continue;
    lines.pop_back();
    break;
  }
  return lines;
}

std::set<BruteForce::Outcome> fast(const Trace& trace, const Rules& rules, Model model, const std::string& under) {
  const auto program = Program::compile(trace, {under.empty() ? "/" : under}, rules);
  if (!program) throw std::runtime_error(program.error().line());
  std::set<BruteForce::Outcome> all;
  const Coverage coverage = visit(*program, model, [&](const CrashState& state) {
    std::vector<std::string> lines = inventory(state.tree());
    std::erase_if(lines, [&](const std::string& line) { return !line.starts_with(under); });
    all.insert({state.acknowledged, lines});
    return true;
  });
  if (!coverage.bounds.empty()) throw std::runtime_error(coverage.bounds.front());
  return all;
}

std::string show(const std::set<BruteForce::Outcome>& outcomes) {
  std::string text;
  for (const auto& [told, lines] : outcomes) {
    text += "\n  told " + std::to_string(told) + ":";
    for (const std::string& line : lines) text += " [" + line.substr(0, 40) + "]";
  }
  return text;
}

RC_GTEST_PROP(Enumeration, FindsWhatBruteForceFinds, ()) {
  Rules rules;
  rules.holes = *rc::gen::element(Holes::kShorter, Holes::kZero);
  rules.compound = *rc::gen::arbitrary<bool>();
  const auto numbers = *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0U, 33U * 4 * 4 * 8));
  const std::vector<std::string> lines = program_of(numbers, rules);
  const Play play(kImage, lines, false);
  for (const std::string& line : lines) RC_LOG() << line << std::endl;
  BruteForce brute(play.trace(), rules);
  for (const Model model : kModels) {
    for (const std::string under : {"", "/d", "/d/s"}) {
      const auto expected = brute.outcomes(model, under);
      const auto found = fast(play.trace(), rules, model, under);
      if (found == expected) continue;
      RC_LOG() << to_string(model) << " under \"" << under << "\"\nbrute force:" << show(expected) << "\nfound:" << show(found)
               << std::endl;
      RC_FAIL("the enumeration and brute force disagree");
    }
  }
}

// What a weaker model allows, a stronger one must not exceed.
RC_GTEST_PROP(Enumeration, ModelsOnlyAddStates, ()) {
  const auto numbers = *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0U, 33U * 4 * 4 * 8));
  const std::vector<std::string> lines = program_of(numbers, {});
  const Play play(kImage, lines, false);
  std::set<BruteForce::Outcome> before;
  for (const Model model : kModels) {
    const auto states = fast(play.trace(), {}, model, "/d");
    for (const auto& state : before) RC_ASSERT(states.contains(state));
    before = states;
  }
}

}  // namespace
}  // namespace entryproof::durability
