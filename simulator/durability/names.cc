#include "simulator/durability/names.h"

#include <algorithm>

namespace entryproof::durability {
namespace {

using node::Verb;

std::string key_of(Index directory, const std::string& name) { return std::to_string(directory) + '/' + name; }

}  // namespace

Index Names::object(node::InodeId inode) const {
  const auto found = objects_.find(inode);
  return found == objects_.end() ? kNone : found->second;
}

Index Names::slot(Index directory, const std::string& name) const {
  const auto found = slots_.find(key_of(directory, name));
  return found == slots_.end() ? kNone : found->second;
}

// An inode of the image comes with the names it has there, and with the directories on the way to them, topmost first.
Index Names::add_object(node::InodeId inode) {
  std::vector<node::InodeId> way;
  while (object(inode) == kNone) {
    way.push_back(inode);
    const auto names = compiled_.image.names_of(inode);
    if (names.empty()) break;
    inode = names.back().first;
  }
  Index added = object(inode);
  for (; !way.empty(); way.pop_back()) added = add_alone(way.back());
  return added;
}

Index Names::add_alone(node::InodeId inode) {
  const auto index = static_cast<Index>(compiled_.objects.size());
  objects_.emplace(inode, index);
  Object& made = compiled_.objects.emplace_back();
  seats_.emplace_back();
  made.id = inode;
  const auto is = compiled_.image.attributes(inode);
  made.born = !is.has_value();
  if (is) {
    made.type = is->type;
    made.owned = {is->mode, is->uid, is->gid};
  }
  for (const auto& [directory, name] : compiled_.image.names_of(inode)) put(add_slot(add_object(directory), name), index);
  return index;
}

Index Names::add_slot(Index directory, const std::string& name) {
  const auto [found, fresh] = slots_.try_emplace(key_of(directory, name), static_cast<Index>(compiled_.slots.size()));
  if (!fresh) return found->second;
  const Index index = found->second;
  Slot& made = compiled_.slots.emplace_back();
  made.directory = directory;
  made.name = name;
  const node::InodeId base = compiled_.image.child(compiled_.objects[directory].id, name);
  if (base != 0) {
    const Index occupant = add_object(base);
    compiled_.slots[index].base = occupant;
    put(index, occupant);
  }
  return index;
}

void Names::put(Index slot, Index object) {
  std::vector<Index>& seats = seats_[object];
  if (std::ranges::find(seats, slot) == seats.end()) seats.push_back(slot);
}

void Names::add_watch(const std::string& path) {
  Index at = 0;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string name = path.substr(start, end - start);
    start = end + 1;
    if (name.empty()) continue;
    const auto [next, fresh] = watches_[at].next.try_emplace(name, static_cast<Index>(watches_.size()));
    const Index to = next->second;
    if (fresh) watches_.emplace_back();
    at = to;
  }
  watches_[at].all = true;
}

void Names::collect(const node::Operation& operation) {
  if (!operation.succeeded() || !node::counts(operation.verb)) return;
  const Index object = add_object(operation.inode);
  switch (operation.verb) {
    case Verb::kCreate:
    case Verb::kMkdir:
    case Verb::kSymlink:
    case Verb::kMknod:
      put(add_slot(add_object(operation.parent), operation.name), object);
      break;
    case Verb::kLink:
      put(add_slot(add_object(operation.parent2), operation.name2), object);
      break;
    case Verb::kUnlink:
    case Verb::kRmdir:
      add_slot(add_object(operation.parent), operation.name);
      break;
    case Verb::kRename: {
      const Index from = add_slot(add_object(operation.parent), operation.name);
      put(add_slot(add_object(operation.parent2), operation.name2), object);
      if (operation.inode2 != 0) put(from, add_object(operation.inode2));  // exchanged; if it was replaced, no harm is done
      break;
    }
    default:
      break;
  }
}

void Names::step(const Places& from, const std::string& name, Places& to) const {
  for (const Index place : from) {
    Index next = place;
    if (!watches_[place].all) {
      const auto found = watches_[place].next.find(name);
      if (found == watches_[place].next.end()) continue;
      next = found->second;
    }
    const auto at = std::ranges::lower_bound(to, next);
    if (at == to.end() || *at != next) to.insert(at, next);
  }
}

// Directories can go round in a circle of moves, so this is repeated until nothing new is found.
void Names::find_places() {
  places_.assign(compiled_.objects.size(), {});
  places_[0].push_back(0);
  for (bool grown = true; grown;) {
    grown = false;
    for (std::size_t i = 1; i < seats_.size(); ++i) {
      const std::size_t before = places_[i].size();
      for (const Index seat : seats_[i]) {
        const Slot& slot = compiled_.slots[seat];
        if (slot.directory != i) step(places_[slot.directory], slot.name, places_[i]);
      }
      grown |= places_[i].size() != before;
    }
  }
}

// Up through directories that stand where the image has them.
void Names::find_holder(Index slot) {
  const std::vector<Slot>& slots = compiled_.slots;
  Slot& seated = compiled_.slots[slot];
  std::string path = seated.name;
  Index at = seated.directory;
  while (at != 0 && seats_[at].size() == 1 && slots[seats_[at][0]].changes.empty() && slots[seats_[at][0]].base == at) {
    path.insert(0, slots[seats_[at][0]].name + '/');
    at = slots[seats_[at][0]].directory;
  }
  seated.holder = at;
  seated.salt = hash_of(path);
  compiled_.objects[at].slots.push_back(slot);
}

void Names::find_holders() {
  for (Index i = 0; i < compiled_.slots.size(); ++i) {
    if (compiled_.slots[i].visible) find_holder(i);
  }
}

void Names::collect(const std::vector<std::string>& watched) {
  for (const std::string& path : watched) add_watch(path);
  add_object(node::kRoot);
  for (const node::Operation& operation : compiled_.operations) collect(operation);
  find_places();
  compiled_.objects[0].visible = true;
  for (Slot& slot : compiled_.slots) {
    Places there;
    step(places_[slot.directory], slot.name, there);
    slot.visible = !there.empty();
  }
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    for (const Index seat : seats_[i]) {
      if (compiled_.slots[seat].visible) compiled_.objects[i].visible = true;
    }
  }
}

}  // namespace entryproof::durability
