#include "simulator/cluster/change.h"

#include <fcntl.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "simulator/node/view.h"

namespace entryproof::cluster {
namespace {

using node::Entry;
using node::FileType;
using node::InodeId;
using node::Outcome;
using node::Place;
using node::Tree;
using node::View;

// The verbs that changes are made of, the same for both grounds: a Node journals them, a Tree just changes.
class OnNode {
 public:
  OnNode(node::Node& node, const node::Caller& caller) : node_(node), caller_(caller) {}
  const Tree& tree() const { return node_.tree(); }
  Outcome<InodeId> mkdir(InodeId directory, std::string_view name, mode_t mode) { return node_.mkdir(caller_, directory, name, mode); }
  Outcome<InodeId> create(InodeId directory, std::string_view name, mode_t mode) {
    const auto made = node_.create(caller_, directory, name, mode, O_WRONLY | O_CREAT | O_TRUNC);
    if (made) node_.unpin(*made);  // nobody holds it open between two verbs of ours
    return made;
  }
  Outcome<InodeId> fifo(InodeId directory, std::string_view name, mode_t mode) {
    return node_.mknod(caller_, directory, name, FileType::kFifo, mode);
  }
  Outcome<> truncate(InodeId inode) {
    const auto opened = node_.open(caller_, inode, O_WRONLY | O_TRUNC);
    if (opened) node_.unpin(inode);
    return opened;
  }
  Outcome<std::size_t> write(InodeId inode, std::uint64_t offset, std::string_view bytes) {
    return node_.write(caller_, inode, offset, bytes);
  }
  Outcome<> set(InodeId inode, const node::AttributeChange& change) { return node_.set_attributes(caller_, inode, change); }
  Outcome<> symlink(InodeId directory, std::string_view name, std::string_view target) {
    const auto made = node_.symlink(caller_, directory, name, target);
    if (!made) return std::unexpected(made.error());
    return {};
  }
  Outcome<> rename(InodeId from, std::string_view name, InodeId to, std::string_view new_name) {
    return node_.rename(caller_, from, name, to, new_name, node::RenameFlag::kNone);
  }
  Outcome<> unlink(InodeId directory, std::string_view name) { return node_.unlink(caller_, directory, name); }
  Outcome<> rmdir(InodeId directory, std::string_view name) { return node_.rmdir(caller_, directory, name); }

 private:
  node::Node& node_;
  const node::Caller& caller_;
};

class OnTree {
 public:
  OnTree(Tree& tree, std::int64_t now) : tree_(tree), now_(now) {}
  const Tree& tree() const { return tree_; }
  Outcome<InodeId> mkdir(InodeId directory, std::string_view name, mode_t mode) { return tree_.mkdir(root_, directory, name, mode, now_); }
  Outcome<InodeId> create(InodeId directory, std::string_view name, mode_t mode) {
    return tree_.create(root_, directory, name, mode, now_);
  }
  Outcome<InodeId> fifo(InodeId directory, std::string_view name, mode_t mode) {
    return tree_.mknod(root_, directory, name, FileType::kFifo, mode, now_);
  }
  Outcome<> truncate(InodeId inode) {
    node::AttributeChange change;
    change.size = 0;
    return tree_.set_attributes(root_, inode, change, now_);
  }
  Outcome<std::size_t> write(InodeId inode, std::uint64_t offset, std::string_view bytes) {
    return tree_.write(inode, offset, bytes, now_);
  }
  Outcome<> set(InodeId inode, const node::AttributeChange& change) { return tree_.set_attributes(root_, inode, change, now_); }
  Outcome<> symlink(InodeId directory, std::string_view name, std::string_view target) {
    const auto made = tree_.symlink(root_, directory, name, target, now_);
    if (!made) return std::unexpected(made.error());
    return {};
  }
  Outcome<> rename(InodeId from, std::string_view name, InodeId to, std::string_view new_name) {
    const auto replaced = tree_.rename(root_, from, name, to, new_name, node::RenameFlag::kNone, now_);
    if (!replaced) return std::unexpected(replaced.error());
    if (*replaced) tree_.reap(**replaced);
    return {};
  }
  Outcome<> unlink(InodeId directory, std::string_view name) { return forget(tree_.unlink(root_, directory, name, now_)); }
  Outcome<> rmdir(InodeId directory, std::string_view name) { return forget(tree_.rmdir(root_, directory, name, now_)); }

