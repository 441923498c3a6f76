// The verbs that change names: create, link, unlink, rename and their kin. Order of checks: the kernel's (fs/namei.c), since two may fail
// at once.
#include <cerrno>

#include <algorithm>

#include "simulator/node/tree.h"
#include "simulator/node/tree_state.h"

namespace entryproof::node {
namespace {

constexpr mode_t kSticky = 01000;
constexpr mode_t kSetUser = 04000;
constexpr mode_t kSetGroup = 02000;
constexpr mode_t kGroupRuns = 00010;

bool is_dots(std::string_view name) { return name == "." || name == ".."; }

Outcome<> check_name(std::string_view name) {
  if (name.empty()) return refuse(ENOENT);
  if (name.size() > Tree::kNameCap) return refuse(ENAMETOOLONG);
  if (name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos) return refuse(EINVAL);
  return {};
}

// May a name be added to this directory, that was looked up and found missing?
Outcome<> permit_add(const Credentials& who, const Inode& directory) {
  if (directory.attributes.links == 0) return refuse(ENOENT);  // removed while somebody held it
  return permit(who, directory.attributes, 3);
}

// May this name be taken away from the directory? In a sticky one only by the owner of either.
Outcome<> permit_remove(const Credentials& who, const Inode& directory, const Inode& inode) {
  if (const auto may = permit(who, directory.attributes, 3); !may) return may;
  const bool sticky = (directory.attributes.mode & kSticky) != 0;
  if (sticky && !owns(who, inode.attributes) && !owns(who, directory.attributes)) return refuse(EPERM);
  return {};
}

// The owner, group and mode that a new inode gets in this directory.
void inherit(const Credentials& who, const Attributes& directory, mode_t mode, Attributes& made) {
  made.uid = who.uid;
  made.gid = who.gid;
  made.mode = mode & 07777;
  if (made.type == FileType::kDirectory) made.mode &= ~(kSetUser | kSetGroup);
  if ((directory.mode & kSetGroup) == 0) return;
  made.gid = directory.gid;
  if (made.type == FileType::kDirectory) {
    made.mode |= kSetGroup;
  } else if ((made.mode & (kSetGroup | kGroupRuns)) == (kSetGroup | kGroupRuns) && !who.privileged && who.gid != made.gid) {
    made.mode &= ~kSetGroup;
  }
}

}  // namespace

void Tree::State::attach(Inode& directory, std::string_view name, Inode& inode) {
  directory.entries.put(edit, Entry{std::string(name), inode.attributes.inode, inode.attributes.type});
  directory.attributes.mtime_ns = directory.attributes.ctime_ns;
  inode.names.push_back({directory.attributes.inode, std::string(name)});
  if (inode.is(FileType::kDirectory)) {
    inode.parent = directory.attributes.inode;
    ++directory.attributes.links;
  }
}

void Tree::State::detach(Inode& directory, std::string_view name, Inode& inode) {
  directory.entries.erase(edit, name);
  directory.attributes.mtime_ns = directory.attributes.ctime_ns;
  const auto held = std::find_if(inode.names.rbegin(), inode.names.rend(), [&](const Inode::Name& known) {
    return known.directory == directory.attributes.inode && known.name == name;
  });
  if (held != inode.names.rend()) inode.names.erase(std::next(held).base());
  if (inode.is(FileType::kDirectory)) --directory.attributes.links;
}

Outcome<InodeId> Tree::make(const Credentials& who, InodeId directory, std::string_view name, FileType type, mode_t mode, std::int64_t now,
                            std::string_view target) {
  const Outcome<InodeId> there = lookup(who, directory, name);
  if (there) return refuse(EEXIST);
  if (there.error() != Errno{ENOENT}) return there;
  if (const auto good = check_name(name); !good) return std::unexpected(good.error());
  if (const auto may = permit_add(who, *state_->find(directory)); !may) return std::unexpected(may.error());
  if (state_->inodes >= state_->limits.inodes) return refuse(ENOSPC);

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& parent = state.change(directory, tick);
  Inode& made = state.add(type, tick);
  made.target = target;
  made.attributes.size = type == FileType::kDirectory ? Pages::kPageSize : target.size();
  made.attributes.links = type == FileType::kDirectory ? 2 : 1;
  inherit(who, parent.attributes, mode, made.attributes);
  state.attach(parent, name, made);
  return made.attributes.inode;
}

Outcome<InodeId> Tree::create(const Credentials& who, InodeId directory, std::string_view name, mode_t mode, std::int64_t now) {
  return make(who, directory, name, FileType::kFile, mode, now);
}

Outcome<InodeId> Tree::mkdir(const Credentials& who, InodeId directory, std::string_view name, mode_t mode, std::int64_t now) {
  return make(who, directory, name, FileType::kDirectory, mode, now);
}

Outcome<InodeId> Tree::symlink(const Credentials& who, InodeId directory, std::string_view name, std::string_view target,
                               std::int64_t now) {
  if (target.empty()) return refuse(ENOENT);
  if (target.size() > kSymlinkCap) return refuse(ENAMETOOLONG);
  if (target.contains('\0')) return refuse(EINVAL);
  return make(who, directory, name, FileType::kSymlink, 0777, now, target);
}

Outcome<InodeId> Tree::mknod(const Credentials& who, InodeId directory, std::string_view name, FileType type, mode_t mode,
                             std::int64_t now) {
  if (type == FileType::kDirectory || type == FileType::kSymlink) return refuse(EINVAL);
  return make(who, directory, name, type, mode, now);
}

Outcome<> Tree::link(const Credentials& who, InodeId inode, InodeId directory, std::string_view name, std::int64_t now) {
  const Inode* linked = state_->find(inode);
  if (linked == nullptr) return refuse(ESTALE);
  const Outcome<InodeId> there = lookup(who, directory, name);
  if (there) return refuse(EEXIST);
  if (there.error() != Errno{ENOENT}) return std::unexpected(there.error());
  if (const auto good = check_name(name); !good) return good;
  // What fs.protected_hardlinks = 1, every distribution's default, asks of those who do not own the file.
  const Attributes& is = linked->attributes;
  const bool harmless = is.type == FileType::kFile && without_set_id(is.mode) == is.mode && permit(who, is, 6).has_value();
  if (!owns(who, is) && !harmless) return refuse(EPERM);
  if (const auto may = permit_add(who, *state_->find(directory)); !may) return may;
  if (is.type == FileType::kDirectory) return refuse(EPERM);
  if (is.links == 0) return refuse(ENOENT);
  if (is.links >= kLinkCap) return refuse(EMLINK);

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& changed = state.change(inode, tick);
  ++changed.attributes.links;
  state.attach(state.change(directory, tick), name, changed);
  return {};
}

Outcome<InodeId> Tree::unlink(const Credentials& who, InodeId directory, std::string_view name, std::int64_t now) {
  if (is_dots(name)) return refuse(EISDIR);
  const Outcome<InodeId> there = lookup(who, directory, name);
  if (!there) return there;
  if (const auto may = permit_remove(who, *state_->find(directory), *state_->find(*there)); !may) return std::unexpected(may.error());
  if (state_->find(*there)->is(FileType::kDirectory)) return refuse(EISDIR);

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& inode = state.change(*there, tick);
  state.detach(state.change(directory, tick), name, inode);
  if (--inode.attributes.links == 0) ++state.orphans;
  return there;
}

Outcome<InodeId> Tree::rmdir(const Credentials& who, InodeId directory, std::string_view name, std::int64_t now) {
  if (is_dots(name)) return refuse(name == "." ? EINVAL : ENOTEMPTY);
  const Outcome<InodeId> there = lookup(who, directory, name);
  if (!there) return there;
  const Inode& found = *state_->find(*there);
  if (const auto may = permit_remove(who, *state_->find(directory), found); !may) return std::unexpected(may.error());
  if (!found.is(FileType::kDirectory)) return refuse(ENOTDIR);
  if (!found.entries.empty()) return refuse(ENOTEMPTY);

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& inode = state.change(*there, tick);
  state.detach(state.change(directory, tick), name, inode);
  inode.attributes.links = 0;
  ++state.orphans;
  return there;
}

bool Tree::is_within(InodeId inode, InodeId directory) const {
  for (; inode != directory; inode = state_->find(inode)->parent) {
    if (inode == kRoot || state_->find(inode) == nullptr || !state_->find(inode)->is(FileType::kDirectory)) return false;
  }
  return true;
}

// Whether the rename may be done, given that both names were looked up (`target` null if missing).
Outcome<> Tree::permit_rename(const Credentials& who, const Inode& from, const Inode& moved, const Inode& to, const Inode* target,
                              RenameFlag flag) const {
  const bool exchange = flag == RenameFlag::kExchange;
  const auto id = [](const Inode& inode) { return inode.attributes.inode; };
  if (moved.is(FileType::kDirectory) && is_within(id(to), id(moved))) return refuse(EINVAL);
  if (target != nullptr && target->is(FileType::kDirectory) && is_within(id(from), id(*target)))
    return refuse(exchange ? EINVAL : ENOTEMPTY);
  if (target == &moved) return {};
  if (const auto may = permit_remove(who, from, moved); !may) return may;
  if (target == nullptr) {
    if (const auto may = permit_add(who, to); !may) return may;
  } else {
    if (const auto may = permit_remove(who, to, *target); !may) return may;
    if (!exchange && moved.is(FileType::kDirectory) && !target->is(FileType::kDirectory)) return refuse(ENOTDIR);
    if (!exchange && !moved.is(FileType::kDirectory) && target->is(FileType::kDirectory)) return refuse(EISDIR);
  }
  if (&from != &to) {  // a directory that gets another ".." is written to
    if (moved.is(FileType::kDirectory)) {
      if (const auto may = permit(who, moved.attributes, 2); !may) return may;
    }
    if (exchange && target->is(FileType::kDirectory)) {
      if (const auto may = permit(who, target->attributes, 2); !may) return may;
    }
  }
  if (!exchange && target != nullptr && !target->entries.empty()) return refuse(ENOTEMPTY);
  return {};
}

Outcome<std::optional<InodeId>> Tree::rename(const Credentials& who, InodeId from, std::string_view name, InodeId to,
                                             std::string_view new_name, RenameFlag flag, std::int64_t now) {
  if (is_dots(name)) return refuse(EBUSY);
  if (is_dots(new_name)) return refuse(flag == RenameFlag::kNoReplace ? EEXIST : EBUSY);
  const Outcome<InodeId> moved_id = lookup(who, from, name);
  if (!moved_id) return std::unexpected(moved_id.error());
  const Outcome<InodeId> target_id = lookup(who, to, new_name);
  if (!target_id && target_id.error() != Errno{ENOENT}) return std::unexpected(target_id.error());
  if (target_id && flag == RenameFlag::kNoReplace) return refuse(EEXIST);
  if (!target_id && flag == RenameFlag::kExchange) return refuse(ENOENT);
  if (const auto good = check_name(new_name); !good) return std::unexpected(good.error());
  const Inode* target = target_id ? state_->find(*target_id) : nullptr;
  if (const auto may = permit_rename(who, *state_->find(from), *state_->find(*moved_id), *state_->find(to), target, flag); !may) {
    return std::unexpected(may.error());
  }
  if (target_id && *target_id == *moved_id) return std::nullopt;  // two names of one file: nothing happens, with success

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& source = state.change(from, tick);
  Inode& destination = state.change(to, tick);
  Inode& moved = state.change(*moved_id, tick);
  state.detach(source, name, moved);
  std::optional<InodeId> gone;
  if (target_id) {
    Inode& other = state.change(*target_id, tick);
    state.detach(destination, new_name, other);
    if (flag == RenameFlag::kExchange) {
      state.attach(source, name, other);
    } else {
      other.attributes.links = other.is(FileType::kDirectory) ? 0 : other.attributes.links - 1;
      if (other.attributes.links == 0) ++state.orphans;
      gone = *target_id;
    }
  }
  state.attach(destination, new_name, moved);
  return gone;
}

void Tree::lead(InodeId directory, std::string_view name, InodeId inode) {
  const InodeId before = child(directory, name);
  if (before == inode) return;
  State& state = editable();
  const std::int64_t tick = state.tick(0);
  Inode& parent = state.change(directory, tick);
  const bool orphan = parent.attributes.links == 0;  // it stays one, whatever comes and goes below it
  if (before != 0) {
    Inode& gone = state.change(before, tick);
    state.detach(parent, name, gone);
    gone.attributes.links = gone.is(FileType::kDirectory) ? 0 : gone.attributes.links - 1;
    if (gone.attributes.links == 0) ++state.orphans;
  }
  if (inode != 0) {
    Inode& come = state.change(inode, tick);
    if (come.attributes.links == 0) --state.orphans;
    if (come.is(FileType::kDirectory)) {
      const std::vector<Entry> entries = come.entries.list();
      const auto below = std::ranges::count(entries, FileType::kDirectory, &Entry::type);
      come.attributes.links = 2 + static_cast<std::uint32_t>(below);
    } else {
      ++come.attributes.links;
    }
    state.attach(parent, name, come);
  }
  if (orphan) parent.attributes.links = 0;
}

}  // namespace entryproof::node
