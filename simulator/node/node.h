// Node: a Tree that is being lived on.
//
// Both doors (the FUSE mount, the memory process) call these verbs and no others. For each call the Node, in this order:
//   1. asks the Gate (faults, kill at operation N); a ruling may fail the call before it touches anything, or shorten a write (read-only
//   calls
//      are shown to it too: they have no index);
//   2. applies it to the Tree;
//   3. appends it to the Journal, with its answer;
//   4. shows the new state to the Observer (the live oracles), before the caller gets the reply;
//   5. asks the Gate again (kill after operation N): the change stays, but the caller may get an error instead of the answer in the
//   journal.
// After seal() every mutation of that actor, or of one session of it, is refused with EIO, changes nothing and leaves no entry: killed
// means dead, whatever the kernel still sends on behalf of dying threads, and what it sends differs from run to run.
//
// Thread contract: the Node itself is not locked. A process world guards it with one mutex that its session thread holds per request.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/node/journal.h"
#include "simulator/node/tree.h"

namespace entryproof::node {

// What a gate decides about one operation.
struct Ruling {
  std::optional<Errno> error;              // fail with this
  std::optional<std::size_t> short_write;  // write at most so many bytes
  Duration delay{};                        // the call takes so much longer
};

class Gate {
 public:
  virtual ~Gate() = default;
  virtual Ruling before(const Operation&) { return {}; }
  virtual Ruling after(const Operation&) { return {}; }
  // Whether after() has anything to say about the operation at hand; asked once it has been applied, since asking costs.
  virtual bool acts_after() const { return true; }
  // Whether a ruling about this verb is to be expected. Doors ask for kClose, which is no operation otherwise, for kLookup, which a memory
  // process makes only then, and for kRead and kWrite, which a kernel would merge and repeat otherwise.
  virtual bool watches(Verb) const { return false; }
};

class Observer {
 public:
  virtual ~Observer() = default;
  // After each successful counted operation, which is the journal's and stays until the node is changed, with the state that a reader would
  // see now.
  virtual void observe(const Operation& operation, const Tree& now) = 0;
};

class Node {
 public:
  Node(Tree image, const Clock& clock, Journal::Limits limits = {});

  const Tree& tree() const { return tree_; }
  const Journal& journal() const { return journal_; }
  void set_gate(Gate* gate) { gate_ = gate; }
  void set_observer(Observer* observer) { observer_ = observer; }
  bool watches(Verb verb) const { return gate_ != nullptr && gate_->watches(verb); }
  // How a call takes longer: lets so much of the world's time pass. Whoever guards the node may let others in meanwhile.
  void set_pause(std::function<void(Duration)> pause) { pause_ = std::move(pause); }
  // Called once, when a cap of the journal is exceeded; whose operation it was is sealed already.
  void on_limit(std::function<void(std::string what)> callback) { on_limit_ = std::move(callback); }
  void seal(Actor actor) { sealed_[static_cast<std::size_t>(actor)] = true; }
  // For the actor's next life. Past a cap of the journal it stays sealed: nothing that it does could be judged.
  void unseal(Actor actor) { sealed_[static_cast<std::size_t>(actor)] = actor != Actor::kWorld && journal_.exceeded(); }
  bool sealed(Actor actor) const { return sealed_[static_cast<std::size_t>(actor)]; }
  // One process of the actor, for good: two instances may live at once, and killing one leaves the other.
  void seal(Actor actor, std::uint32_t session) { dead_sessions_.insert({actor, session}); }
  bool sealed(Actor actor, std::uint32_t session) const {
    return sealed(actor) || (!dead_sessions_.empty() && dead_sessions_.contains({actor, session}));
  }
  void mark(Actor actor, std::string text);
  // Another node from here on, as if it were new: no journal, no seals, no pins; gate, observer and callback stay. Nobody may hold an
  // inode.
  void restart(Tree image);
  // Replaces the whole tree, e.g. by a crash state at a reboot. Held inodes become stale (ESTALE). Leaves a mark.
  void replace_tree(Tree image, std::string why);