 private:
  Outcome<> forget(const Outcome<InodeId>& lost) {
    if (!lost) return std::unexpected(lost.error());
    tree_.reap(*lost);  // stays if it has other names
    return {};
  }

  Tree& tree_;
  std::int64_t now_;
  node::Credentials root_;
};

// Where a path of a Change leads, as if `base` were the root of everything.
Outcome<Place> walk(const Tree& tree, InodeId base, const std::string& path, bool follow_last) {
  return View({node::Mount{"/", base, false}}).walk(tree, {}, "/" + path, follow_last);
}

template <class Ground>
Outcome<> remove(Ground& ground, InodeId directory, const std::string& name, InodeId inode) {
  const auto attributes = ground.tree().attributes(inode);
  if (!attributes) return std::unexpected(attributes.error());
  if (attributes->type != FileType::kDirectory) return ground.unlink(directory, name);
  const auto entries = ground.tree().list(inode);
  if (!entries) return std::unexpected(entries.error());
  for (const Entry& entry : *entries) {
    if (const auto removed = remove(ground, inode, entry.name, entry.inode); !removed) return removed;
  }
  return ground.rmdir(directory, name);
}

template <class Ground>
Outcome<> write_all(Ground& ground, InodeId inode, std::string_view bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto written = ground.write(inode, done, bytes.substr(done));
    if (!written) return std::unexpected(written.error());
    if (*written == 0) return node::refuse(ENOSPC);
    done += *written;
  }
  return {};
}

// Makes the object of a kMkdir, kWrite or kFifo, or gives the one that is there already.
template <class Ground>
Outcome<InodeId> make(Ground& ground, const Place& at, const Change& change) {
  switch (change.kind) {
    case Change::Kind::kMkdir: {
      if (at.inode == 0) return ground.mkdir(at.parent, at.name, change.mode);
      const auto attributes = ground.tree().attributes(at.inode);
      if (attributes && attributes->type == FileType::kDirectory) return at.inode;
      return node::refuse(EEXIST);
    }
    case Change::Kind::kWrite: {
      if (at.inode == 0) return ground.create(at.parent, at.name, change.mode);
      const auto emptied = ground.truncate(at.inode);
      if (!emptied) return std::unexpected(emptied.error());
      return at.inode;
    }
    default:
      return ground.fifo(at.parent, at.name, change.mode);
  }
}

template <class Ground>
Outcome<> make_with_attributes(Ground& ground, const Place& at, const Change& change) {
  const auto inode = make(ground, at, change);
  if (!inode) return std::unexpected(inode.error());
  if (const auto written = write_all(ground, *inode, change.bytes); !written) return written;
  node::AttributeChange attributes;
  attributes.mode = change.mode;
  attributes.uid = change.uid;
  attributes.gid = change.gid;
  return ground.set(*inode, attributes);
}

template <class Ground>
Outcome<> perform(Ground& ground, InodeId base, const Change& change) {
  const auto at = walk(ground.tree(), base, change.path, change.kind == Change::Kind::kWrite);
  if (!at) return std::unexpected(at.error());
  switch (change.kind) {
    case Change::Kind::kMkdir:
    case Change::Kind::kWrite:
    case Change::Kind::kFifo:
      return make_with_attributes(ground, *at, change);
    case Change::Kind::kSymlink:
      return ground.symlink(at->parent, at->name, change.other);
    case Change::Kind::kRemove:
      return at->inode == 0 ? Outcome<>{} : remove(ground, at->parent, at->name, at->inode);
    case Change::Kind::kRename:
      break;
  }
  const auto to = walk(ground.tree(), base, change.other, false);
  if (!to) return std::unexpected(to.error());
  return ground.rename(at->parent, at->name, to->parent, to->name);
}

template <class Ground>
Outcome<> perform_all(Ground ground, InodeId base, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (const auto done = perform(ground, base, change); !done) return done;
  }
  return {};
}

}  // namespace

Outcome<> apply(node::Node& node, const node::Caller& caller, InodeId base, const std::vector<Change>& changes) {
  return perform_all(OnNode(node, caller), base, changes);
}

Outcome<> apply(node::Tree& tree, InodeId base, const std::vector<Change>& changes, std::int64_t now) {
  return perform_all(OnTree(tree, now), base, changes);
}

}  // namespace entryproof::cluster
