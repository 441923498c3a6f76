#include "simulator/durability/survey.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "simulator/durability/causes.h"
#include "simulator/durability/shown.h"
#include "simulator/durability/states.h"

namespace entryproof::durability {
namespace {

// What a verdict may depend on.
StateHash key_of(const StateHash& hash, std::size_t acknowledged) { return mix(hash, hash_of(acknowledged)); }

using Seen = std::unordered_set<StateHash, StateHasher>;

template <class Set>
Shown<Set> shown(const Compiled& compiled, const Window& window, const Scene& scene, const Set& set, Model model, const StateHash& hash,
                 Index cut, std::size_t acknowledged) {
  Shown<Set> state(compiled, window, scene, set, cut);
  state.model = model;
  state.after = seq_before(compiled, cut);
  state.acknowledged = acknowledged;
  state.hash = hash;
  return state;
}

class Surveyor {
 public:
  Surveyor(const Compiled& compiled, const Judge& judge)
      : compiled_(compiled), judge_(judge), causes_(compiled, [this](const CrashState& state) -> const auto& { return verdict(state); }) {}

  Survey run(std::span<const Model> models, const Bounds& bounds);

 private:
  static constexpr std::size_t kMinimised = 256;  // failing states of one model; more only count

  const std::vector<Complaint>& verdict(const CrashState& state) {
    const auto [found, fresh] = verdicts_.try_emplace(key_of(state.hash, state.acknowledged));
    if (fresh) found->second = judge_(state);
    return found->second;
  }
  template <class Set>
  void explain(const Window& window, const Sets<Set>* sets, const Set& set, const Shown<Set>& state, Index cut);
  void explain(const Window& window, const Sets<SmallSet>* sets, const Prefix& set, const Shown<Prefix>& state, Index cut);
  void add(const Causes::Failing& failing, const std::vector<Complaint>& complaints);

  const Compiled& compiled_;
  const Judge& judge_;
  std::unordered_map<StateHash, std::vector<Complaint>, StateHasher> verdicts_;
  Causes causes_;
  std::size_t minimised_ = 0;
  Survey survey_;
};

template <class Set>
void Surveyor::explain(const Window& window, const Sets<Set>* sets, const Set& set, const Shown<Set>& state, Index cut) {
  const std::size_t count = window.varied.size();
  Causes::Failing failing{window, state.model, cut, state.acknowledged, std::vector<char>(count), std::vector<std::vector<Index>>(count)};
  for (Index i = 0; i < count; ++i) {
    failing.held[i] = set.test(i) ? 1 : 0;
    if (failing.held[i] != 0) continue;
    for (Index other = 0; other < i; ++other) {
      if (sets->before(i).test(other)) failing.needs[i].push_back(other);
    }
  }
  add(failing, verdict(state));
}

void Surveyor::explain(const Window& window, const Sets<SmallSet>*, const Prefix& set, const Shown<Prefix>& state, Index cut) {
  Causes::Failing failing{window, state.model, cut, state.acknowledged, std::vector<char>(window.varied.size(), 0), {}};
  std::fill_n(failing.held.begin(), set.count, 1);
  add(failing, verdict(state));
}

void Surveyor::add(const Causes::Failing& failing, const std::vector<Complaint>& complaints) {
  std::vector<std::string> done;
  for (const Complaint& complaint : complaints) {
    if (std::ranges::find(done, complaint.check) != done.end()) continue;
    done.push_back(complaint.check);
    Cause cause = causes_.find(failing, complaint);
    const auto known = std::ranges::find(survey_.causes, cause.key, &Cause::key);
    if (known == survey_.causes.end()) {
      cause.states = 1;
      survey_.causes.push_back(std::move(cause));
      continue;
    }
    ++known->states;
    if (known->models.back() != failing.model) known->models.push_back(failing.model);
  }
}

Survey Surveyor::run(std::span<const Model> models, const Bounds& bounds) {
  for (const Model model : kModels) {
    if (std::ranges::find(models, model) == models.end()) continue;
    Seen seen;
    minimised_ = 0;
    std::uint64_t failing = 0;
    const auto look = [&](const Window& window, const Scene& scene, const auto* sets, const auto& set, const StateHash& hash, Index cut,
                          std::size_t acknowledged) {
      if (!seen.insert(key_of(hash, acknowledged)).second) return true;
      const auto state = shown(compiled_, window, scene, set, model, hash, cut, acknowledged);
      if (verdict(state).empty()) return true;
      ++failing;
      if (minimised_++ < kMinimised) explain(window, sets, set, state, cut);
      return true;
    };
    Coverage coverage = States(compiled_, model, bounds, look).run();
    coverage.distinct = seen.size();
    coverage.failing = failing;
    survey_.coverage.push_back(std::move(coverage));
  }
  return std::move(survey_);
}

}  // namespace

Survey survey(const Program& program, std::span<const Model> models, const Judge& judge, const Bounds& bounds) {
  return Surveyor(program.inside(), judge).run(models, bounds);
}

Coverage visit(const Program& program, Model model, const Visitor& visitor, const Bounds& bounds) {
  const Compiled& compiled = program.inside();
  Seen seen;
  const auto look = [&](const Window& window, const Scene& scene, const auto*, const auto& set, const StateHash& hash, Index cut,
                        std::size_t acknowledged) {
    if (!seen.insert(key_of(hash, acknowledged)).second) return true;
    return visitor(shown(compiled, window, scene, set, model, hash, cut, acknowledged));
  };
  Coverage coverage = States(compiled, model, bounds, look).run();
  coverage.distinct = seen.size();
  return coverage;
}

}  // namespace entryproof::durability
