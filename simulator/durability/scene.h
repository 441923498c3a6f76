// Scene: what can be seen of a window's sets.
//
// A set of micro-operations is all that a crash state is: where a name leads is said by the last change of it that the set holds, and so on
// down. Nothing is replayed, so a state costs a handful of look-ups; what a file holds is remembered for each part of the set that matters
// to it. The hash is a tree of hashes over the names that the trace changes: equal states of any window and model have equal hashes.
//
// A set is anything with `bool test(Index) const`, over positions in Window::varied.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simulator/durability/order.h"

namespace entryproof::durability {

class Scene {
 public:
  Scene(const Compiled& compiled, const Window& window);

  template <class Set>
  StateHash hash(const Set& set) {
    return of(0, set);
  }

  // The node that this set leaves if the crash comes before the operation `cut`. What cannot be seen is as if applied.
  node::Tree tree(const std::function<bool(Index)>& holds, Index cut) const;

 private:
  static constexpr Index kAlways = kNone - 1;  // the position of what is durable
  static constexpr std::size_t kTable = 10;    // up to so many pending changes of one file, what it holds is looked up in a table

  struct Change {
    Index position = 0;
    Index occupant = kNone;
  };
  struct Place {  // a slot whose look may change within the window
    Index slot = 0;
    Index base = kNone;
    StateHash salt;
    std::vector<Change> changes;
  };
  struct Step {  // of a file's content
    Index micro = 0;
    Index position = kAlways;
  };
  struct Thing {
    bool quiet = true;                                            // nothing of it is pending, nor of what is below it
    StateHash look;                                               // quiet: its hash; else the sum of those parts of it that are
    StateHash owned;                                              // its attributes, as far as they are durable
    std::vector<std::pair<Index, StateHash>> attributes;          // pending
    std::vector<Step> data;                                       // from the last that settles all before it
    std::vector<Index> pending;                                   // positions of those that are pending
    bool from_image = true;                                       // `data` starts on what the image holds
    std::vector<StateHash> table;                                 // by which of the pending are held; zero: not known yet
    std::unordered_map<StateHash, StateHash, StateHasher> known;  // the same, if there are too many for a table
    std::vector<Place> places;                                    // those that are not quiet
  };

  void set_attributes(Index object);
  void set_data(Index object);
  void set_places(Index object);
  void spread_noise();
  void settle();
  StateHash settled(Index object, std::vector<char>& done);
  void put_names(node::Tree& tree, const std::function<bool(Index)>& holds, Index cut) const;
  void put_insides(node::Tree& tree, const std::function<bool(Index)>& holds, Index cut) const;
  template <class Holds>
  Content content(Index object, const Holds& holds, Index cut) const;

  template <class Set>
  StateHash of(Index object, const Set& set);
  template <class Set>
  StateHash data(Index object, Thing& thing, const Set& set);
  template <class Set>
  static Index occupant(const Place& place, const Set& set) {
    for (auto change = place.changes.rbegin(); change != place.changes.rend(); ++change) {
      if (set.test(change->position)) return change->occupant;
    }
    return place.base;
  }

  const Compiled& compiled_;
  const Window& window_;
  std::vector<Index> position_;  // by micro-operation from first_: in Window::varied, or kAlways
  std::vector<Thing> things_;    // by object
};

template <class Set>
StateHash Scene::of(Index object, const Set& set) {
  Thing& thing = things_[object];
  if (thing.quiet) return thing.look;
  StateHash owned = thing.owned;
  for (auto change = thing.attributes.rbegin(); change != thing.attributes.rend(); ++change) {
    if (!set.test(change->first)) continue;
    owned = change->second;
    break;
  }
  StateHash sum = mix(compiled_.objects[object].identity, owned);
  sum += thing.look;
  if (!thing.pending.empty()) sum += data(object, thing, set);
  for (const Place& place : thing.places) {
    const Index there = occupant(place, set);
    if (there != kNone) sum += mix(place.salt, of(there, set));
  }
  return sum;
}

template <class Set>
StateHash Scene::data(Index object, Thing& thing, const Set& set) {
  std::uint64_t bits = 0;
  StateHash key;
  for (std::size_t i = 0; i < thing.pending.size(); ++i) {
    bits |= static_cast<std::uint64_t>(set.test(thing.pending[i]) ? 1 : 0) << (i % 64);
    if (i % 64 == 63) key = mix(key, hash_of(std::exchange(bits, 0)));
  }
  StateHash& known = thing.table.empty() ? thing.known[mix(key, hash_of(bits))] : thing.table[static_cast<std::size_t>(bits)];
  if (known == StateHash{}) known = content(object, [&](Index position) { return set.test(position); }, window_.cut).hash();
  return known;
}

// What the file holds, as far as operations before `cut` made it.
template <class Holds>
Content Scene::content(Index object, const Holds& holds, Index cut) const {
  const Thing& thing = things_[object];
  Content content = thing.from_image ? compiled_.objects[object].content : Content();
  const auto in = [&](const Step& step) { return step.position == kAlways || holds(step.position); };
  for (std::size_t i = 0; i < thing.data.size(); ++i) {
    const MicroOp& micro = compiled_.micros[thing.data[i].micro];
    if (micro.operation >= cut) break;
    if (!in(thing.data[i])) continue;
    if (micro.kind == Kind::kPage) content.write_page(micro.number, micro.page);
    if (micro.kind == Kind::kTruncate) content.truncate(micro.size);
    if (micro.kind != Kind::kSize) continue;
    content.extend(micro.size);
    if (micro.exposes == kNone || compiled_.rules.holes == Holes::kZero) continue;
    // The pages that this size shows are the steps directly before it.
    for (std::size_t page = i; page > 0 && thing.data[page - 1].micro >= micro.exposes; --page) {
      const MicroOp& shown = compiled_.micros[thing.data[page - 1].micro];
      if (!in(thing.data[page - 1])) content.miss(std::max(shown.number * kPageSize, micro.size_before));
    }
  }
  return content;
}

}  // namespace entryproof::durability
