// Names: which inodes a trace names, and which of them can ever be seen at the watched paths.
//
// A first pass over the journal alone. A name can be seen if some history of its directory leads there: where the image has the directory,
// or where any rename put it. What is renamed to a watched path is seen from its creation on.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simulator/durability/compiled.h"

namespace entryproof::durability {

class Names {
 public:
  explicit Names(Compiled& compiled) : compiled_(compiled) {}

  // Makes compiled.objects and compiled.slots, and marks those that can be seen.
  void collect(const std::vector<std::string>& watched);

  // When the changes of all slots are known: from where each can be seen.
  void find_holders();

  Index object(node::InodeId) const;  // kNone if the trace does not change it
  Index slot(Index directory, const std::string& name) const;

 private:
  // Where in the watched paths a directory can be: nodes of a small trie, or below the end of one.
  struct Watch {
    std::unordered_map<std::string, Index> next;
    bool all = false;  // this and everything below
  };
  using Places = std::vector<Index>;  // of watches_, sorted

  Index add_object(node::InodeId);
  Index add_alone(node::InodeId);
  Index add_slot(Index directory, const std::string& name);
  void add_watch(const std::string& path);
  void collect(const node::Operation&);
  void put(Index slot, Index object);
  void find_places();
  void step(const Places& from, const std::string& name, Places& to) const;
  void find_holder(Index slot);

  Compiled& compiled_;
  std::vector<Watch> watches_{1};
  std::unordered_map<node::InodeId, Index> objects_;
  std::unordered_map<std::string, Index> slots_;  // "directory/name"
  std::vector<std::vector<Index>> seats_;         // by object: the slots that ever lead to it
  std::vector<Places> places_;                    // by object
};

}  // namespace entryproof::durability
