// NaiveNode: the file system of a node, as simple as it can be said: the yardstick for node::Node, with which it shares nothing.
//
// A vector of things, maps of names, strings of bytes; everybody is root, nothing is capped but the length of a name, nothing is shared,
// and every call looks at everything it needs. A thing that has no name left and that nobody holds is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "simulator/node/types.h"

namespace entryproof::fuzz {

class NaiveNode {
 public:
  using Id = std::size_t;  // 0 is the root; numbers are never used twice
  enum class Rename : std::uint8_t { kReplace, kNoReplace, kExchange };

  struct Thing {
    node::FileType type = node::FileType::kDirectory;
    mode_t mode = 0;
    std::string bytes = {};  // of a file, or a symlink's target
    std::map<std::string, Id> names = {};
    unsigned links = 0;  // names that lead here; of a directory 1, or 0 once it was removed
    unsigned holds = 0;
    Id parent = 0;  // of a directory
  };

  NaiveNode() : things_{{.mode = 0755, .links = 1}} {}

  // nullptr: it is gone.
  const Thing* look(Id id) const { return gone(id) ? nullptr : &things_[id]; }
  std::size_t count() const { return things_.size(); }
  std::size_t alive() const;
  unsigned link_count(Id id) const;  // as stat(2) says it

  node::Outcome<Id> lookup(Id directory, const std::string& name) const;
  node::Outcome<Id> make(Id directory, const std::string& name, node::FileType type, mode_t mode, const std::string& bytes);
  node::Outcome<> link(Id id, Id directory, const std::string& name);
  node::Outcome<> unlink(Id directory, const std::string& name);
  node::Outcome<> rmdir(Id directory, const std::string& name);
  node::Outcome<> rename(Id from, const std::string& name, Id to, const std::string& new_name, Rename how);
  node::Outcome<> write(Id id, std::size_t offset, const std::string& bytes);
  node::Outcome<> truncate(Id id, std::size_t size);
  node::Outcome<> chmod(Id id, mode_t mode);
  node::Outcome<> open(Id id, bool for_writing, bool truncates) const;  // whether it may be opened
  void hold(Id id) { ++things_[id].holds; }
  void let_go(Id id) {
    if (things_[id].holds > 0) --things_[id].holds;
  }

 private:
  bool gone(Id id) const { return id >= things_.size() || (things_[id].links == 0 && things_[id].holds == 0); }
  bool is_directory(Id id) const { return things_[id].type == node::FileType::kDirectory; }
  bool within(Id id, Id directory) const;
  node::Outcome<> usable(Id directory) const;  // a directory to look into
  // A directory in which names may be made.
  node::Outcome<> room(Id directory, const std::string& name) const;
  void forget(Id directory, const std::string& name);

  std::vector<Thing> things_;
};

}  // namespace entryproof::fuzz
