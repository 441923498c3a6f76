#include "simulator/durability/small_program_test_support.h"

#include <array>
#include <stdexcept>

#include "simulator/durability/play_test_support.h"
#include "simulator/durability/survey.h"

namespace entryproof::durability {
namespace {

constexpr std::array kVerbs = {"create A",   "create A",         "write A xy",       "write A z",        "append A q",   "pages A PQ",
                               "at A # mn",  "at A # pqr",       "empty A",          "truncate A #",     "chmod A 0600", "rename A B",
                               "rename A B", "link A B",         "exchange A B",     "unlink A",         "mkdir /d/s",   "mkdir /d/s/t",
                               "rmdir /d/s", "rename /d/s /e/s", "rename /e/s /d/s", "rename /d/s /d/b", "symlink A B",  "fsync A",
                               "fsync A",    "fdatasync A",      "fail-fsync A",     "fsync /d",         "fsync /e",     "fsync /d/s",
                               "told done",  "allocate A #",     "fsync new:A"};
constexpr std::array kFiles = {"/d/a", "/d/b", "/d/s/a", "/e/a"};
constexpr std::array kSizes = {"1", "4095", "5000", "3", "0", "4096", "8192", "12"};

std::string line_of(const Draw& draw) {
  std::string line = kVerbs.at(draw.verb % kVerbs.size());
  const auto put = [&](char place, const char* text) {
    if (const auto at = line.find(place); at != std::string::npos) line.replace(at, 1, text);
  };
  put('B', kFiles.at(draw.second % kFiles.size()));
  put('A', kFiles.at(draw.first % kFiles.size()));
  put('#', kSizes.at(draw.size % kSizes.size()));
  return draw.actor % 8 == 0 && !line.starts_with("fail") ? "world: " + line : line;
}

std::string show(const std::set<BruteForce::Outcome>& outcomes) {
  std::string text;
  for (const auto& [told, lines] : outcomes) {
    text += "\n  told " + std::to_string(told) + ":";
    for (const std::string& line : lines) text += " [" + line.substr(0, 40) + "]";
  }
  return text;
}

}  // namespace

const std::vector<std::string>& small_image() {
  static const std::vector<std::string> kImage = {"mkdir /d", "mkdir /e", "create /d/a", "write /d/a old"};
  return kImage;
}

std::vector<std::string> small_program(const std::vector<Draw>& draws, const Rules& rules, std::size_t most) {
  std::vector<std::string> lines;
  for (const Draw& draw : draws) lines.push_back(line_of(draw));
  const auto fits = [&](std::size_t count) {
    const Play play(small_image(), {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count)}, false);
    return BruteForce(play.trace(), rules).micro_operations() <= most;
  };
  if (fits(lines.size())) return lines;
  std::size_t good = 0;
  for (std::size_t bad = lines.size(); bad - good > 1;) {
    const std::size_t middle = (good + bad) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  lines.resize(good);
  return lines;
}

std::set<BruteForce::Outcome> enumerated(const Trace& trace, const Rules& rules, Model model, const std::string& under) {
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

std::string disagreement(const std::vector<std::string>& lines, const Rules& rules) {
  const Play play(small_image(), lines, false);
  BruteForce brute(play.trace(), rules);
  for (const Model model : kModels) {
    for (const std::string under : {"", "/d", "/d/s"}) {
      const auto expected = brute.outcomes(model, under);
      const auto found = enumerated(play.trace(), rules, model, under);
      if (found == expected) continue;
      return std::string(to_string(model)) + " under \"" + under + "\"\nbrute force:" + show(expected) + "\nfound:" + show(found);
    }
  }
  return {};
}

}  // namespace entryproof::durability
