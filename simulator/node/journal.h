// Journal: everything that happened to a node's file system, in order.
//
// One entry per operation as the file system saw it: who, what, on which inode under which path, with which bytes, and the answer. Failed
// and read-only operations are entries too (flagged), because they tell why a program chose its next step. Marks stand for events outside
// the file system (a start, an exit, a line of output, a step of the scenario). Recording is bounded: see Limits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/node/types.h"

namespace entryproof::node {

enum class Verb : std::uint8_t {
  // mutating
  kCreate,
  kMkdir,
  kSymlink,
  kMknod,
  kLink,
  kUnlink,
  kRmdir,
  kRename,
  kWrite,
  kTruncate,
  kSetAttributes,
  kAllocate,
  kFsync,
  kFsyncDirectory,
  // read-only
  kLookup,
  kGetAttributes,
  kOpen,
  kRead,
  kReadDirectory,
  kReadlink,
  kAccess,
  kClose,  // asked about, and recorded, only while a gate watches it
  // not of the file system
  kMark,
};

std::string_view to_string(Verb);
// Mutations and barriers: what counts for "operation N", kills and faults (simulation.md, "Op counter").
bool counts(Verb);

struct Operation {
  std::uint64_t seq = 0;    // position in the journal, from 1; every entry that is kept
  std::uint64_t index = 0;  // among the counted operations of this actor's session, from 1; 0 if not counted
  Moment at;
  Verb verb = Verb::kMark;
  Actor actor = Actor::kWorld;
  std::uint32_t session = 0;
  Credentials credentials;
  InodeId inode = 0;    // the object (for create and the like: the new one)
  InodeId inode2 = 0;   // rename: the one that was replaced, or exchanged
  InodeId parent = 0;   // directory of `name`
  InodeId parent2 = 0;  // rename and link: the new directory
  std::string name;
  std::string name2;  // rename and link: the new name; symlink: the target
  std::string path;   // absolute in the node, for people
  std::string path2;  // rename and link: where it went
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // bytes asked for
  std::uint32_t flags = 0;   // open(2), renameat2(2) or fdatasync (1) flags
  mode_t mode = 0;
  std::shared_ptr<const std::string> data;        // the bytes that were written, maybe fewer than asked for; null for others
  std::shared_ptr<const AttributeChange> change;  // kSetAttributes, and kTruncate unless by open(2): what was asked for; null for others
  int result = 0;                                 // 0, or the error number answered
  bool injected = false;                          // the answer was made by a gate, not by the tree

  bool succeeded() const { return result == 0; }
  // "rename /etc/cni/net.d/a.new -> /etc/cni/net.d/a: ok", for people.
  std::string describe() const;
};

class Journal {
 public:
  struct Limits {
    std::uint64_t operations = 200'000;        // counted operations and marks; past it the build is killed, with a finding
    std::uint64_t bytes = 512ULL << 20;        // of written data; likewise
    std::uint64_t read_only_entries = 50'000;  // past it they are counted, not kept
  };

  explicit Journal(Limits limits) : limits_(limits) {}
  Journal() : Journal(Limits{}) {}

  // Gives the entry its seq. False once a limit that ends the run is exceeded; the entry is kept all the same.
  bool append(Operation operation);
  // Forgets everything but its limits.
  void clear();
  // The same, but what `operation` held is the journal's from then on. False, with `operation` as it was, for one that is not kept.
  bool take(Operation& operation);
  // Whether an entry of this verb would be kept, and not only counted.
  bool keeps(Verb verb) const { return counts(verb) || verb == Verb::kMark || read_only_kept_ < limits_.read_only_entries; }
  const Limits& limits() const { return limits_; }
  const std::vector<Operation>& operations() const { return operations_; }
  // A copy of those behind the entry of that number.
  std::vector<Operation> after(std::uint64_t seq) const;
  std::uint64_t read_only_dropped() const { return read_only_dropped_; }
  std::uint64_t counted() const { return counted_; }  // counted operations and marks
  std::uint64_t bytes() const { return bytes_; }      // of written data
  bool exceeded() const { return exceeded_; }

 private:
  Limits limits_;
  std::vector<Operation> operations_;
  std::uint64_t read_only_kept_ = 0;
  std::uint64_t read_only_dropped_ = 0;
  std::uint64_t counted_ = 0;
  std::uint64_t bytes_ = 0;
  bool exceeded_ = false;
};

}  // namespace entryproof::node
