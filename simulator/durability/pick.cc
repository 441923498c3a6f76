#include "simulator/durability/pick.h"

#include <algorithm>
#include <utility>

#include "simulator/durability/sets.h"
#include "simulator/durability/shown.h"

namespace entryproof::durability {
namespace {

// SplitMix64: a seed explains every bit, on every machine.
class Coins {
 public:
  explicit Coins(std::uint64_t seed) : state_(seed) {}
  bool toss() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return ((mixed ^ (mixed >> 31)) & 1) != 0;
  }

 private:
  std::uint64_t state_;
};

// Which of the pending are kept, by position: what is wanted, as far as what it needs is kept, too.
template <class Wanted>
std::vector<char> keep(const Window& window, Wanted&& wanted) {
  std::vector<char> kept(window.pending.size(), 0);
  for (Index i = 0; i < kept.size(); ++i) {
    const bool can = std::ranges::all_of(window.needs[i], [&](Index other) { return kept[other] != 0; });
    kept[i] = can && wanted(i) ? 1 : 0;
  }
  return kept;
}

using Kept = Result<std::vector<char>>;

Kept kept_without(const Compiled& compiled, const Window& window, Model model, const Omit& omit) {
  const auto seq_of = [&](Index i) { return compiled.operations[compiled.micros[window.pending[i]].operation].seq; };
  for (const std::uint64_t seq : omit.operations) {
    bool pending = false;
    for (Index i = 0; i < window.pending.size() && !pending; ++i) pending = seq_of(i) == seq;
    if (!pending) {
      return fail(ErrorCode::kInvalidInput, "cut the power without op " + std::to_string(seq) + ": under " + std::string(to_string(model)) +
                                                " it cannot be lost at this point: it is durable, or changed nothing");
    }
  }
  return keep(window, [&](Index i) { return std::ranges::find(omit.operations, seq_of(i)) == omit.operations.end(); });
}

Kept kept_without(const Compiled& compiled, const Window& window, Model model, const Lose& lose) {
  std::vector<char> lost(window.pending.size(), 0);
  const auto refuse = [&](const std::string& what) {
    return fail(ErrorCode::kInvalidInput, "cut the power without " + what + ": no state of " + std::string(to_string(model)) + " is that");
  };
  for (const std::size_t index : lose.micro_operations) {
    const std::string name = "micro-operation " + std::to_string(index);
    if (index >= compiled.visible.size()) return refuse(name + ", of " + std::to_string(compiled.visible.size()));
    const auto found = std::ranges::lower_bound(window.pending, compiled.visible[index]);
    if (found == window.pending.end() || *found != compiled.visible[index]) return refuse(name + ", which is durable");
    // A kill takes back no more than the rest of a write that was under way.
    if (model == Model::kKill && compiled.micros[*found].operation != compiled.micros.back().operation) return refuse(name);
    lost[static_cast<std::size_t>(found - window.pending.begin())] = 1;
  }
  std::vector<char> kept = keep(window, [&](Index i) { return lost[i] == 0; });
  for (Index i = 0; i < kept.size(); ++i) {
    if (kept[i] == 0 && lost[i] == 0 && compiled.micros[window.pending[i]].visible) return refuse("something that a later one needs");
  }
  return kept;
}

Kept kept_by(const Compiled& compiled, const Window& window, Model model, const Choice& choice) {
  if (const auto* lose = std::get_if<Lose>(&choice)) return kept_without(compiled, window, model, *lose);
  if (model == Model::kKill) {
    if (std::holds_alternative<Omit>(choice)) {
      return fail(ErrorCode::kInvalidInput, "cut the power: nothing is lost under kill; name another model, or omit nothing");
    }
    return std::vector<char>(window.pending.size(), 1);
  }
  if (const auto* seeded = std::get_if<Seeded>(&choice)) {
    Coins coins(seeded->seed);
    return keep(window, [&](Index) { return coins.toss(); });
  }
  if (const auto* omit = std::get_if<Omit>(&choice)) return kept_without(compiled, window, model, *omit);
  return std::vector<char>(window.pending.size(), 0);
}

}  // namespace

Result<Picked> pick(const Program& program, Model model, const Choice& choice) {
  const Compiled& compiled = program.inside();
  const Window window = model == Model::kKill ? whole(compiled) : last_window(compiled, model);
  const auto kept = kept_by(compiled, window, model, choice);
  if (!kept) return std::unexpected(kept.error());
  LargeSet set(window.varied.size());
  Index varied = 0;
  for (Index i = 0; i < window.pending.size(); ++i) {
    if (varied == window.varied.size() || window.varied[varied] != window.pending[i]) continue;
    if ((*kept)[i] != 0) set.add(varied);
    ++varied;
  }
  const Scene scene(compiled, window);
  Shown<LargeSet> state(compiled, window, scene, set, static_cast<Index>(compiled.operations.size()));
  state.model = model;
  return Picked{state.tree(), state.omitted(), state.describe()};
}

}  // namespace entryproof::durability
