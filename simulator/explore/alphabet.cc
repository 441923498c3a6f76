#include "simulator/explore/alphabet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entryproof::explore {

namespace {

struct Entry {
  Letter letter;
  std::string_view name;
  std::uint32_t weight;  // how often it is drawn
  std::uint32_t a;       // numbers are below these
  std::uint32_t b;
};

constexpr std::array<Entry, static_cast<std::size_t>(Letter::kCount)> kEntries{{
    {Letter::kQuiet, "quiet", 6, 1, 1},
    {Letter::kStart, "start", 6, 21, 20},
    {Letter::kStop, "stop", 2, 1, 1},
    {Letter::kKill, "kill", 2, 1, 1},
    {Letter::kStartToKill, "start-to-kill", 3, 30, 21},
    {Letter::kOnce, "once", 1, 21, 1},
    {Letter::kReboot, "reboot", 1, 4, 1},
    {Letter::kRotate, "rotate", 5, 5, 4},
    {Letter::kVolumeAway, "volume-away", 1, 1, 1},
    {Letter::kCredentials, "credentials", 2, 6, 1},
    {Letter::kClock, "clock", 1, 6, 1},
    {Letter::kPrimary, "primary", 4, 10, 2},
    {Letter::kPrimaryHalf, "primary-half", 2, 4, 4},
    {Letter::kPrimaryGone, "primary-gone", 2, 4, 1},
    {Letter::kPrimaryMoved, "primary-moved", 1, 4, 3},
    {Letter::kForeign, "foreign", 1, 4, 1},
    {Letter::kKubeconfig, "kubeconfig", 4, 9, 1},
    {Letter::kConfiguration, "configuration", 3, 4, 1},
    {Letter::kPlugin, "plugin", 2, 3, 1},
    {Letter::kManual, "manual", 2, 4, 2},
    {Letter::kManualBroken, "manual-broken", 2, 4, 2},
    {Letter::kFailing, "failing", 3, 12, 6},
    {Letter::kDiskFull, "disk-full", 2, 1, 2},
    {Letter::kFaultsOver, "faults-over", 1, 1, 1},
    {Letter::kHold, "hold", 5, 1, 1},
    {Letter::kWait, "wait", 4, 6, 1},
    {Letter::kOlder, "older", 2, 8, 1},
    {Letter::kPowerCut, "power-cut", 3, 4, 16},
    {Letter::kStartToCut, "start-to-power-cut", 2, 30, 64},
}};

const Entry& entry_of(Letter letter) { return kEntries.at(static_cast<std::size_t>(letter)); }

}  // namespace

std::string_view to_string(Letter letter) { return entry_of(letter).name; }

std::string describe(const History& history) {
  std::string text = history.plain ? "plain credentials:" : "";
  for (const auto& [letter, a, b] : history.commands) {
    if (!text.empty()) text += ' ';
    const auto& entry = entry_of(letter);
    text += entry.name;
    if (entry.b > 1) text += fmt::format("({},{})", a, b);
    if (entry.b <= 1 && entry.a > 1) text += fmt::format("({})", a);
  }
  return text;
}

std::vector<Letter> letters_of(runner::WorldKind world) {
  std::vector<Letter> letters;
  for (const auto& entry : kEntries) {
    if (world == runner::WorldKind::kMemory && entry.letter == Letter::kOlder) continue;  // there is no kernel for another program
    if (world != runner::WorldKind::kMemory && entry.letter == Letter::kClock) continue;  // the clock is the machine's
    if (world == runner::WorldKind::kTmpfs && (entry.letter == Letter::kPowerCut || entry.letter == Letter::kStartToCut))
      continue;  // who knows what was synced
    letters.push_back(entry.letter);
  }
  return letters;
}

History random_history(std::uint64_t seed, std::uint64_t index, std::size_t commands, runner::WorldKind world) {
  const auto letters = letters_of(world);
  std::uint32_t weights = 0;
  for (const Letter letter : letters) weights += entry_of(letter).weight;
  Random random(seed, "histories", index);
  History history;
  history.plain = random.below(4) == 0;
  while (history.commands.size() < commands) {
    std::uint32_t at = random.below(weights);
    const auto chosen = std::ranges::find_if(letters, [&](Letter letter) {
      const std::uint32_t weight = entry_of(letter).weight;
      if (at < weight) return true;
      at -= weight;
      return false;
    });
    const auto& entry = entry_of(*chosen);
    const std::uint32_t a = random.below(entry.a);
    history.commands.push_back({*chosen, a, random.below(entry.b)});
  }
  return history;
}

}  // namespace entryproof::explore
