// States: the enumeration of one model's windows, each raw state hashed and handed out.
#pragma once

#include <string>
#include <vector>

#include "simulator/durability/scene.h"
#include "simulator/durability/sets.h"
#include "simulator/durability/survey.h"

namespace entryproof::durability {

// The words for a window that was looked at in part.
std::string bound_words(const Window& window, std::size_t varied, bool pairs, bool capped);

// For a window of more than kVariedCap: the oldest are durable.
void cap(Window& window);

// Calls visit(window, scene, sets or null, set, cut, acknowledged) for each raw state until it says false. `sets` is null for kills.
template <class Visit>
class States {
 public:
  States(const Compiled& compiled, Model model, const Bounds& bounds, Visit visit)
      : compiled_(compiled), bounds_(bounds), visit_(std::move(visit)) {
    coverage_.model = model;
  }

  // The counts; `distinct` is the visitor's business.
  Coverage run() {
    if (coverage_.model == Model::kKill) {
      kills();
    } else {
      each_window(compiled_, coverage_.model, [&](const Window& window) { return power_cuts(window); });
    }
    return coverage_;
  }

 private:
  void kills();
  bool power_cuts(const Window& window);
  template <class Set>
  bool power_cuts(const Window& window, bool capped);

  const Compiled& compiled_;
  const Bounds bounds_;
  Visit visit_;
  Coverage coverage_;
};

// After each request that changed something one can see, and after each acknowledgement.
template <class Visit>
void States<Visit>::kills() {
  const Window window = whole(compiled_);
  Scene scene(compiled_, window);
  std::size_t told = 0;
  std::size_t event = 0;
  const auto show = [&](Index count, Index cut) {
    ++coverage_.windows;
    ++coverage_.raw;
    const Prefix set{count};
    return visit_(window, scene, static_cast<const Sets<SmallSet>*>(nullptr), set, scene.hash(set), cut, told);
  };
  // Tells what was told before the micro-operation `next` of the trace, and shows each new state of knowledge.
  const auto tell = [&](Index next, Index count, Index& cut) {
    for (; event < compiled_.events.size() && compiled_.events[event].micros <= next; ++event) {
      if (compiled_.events[event].what != Event::What::kAcknowledge) continue;
      ++told;
      cut = compiled_.events[event].operation;
      if (!show(count, cut)) return false;
    }
    return true;
  };
  Index cut = 0;
  if (!show(0, cut)) return;
  for (Index i = 0; i < window.varied.size(); ++i) {
    const Index micro = window.varied[i];
    if (!tell(micro, i, cut)) return;
    const bool whole_operation =
        i + 1 == window.varied.size() || compiled_.micros[window.varied[i + 1]].operation != compiled_.micros[micro].operation;
    if (!whole_operation && !compiled_.micros[micro].ends_request) continue;
    cut = compiled_.micros[micro].operation + 1;
    if (!show(i + 1, cut)) return;
  }
  (void)tell(kNone, static_cast<Index>(window.varied.size()), cut);
}

template <class Visit>
bool States<Visit>::power_cuts(const Window& window) {
  ++coverage_.windows;
  if (window.varied.size() <= SmallSet::kCapacity) return power_cuts<SmallSet>(window, false);
  if (window.varied.size() <= kVariedCap) return power_cuts<LargeSet>(window, false);
  Window capped = window;
  cap(capped);
  return power_cuts<LargeSet>(capped, true);
}

template <class Visit>
template <class Set>
bool States<Visit>::power_cuts(const Window& window, bool capped) {
  Scene scene(compiled_, window);
  const Sets<Set> sets(compiled_, window);
  std::uint64_t left = bounds_.states;
  bool more = true;
  const auto show = [&](const Set& set) {
    ++coverage_.raw;
    return more = visit_(window, scene, &sets, set, scene.hash(set), window.cut, window.acknowledged);
  };
  const bool all = sets.each([&](const Set& set) { return left-- > 0 && show(set); });
  if (all && !capped) return true;
  if (!all && more) {
    const bool pairs = sets.size() * sets.size() / 2 <= bounds_.states;
    coverage_.bounds.push_back(bound_words(window, sets.size(), pairs, capped));
    sets.some(pairs, show);
  } else if (capped) {
    coverage_.bounds.push_back(bound_words(window, sets.size(), true, capped));
  }
  return more;
}

}  // namespace entryproof::durability