  // --- the verbs ---
  Outcome<InodeId> lookup(const Caller&, InodeId directory, std::string_view name);
  Outcome<Attributes> get_attributes(const Caller&, InodeId);
  Outcome<std::string> readlink(const Caller&, InodeId);
  Outcome<> access(const Caller&, InodeId, int mask);
  // open(2) of an existing inode: permission by access mode, EISDIR for writing a directory, ENOTDIR with O_DIRECTORY, ELOOP with
  // O_NOFOLLOW on a symlink, ENXIO for a FIFO or socket; O_TRUNC truncates as part of the same operation (one kTruncate entry, counted).
  // Pins the inode.
  Outcome<> open(const Caller&, InodeId, int flags);
  // open(2) with O_CREAT where nothing was (EEXIST otherwise): one operation. mode & ~umask. Pins the inode.
  Outcome<InodeId> create(const Caller&, InodeId directory, std::string_view name, mode_t mode, int flags);
  Outcome<std::string> read(const Caller&, InodeId, std::uint64_t offset, std::size_t size);
  Outcome<std::size_t> read(const Caller&, InodeId, std::uint64_t offset, std::span<char> into);  // the same into the caller's own room
  Outcome<std::vector<Entry>> read_directory(const Caller&, InodeId);
  Outcome<std::size_t> write(const Caller&, InodeId, std::uint64_t offset, std::string_view bytes, bool append = false);
  Outcome<> set_attributes(const Caller&, InodeId, const AttributeChange&);  // kTruncate if it has a size, else kSetAttributes
  Outcome<> allocate(const Caller&, InodeId, std::uint64_t offset, std::uint64_t length, bool keep_size);
  Outcome<InodeId> mkdir(const Caller&, InodeId directory, std::string_view name, mode_t mode);
  Outcome<InodeId> symlink(const Caller&, InodeId directory, std::string_view name, std::string_view target);
  Outcome<InodeId> mknod(const Caller&, InodeId directory, std::string_view name, FileType type, mode_t mode);
  Outcome<> link(const Caller&, InodeId inode, InodeId directory, std::string_view name);
  Outcome<> unlink(const Caller&, InodeId directory, std::string_view name);
  Outcome<> rmdir(const Caller&, InodeId directory, std::string_view name);
  Outcome<> rename(const Caller&, InodeId from, std::string_view name, InodeId to, std::string_view new_name, RenameFlag flag);
  Outcome<> fsync(const Caller&, InodeId, bool data_only);
  Outcome<> fsync_directory(const Caller&, InodeId);
  // close(2) of a descriptor; it is closed whatever the answer. Always well, and no operation, unless a gate watches it.
  Outcome<> close(const Caller&, InodeId);

  // Lifetime of inodes without a name: pinned while a descriptor or the kernel's inode cache holds them.
  void pin(InodeId, std::uint64_t count = 1);
  void unpin(InodeId, std::uint64_t count = 1);

 private:
  static Operation describe(const Caller&, Verb);
  Operation describe(const Caller&, Verb, InodeId) const;
  Operation describe(const Caller&, Verb, InodeId directory, std::string_view name) const;
  template <class T, class Apply>
  Outcome<T> perform(Operation&& operation, Apply&& apply);
  Outcome<> record(Operation& operation);
  bool pause(const Ruling& ruling);
  const Operation& append(Operation& operation);
  void show(const Operation& operation);
  void release(InodeId inode);
  std::int64_t wall() const { return clock_.wall_ns(); }

  Tree tree_;
  const Clock& clock_;
  Journal journal_;
  Gate* gate_ = nullptr;
  Observer* observer_ = nullptr;
  std::function<void(std::string)> on_limit_;
  std::function<void(Duration)> pause_;
  std::array<bool, 3> sealed_{};
  std::set<std::pair<Actor, std::uint32_t>> dead_sessions_;
  std::map<std::pair<Actor, std::uint32_t>, std::uint64_t> counted_;
  std::map<InodeId, std::uint64_t> pins_;
};

}  // namespace entryproof::node
