#include "simulator/durability/scene.h"

namespace entryproof::durability {

Scene::Scene(const Compiled& compiled, const Window& window)
    : compiled_(compiled), window_(window), position_(compiled.micros.size(), kAlways), things_(compiled.objects.size()) {
  for (Index i = 0; i < window.varied.size(); ++i) position_[window.varied[i]] = i;
  for (Index i = 0; i < things_.size(); ++i) {
    if (!compiled.objects[i].visible) continue;
    set_attributes(i);
    set_data(i);
    set_places(i);
  }
  spread_noise();
  settle();
}

void Scene::set_attributes(Index object) {
  Thing& thing = things_[object];
  thing.owned = compiled_.objects[object].owned.hash();
  for (const Index micro : compiled_.objects[object].attributes) {
    const MicroOp& is = compiled_.micros[micro];
    if (is.operation >= window_.cut) break;
    if (position_[micro] == kAlways) {
      thing.owned = is.owned.hash();
    } else {
      thing.attributes.emplace_back(position_[micro], is.owned.hash());
      thing.quiet = false;
    }
  }
}

void Scene::set_data(Index object) {
  Thing& thing = things_[object];
  for (const Index micro : compiled_.objects[object].data) {
    const MicroOp& is = compiled_.micros[micro];
    if (is.operation >= window_.cut) break;
    if (is.kind == Kind::kTruncate && is.size == 0 && position_[micro] == kAlways) {
      thing.data.clear();
      thing.pending.clear();
      thing.from_image = false;
      continue;
    }
    thing.data.push_back({micro, position_[micro]});
    if (position_[micro] != kAlways) thing.pending.push_back(position_[micro]);
  }
  if (thing.pending.empty()) return;
  thing.quiet = false;
  if (thing.pending.size() <= kTable) thing.table.resize(std::size_t{1} << thing.pending.size());
}

void Scene::set_places(Index object) {
  Thing& thing = things_[object];
  for (const Index slot : compiled_.objects[object].slots) {
    const Slot& is = compiled_.slots[slot];
    Place& place = thing.places.emplace_back();
    place.slot = slot;
    place.salt = is.salt;
    place.base = is.base;
    for (const Index micro : is.changes) {
      const MicroOp& change = compiled_.micros[micro];
      if (change.operation >= window_.cut) break;
      for (std::size_t side = 0; side < change.slots.size(); ++side) {
        if (change.slots[side] != slot) continue;
        if (position_[micro] == kAlways) {
          place.base = change.occupants[side];
        } else {
          place.changes.push_back({position_[micro], change.occupants[side]});
          thing.quiet = false;
        }
      }
    }
  }
}

// Who holds somebody who is not quiet is not quiet either.
void Scene::spread_noise() {
  for (bool changed = true; changed;) {
    changed = false;
    for (Thing& thing : things_) {
      if (!thing.quiet) continue;
      for (const Place& place : thing.places) {
        if (place.base != kNone && !things_[place.base].quiet) thing.quiet = false;
      }
      changed |= !thing.quiet;
    }
  }
}

// Adds up what cannot change within the window, and forgets the places that are part of it.
void Scene::settle() {
  std::vector<char> done(things_.size(), 0);
  for (Index i = 0; i < things_.size(); ++i) {
    if (compiled_.objects[i].visible) (void)settled(i, done);
  }
}

StateHash Scene::settled(Index object, std::vector<char>& done) {
  Thing& thing = things_[object];
  if (std::exchange(done[object], 1) != 0) return thing.look;  // a circle that nobody can see comes here, too
  StateHash sum;
  if (thing.pending.empty() && compiled_.objects[object].type == node::FileType::kFile) {
    sum += content(object, [](Index) { return true; }, window_.cut).hash();
  }
  std::vector<Place> loud;
  for (Place& place : thing.places) {
    const bool quiet = place.changes.empty() && (place.base == kNone || things_[place.base].quiet);
    if (!quiet) {
      loud.push_back(std::move(place));
    } else if (place.base != kNone) {
      sum += mix(place.salt, settled(place.base, done));
    }
  }
  thing.places = std::move(loud);
  if (thing.quiet) sum += mix(compiled_.objects[object].identity, thing.owned);
  return thing.look = sum;
}

// --- as a tree ---

node::Tree Scene::tree(const std::function<bool(Index)>& holds, Index cut) const {
  node::Tree tree = compiled_.tree_before(cut);
  put_insides(tree, holds, cut);
  put_names(tree, holds, cut);
  // What has no name any more, with all that was below it.
  for (auto orphans = tree.orphans(); !orphans.empty(); orphans = tree.orphans()) {
    for (const node::InodeId orphan : orphans) {
      if (const auto entries = tree.list(orphan)) {
        for (const node::Entry& entry : *entries) tree.lead(orphan, entry.name, 0);
      }
      tree.reap(orphan);
    }
  }
  tree.follow(compiled_.final);
  tree.limit_bytes(compiled_.image.limits().bytes);
  return tree;
}

void Scene::put_names(node::Tree& tree, const std::function<bool(Index)>& holds, Index cut) const {
  struct Name {
    node::InodeId directory = 0;
    std::string_view name;
    node::InodeId inode = 0;
  };
  std::vector<Name> names;
  for (const Thing& thing : things_) {
    for (const Place& place : thing.places) {
      const Slot& slot = compiled_.slots[place.slot];
      const node::InodeId directory = compiled_.objects[slot.directory].id;
      if (place.changes.empty() || !tree.attributes(directory)) continue;
      Index occupant = place.base;
      for (const Change& change : place.changes) {
        if (compiled_.micros[window_.varied[change.position]].operation < cut && holds(change.position)) occupant = change.occupant;
      }
      const node::InodeId inode = occupant == kNone ? 0 : compiled_.objects[occupant].id;
      if (tree.child(directory, slot.name) != inode) names.push_back({directory, slot.name, inode});
    }
  }
  for (const Name& name : names) tree.lead(name.directory, name.name, 0);
  // From above: a directory gets its names back when it is there itself. What is left then is in directories that are gone.
  std::erase_if(names, [](const Name& name) { return name.inode == 0; });
  for (std::size_t before = names.size() + 1; names.size() < before;) {
    before = names.size();
    std::vector<Name> left;
    for (const Name& name : names) {
      const auto directory = tree.attributes(name.directory);
      if (directory && directory->links > 0) {
        tree.lead(name.directory, name.name, name.inode);
      } else {
        left.push_back(name);
      }
    }
    names.swap(left);
  }
}

void Scene::put_insides(node::Tree& tree, const std::function<bool(Index)>& holds, Index cut) const {
  for (Index i = 0; i < things_.size(); ++i) {
    const Thing& thing = things_[i];
    const Object& object = compiled_.objects[i];
    if ((thing.attributes.empty() && thing.pending.empty()) || !tree.attributes(object.id)) continue;
    const auto lost = [&](Index position) { return compiled_.micros[window_.varied[position]].operation < cut && !holds(position); };
    if (std::ranges::any_of(thing.pending, lost)) content(i, holds, cut).store(tree, object.id, compiled_.image);
    if (std::ranges::none_of(thing.attributes, [&](const auto& change) { return lost(change.first); })) continue;
    Owned owned = object.owned;
    for (const Index micro : object.attributes) {
      const MicroOp& is = compiled_.micros[micro];
      if (is.operation < cut && (position_[micro] == kAlways || holds(position_[micro]))) owned = is.owned;
    }
    node::AttributeChange change;
    change.mode = owned.mode;
    change.uid = owned.uid;
    change.gid = owned.gid;
    (void)tree.set_attributes({}, object.id, change, 0);
  }
}

}  // namespace entryproof::durability
