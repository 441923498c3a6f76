#include "simulator/node/node.h"

#include <fcntl.h>

#include <cerrno>

#include <algorithm>
#include <memory>
#include <utility>

namespace entryproof::node {
Node::Node(Tree image, const Clock& clock, Journal::Limits limits) : tree_(std::move(image)), clock_(clock), journal_(limits) {
  for (const InodeId orphan : tree_.orphans()) tree_.reap(orphan);
}

// --- the heart ---

Operation Node::describe(const Caller& caller, Verb verb) {
  Operation operation;
  operation.verb = verb;
  operation.actor = caller.actor;
  operation.session = caller.session;
  operation.credentials = caller.credentials;
  return operation;
}

Operation Node::describe(const Caller& caller, Verb verb, InodeId inode) const {
  Operation operation = describe(caller, verb);
  operation.inode = inode;
  if (journal_.keeps(verb) || watches(verb)) operation.path = tree_.path_of(inode);
  return operation;
}

Operation Node::describe(const Caller& caller, Verb verb, InodeId directory, std::string_view name) const {
  Operation operation = describe(caller, verb);
  operation.parent = directory;
  operation.inode = tree_.child(directory, name);
  if (!journal_.keeps(verb) && !watches(verb)) return operation;
  operation.path = tree_.path_of(directory, name);
  operation.name = name;
  return operation;
}

// `apply` changes the tree, may complete the operation with what it learnt (the new inode, the bytes written), and gives the answer.
template <class T, class Apply>
Outcome<T> Node::perform(Operation&& operation, Apply&& apply) {
  const bool counted = counts(operation.verb);
  if (counted && sealed(operation.actor, operation.session)) return refuse(EIO);
  if (counted) operation.index = ++counted_[{operation.actor, operation.session}];
  const auto stamp = [&] {
    operation.at = clock_.now();
    operation.seq = journal_.operations().size() + 1;
  };
  stamp();

  Ruling ruling;
  if (gate_ != nullptr) {
    ruling = gate_->before(operation);
    if (pause(ruling)) stamp();
    if (counted && sealed(operation.actor, operation.session) && !ruling.error) ruling.error = Errno{EIO};  // the gate killed the actor
    operation.injected = ruling.error || ruling.short_write;
  }
  Outcome<T> answer = ruling.error ? Outcome<T>(std::unexpected(*ruling.error)) : apply(operation, ruling);
  operation.result = answer ? 0 : static_cast<int>(answer.error());
  if (const auto after = record(operation); !after) return std::unexpected(after.error());
  return answer;
}

// Journal, observer, gate. An error is the gate's.
Outcome<> Node::record(Operation& operation) {
  // A gate may change the node, and the journal with it, while it looks: it is given an operation of its own.
  if (gate_ != nullptr && gate_->acts_after()) {
    Operation kept = operation;
    append(kept);
    show(operation);
    const Ruling ruling = gate_->after(operation);
    pause(ruling);
    if (ruling.error) return std::unexpected(*ruling.error);
  } else {
    show(append(operation));
  }
  return {};
}

void Node::show(const Operation& operation) {
  if (observer_ != nullptr && counts(operation.verb) && operation.succeeded()) observer_->observe(operation, tree_);
}

bool Node::pause(const Ruling& ruling) {
  if (ruling.delay <= Duration{} || !pause_) return false;
  pause_(ruling.delay);
  return true;
}

// Gives it to the journal, and says where it is then: there, or where it was if the journal does not keep it.
const Operation& Node::append(Operation& operation) {
  const bool before = journal_.exceeded();
  const Actor actor = operation.actor;
  const std::size_t place = journal_.operations().size();
  const bool kept = journal_.take(operation);
  if (!before && journal_.exceeded()) {
    if (actor != Actor::kWorld) seal(actor);
    const Journal::Limits& limits = journal_.limits();
    if (on_limit_) {
      on_limit_(journal_.counted() > limits.operations ? "more than " + std::to_string(limits.operations) + " operations"
                                                       : "more than " + std::to_string(limits.bytes) + " bytes written");
    }
  }
  return kept ? journal_.operations()[place] : operation;
}

void Node::mark(Actor actor, std::string text) {
  Operation operation;
  operation.actor = actor;
  operation.at = clock_.now();
  operation.name = std::move(text);
  append(operation);
}

void Node::replace_tree(Tree image, std::string why) {
  image.follow(tree_);
  tree_ = std::move(image);
  for (const InodeId orphan : tree_.orphans()) release(orphan);
  mark(Actor::kWorld, std::move(why));
}

void Node::restart(Tree image) {
  tree_ = std::move(image);
  journal_.clear();
  sealed_ = {};
  dead_sessions_.clear();
  counted_.clear();
  pins_.clear();
  for (const InodeId orphan : tree_.orphans()) tree_.reap(orphan);
}

void Node::pin(InodeId inode, std::uint64_t count) { pins_[inode] += count; }

void Node::unpin(InodeId inode, std::uint64_t count) {
  const auto pinned = pins_.find(inode);
  if (pinned == pins_.end()) return;
  pinned->second -= std::min(count, pinned->second);
  if (pinned->second > 0) return;
  pins_.erase(pinned);
  tree_.reap(inode);
}

// Forgets an inode that may have lost its last name, unless somebody holds it.
void Node::release(InodeId inode) {
  if (!pins_.contains(inode)) tree_.reap(inode);
}

// --- looking ---

Outcome<InodeId> Node::lookup(const Caller& caller, InodeId directory, std::string_view name) {
  return perform<InodeId>(describe(caller, Verb::kLookup, directory, name),
                          [&](Operation&, const Ruling&) { return tree_.lookup(caller.credentials, directory, name); });
}

Outcome<Attributes> Node::get_attributes(const Caller& caller, InodeId inode) {
  return perform<Attributes>(describe(caller, Verb::kGetAttributes, inode),
                             [&](Operation&, const Ruling&) { return tree_.attributes(inode); });
}

Outcome<std::string> Node::readlink(const Caller& caller, InodeId inode) {
  return perform<std::string>(describe(caller, Verb::kReadlink, inode), [&](Operation&, const Ruling&) { return tree_.readlink(inode); });
}

Outcome<> Node::access(const Caller& caller, InodeId inode, int mask) {
  Operation operation = describe(caller, Verb::kAccess, inode);
  operation.flags = static_cast<std::uint32_t>(mask);
  return perform<void>(std::move(operation), [&](Operation&, const Ruling&) { return tree_.access(caller.credentials, inode, mask); });
}

Outcome<std::string> Node::read(const Caller& caller, InodeId inode, std::uint64_t offset, std::size_t size) {
  Operation operation = describe(caller, Verb::kRead, inode);
  operation.offset = offset;
  operation.length = size;
  return perform<std::string>(std::move(operation), [&](Operation&, const Ruling&) { return tree_.read(inode, offset, size); });
}

Outcome<std::size_t> Node::read(const Caller& caller, InodeId inode, std::uint64_t offset, std::span<char> into) {
  Operation operation = describe(caller, Verb::kRead, inode);
  operation.offset = offset;
  operation.length = into.size();
  return perform<std::size_t>(std::move(operation), [&](Operation&, const Ruling&) { return tree_.read(inode, offset, into); });
}

Outcome<std::vector<Entry>> Node::read_directory(const Caller& caller, InodeId inode) {
  return perform<std::vector<Entry>>(describe(caller, Verb::kReadDirectory, inode),
                                     [&](Operation&, const Ruling&) { return tree_.list(inode); });
}

// --- opening ---

namespace {

Outcome<> permit_open(const Tree& tree, const Credentials& who, InodeId inode, int flags) {
  const Outcome<Attributes> is = tree.attributes(inode);
  if (!is) return std::unexpected(is.error());
  const int mode = flags & O_ACCMODE;
  const int mask = (mode == O_WRONLY ? 2 : mode == O_RDWR ? 6 : 4) | ((flags & O_TRUNC) != 0 ? 2 : 0);
  if ((flags & O_DIRECTORY) != 0 && is->type != FileType::kDirectory) return refuse(ENOTDIR);
  if (is->type == FileType::kSymlink) return refuse(ELOOP);
  if (is->type == FileType::kDirectory && (mask & 2) != 0) return refuse(EISDIR);
  if (const auto may = tree.access(who, inode, mask); !may) return may;
  if (is->type != FileType::kFile && is->type != FileType::kDirectory) return refuse(ENXIO);
  return {};
}

}  // namespace

Outcome<> Node::open(const Caller& caller, InodeId inode, int flags) {
  const bool truncates = (flags & O_TRUNC) != 0;
  Operation operation = describe(caller, truncates ? Verb::kTruncate : Verb::kOpen, inode);
  operation.flags = static_cast<std::uint32_t>(flags);
  const Outcome<> opened = perform<void>(std::move(operation), [&](Operation&, const Ruling&) -> Outcome<> {
    if (const auto may = permit_open(tree_, caller.credentials, inode, flags); !may || !truncates) return may;
    AttributeChange change;
    change.size = 0;
    return tree_.set_attributes(caller.credentials, inode, change, wall());
  });
  if (opened) pin(inode);
  return opened;
}

Outcome<InodeId> Node::create(const Caller& caller, InodeId directory, std::string_view name, mode_t mode, int flags) {
  Operation operation = describe(caller, Verb::kCreate, directory, name);
  operation.flags = static_cast<std::uint32_t>(flags);
  operation.mode = mode & ~caller.umask;
  const Outcome<InodeId> created = perform<InodeId>(std::move(operation), [&](Operation& done, const Ruling&) {
    const Outcome<InodeId> made = tree_.create(caller.credentials, directory, name, done.mode, wall());
    if (made) done.inode = *made;
    return made;
  });
  if (created) pin(*created);
  return created;
}

// --- content and attributes ---

Outcome<std::size_t> Node::write(const Caller& caller, InodeId inode, std::uint64_t offset, std::string_view bytes, bool append) {
  Operation operation = describe(caller, Verb::kWrite, inode);
  if (append) {
    const Outcome<Attributes> is = tree_.attributes(inode);
    offset = is ? is->size : 0;
  }
  operation.offset = offset;
  operation.length = bytes.size();
  return perform<std::size_t>(std::move(operation), [&](Operation& done, const Ruling& ruling) {
    const std::string_view allowed = bytes.substr(0, ruling.short_write.value_or(bytes.size()));
    const Outcome<std::size_t> written = tree_.write(caller.credentials, inode, offset, allowed, wall());
    if (written) done.data = std::make_shared<const std::string>(allowed.substr(0, *written));
    return written;
  });
}

Outcome<> Node::set_attributes(const Caller& caller, InodeId inode, const AttributeChange& change) {
  Operation operation = describe(caller, change.size ? Verb::kTruncate : Verb::kSetAttributes, inode);
  operation.length = change.size.value_or(0);
  operation.mode = change.mode.value_or(0);
  operation.change = std::make_shared<const AttributeChange>(change);
  return perform<void>(std::move(operation),
                       [&](Operation&, const Ruling&) { return tree_.set_attributes(caller.credentials, inode, change, wall()); });
}

Outcome<> Node::allocate(const Caller& caller, InodeId inode, std::uint64_t offset, std::uint64_t length, bool keep_size) {
  Operation operation = describe(caller, Verb::kAllocate, inode);
  operation.offset = offset;
  operation.length = length;
  operation.flags = keep_size ? 1U : 0U;  // FALLOC_FL_KEEP_SIZE
  return perform<void>(std::move(operation),
                       [&](Operation&, const Ruling&) { return tree_.allocate(inode, offset, length, keep_size, wall()); });
}

Outcome<> Node::fsync(const Caller& caller, InodeId inode, bool data_only) {
  Operation operation = describe(caller, Verb::kFsync, inode);
  operation.flags = data_only ? 1U : 0U;
  return perform<void>(std::move(operation), [&](Operation&, const Ruling&) -> Outcome<> {
    const Outcome<Attributes> is = tree_.attributes(inode);
    if (!is) return std::unexpected(is.error());
    return {};
  });
}

Outcome<> Node::fsync_directory(const Caller& caller, InodeId inode) {
  return perform<void>(describe(caller, Verb::kFsyncDirectory, inode), [&](Operation&, const Ruling&) -> Outcome<> {
    const Outcome<Attributes> is = tree_.attributes(inode);
    if (!is) return std::unexpected(is.error());
    if (is->type != FileType::kDirectory) return refuse(ENOTDIR);
    return {};
  });
}

Outcome<> Node::close(const Caller& caller, InodeId inode) {
  if (!watches(Verb::kClose)) return {};
  return perform<void>(describe(caller, Verb::kClose, inode), [](Operation&, const Ruling&) -> Outcome<> { return {}; });
}

// --- names ---

Outcome<InodeId> Node::mkdir(const Caller& caller, InodeId directory, std::string_view name, mode_t mode) {
  Operation operation = describe(caller, Verb::kMkdir, directory, name);
  operation.mode = mode & ~caller.umask;
  return perform<InodeId>(std::move(operation), [&](Operation& done, const Ruling&) {
    const Outcome<InodeId> made = tree_.mkdir(caller.credentials, directory, name, done.mode, wall());
    if (made) done.inode = *made;
    return made;
  });
}

Outcome<InodeId> Node::symlink(const Caller& caller, InodeId directory, std::string_view name, std::string_view target) {
  Operation operation = describe(caller, Verb::kSymlink, directory, name);
  operation.name2 = target;
  return perform<InodeId>(std::move(operation), [&](Operation& done, const Ruling&) {
    const Outcome<InodeId> made = tree_.symlink(caller.credentials, directory, name, target, wall());
    if (made) done.inode = *made;
    return made;
  });
}

Outcome<InodeId> Node::mknod(const Caller& caller, InodeId directory, std::string_view name, FileType type, mode_t mode) {
  Operation operation = describe(caller, Verb::kMknod, directory, name);
  operation.mode = mode & ~caller.umask;
  operation.flags = static_cast<std::uint32_t>(type);
  return perform<InodeId>(std::move(operation), [&](Operation& done, const Ruling&) {
    const Outcome<InodeId> made = tree_.mknod(caller.credentials, directory, name, type, done.mode, wall());
    if (made) done.inode = *made;
    return made;
  });
}

Outcome<> Node::link(const Caller& caller, InodeId inode, InodeId directory, std::string_view name) {
  Operation operation = describe(caller, Verb::kLink, inode);
  operation.parent2 = directory;
  operation.name2 = name;
  operation.path2 = tree_.path_of(directory, name);
  return perform<void>(std::move(operation),
                       [&](Operation&, const Ruling&) { return tree_.link(caller.credentials, inode, directory, name, wall()); });
}

Outcome<> Node::unlink(const Caller& caller, InodeId directory, std::string_view name) {
  return perform<void>(describe(caller, Verb::kUnlink, directory, name), [&](Operation&, const Ruling&) -> Outcome<> {
    const Outcome<InodeId> gone = tree_.unlink(caller.credentials, directory, name, wall());
    if (!gone) return std::unexpected(gone.error());
    release(*gone);
    return {};
  });
}

Outcome<> Node::rmdir(const Caller& caller, InodeId directory, std::string_view name) {
  return perform<void>(describe(caller, Verb::kRmdir, directory, name), [&](Operation&, const Ruling&) -> Outcome<> {
    const Outcome<InodeId> gone = tree_.rmdir(caller.credentials, directory, name, wall());
    if (!gone) return std::unexpected(gone.error());
    release(*gone);
    return {};
  });
}

Outcome<> Node::rename(const Caller& caller, InodeId from, std::string_view name, InodeId to, std::string_view new_name, RenameFlag flag) {
  Operation operation = describe(caller, Verb::kRename, from, name);
  operation.parent2 = to;
  operation.name2 = new_name;
  operation.path2 = tree_.path_of(to, new_name);
  operation.inode2 = tree_.child(to, new_name);
  operation.flags = static_cast<std::uint32_t>(flag);  // the enumerators are the kernel's RENAME_ flags
  return perform<void>(std::move(operation), [&](Operation&, const Ruling&) -> Outcome<> {
    const auto gone = tree_.rename(caller.credentials, from, name, to, new_name, flag, wall());
    if (!gone) return std::unexpected(gone.error());
    if (*gone) release(**gone);
    return {};
  });
}

}  // namespace entryproof::node
