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

Result<std::vector<char>> kept_by(const Compiled& compiled, const Window& window, Model model, const Choice& choice) {
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
  if (std::holds_alternative<LeastDurable>(choice)) return std::vector<char>(window.pending.size(), 0);
  const std::vector<std::uint64_t>& omitted = std::get<Omit>(choice).operations;
  const auto seq_of = [&](Index i) { return compiled.operations[compiled.micros[window.pending[i]].operation].seq; };
  for (const std::uint64_t seq : omitted) {
    bool pending = false;
    for (Index i = 0; i < window.pending.size() && !pending; ++i) pending = seq_of(i) == seq;
    if (!pending) {
      return fail(ErrorCode::kInvalidInput, "cut the power without op " + std::to_string(seq) + ": under " + std::string(to_string(model)) +
                                                " it cannot be lost at this point: it is durable, or changed nothing");
    }
  }
  return keep(window, [&](Index i) { return std::ranges::find(omitted, seq_of(i)) == omitted.end(); });
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
