// Brute force: every crash state of a tiny trace, by the letter of the rules.
//
// Written to disagree with the library wherever one of the two is wrong, so it shares nothing with it but the journal: a crash may come
// after any operation, any subset of what is not durable is tried, each rule is a question about two micro-operations, and a state is built
// by applying the subset to plain maps.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulator/durability/model.h"
#include "simulator/durability/trace.h"

namespace entryproof::durability {

class BruteForce {
 public:
  BruteForce(const Trace& trace, Rules rules);

  std::size_t micro_operations() const { return micros_.size(); }
  // How many acknowledgements had been given, and the inventory of the node below `under` ("" for all of it).
  using Outcome = std::pair<std::size_t, std::vector<std::string>>;
  std::set<Outcome> outcomes(Model model, const std::string& under);

 private:
  using Mask = std::uint32_t;
  using Name = std::pair<node::InodeId, std::string>;

  struct File {
    node::FileType type = node::FileType::kFile;
    mode_t mode = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string bytes;  // or the target
  };
  struct Disk {
    std::map<node::InodeId, File> files;
    std::map<Name, node::InodeId> names;
  };
  enum class Kind { kNames, kMode, kTruncate, kSize, kPage };
  struct Micro {
    Kind kind = Kind::kNames;
    std::size_t operation = 0;
    bool at_once = false;
    node::InodeId inode = 0;
    std::map<Name, node::InodeId> names;  // what they lead to; 0: nothing
    std::set<node::InodeId> named;        // whose names these are
    bool creates = false;
    bool moves_directory = false;
    bool replaces_file = false;
    mode_t mode = 0;
    std::uint64_t size = 0;
    std::uint64_t size_before = 0;
    std::uint64_t offset = 0;  // kSize: of the write
    std::uint64_t page = 0;
    std::string bytes;
    std::size_t lost_at = ~std::size_t{0};
  };

  void take_apart(std::size_t operation);
  Micro& add(Kind kind, std::size_t operation);
  void write(std::size_t operation);
  bool metadata(std::size_t m) const { return micros_[m].kind <= Kind::kTruncate; }
  bool common(std::size_t a, std::size_t b) const;
  bool flushed(std::size_t a, std::size_t b) const;
  bool synced_between(node::InodeId inode, std::size_t from, std::size_t to) const;
  bool touches(std::size_t m, node::InodeId inode) const;
  Mask closed(Mask forced, Mask durable, Model model, bool at_once) const;
  Mask barrier(std::size_t operation, Mask durable, Model model) const;
  Mask own(std::size_t operation, Mask durable) const;
  std::size_t log_end(std::size_t operation, Mask durable, Model model) const;
  void add_parents(node::InodeId inode, std::size_t end, Mask& forced) const;
  const std::vector<std::string>& inventory_of(Mask mask, const std::string& under);
  std::uint64_t visible_size(node::InodeId inode, Mask mask, std::uint64_t size) const;

  const Trace& trace_;
  Rules rules_;
  Disk image_;
  Disk live_;
  std::vector<Micro> micros_;
  std::map<std::pair<Mask, std::string>, std::vector<std::string>> known_;
};

}  // namespace entryproof::durability
