// The calls of a MemoryProcess that take paths: what Linux's path layer decides before it asks a file system, in its order.
#include <cerrno>

#include <utility>

#include "simulator/doors/memory_process.h"

namespace entryproof::doors {

using node::AttributeChange;
using node::Attributes;
using node::FileType;
using node::Place;
using node::refuse;
using node::RenameFlag;

namespace {

bool is_there(const Place& place) { return place.inode != 0 || place.scaffold; }
bool is_too_long(const Place& place) { return place.absence() != node::Errno{ENOENT}; }
bool is_dots(const Place& place) { return place.name == "." || place.name == ".."; }

// What stat(2) says of a directory that only leads to a mount.
Attributes scaffold_attributes() {
  Attributes is;
  is.type = FileType::kDirectory;
  is.mode = 0755;
  is.links = 2;
  return is;
}

}  // namespace

bool MemoryProcess::is_directory(node::InodeId inode) const {
  const Outcome<Attributes> is = node_.tree().attributes(inode);
  return is && is->type == FileType::kDirectory;
}

// A kernel asks the file system about each name of a path. Nobody minds but somebody who makes lookups fail, so only then the last one is
// asked about here.
node::Outcome<> MemoryProcess::look_up(Place& place) {
  if (!node_.watches(node::Verb::kLookup) || place.scaffold || place.name.empty() || is_dots(place)) return {};
  const auto found = node_.lookup(caller_, place.parent, place.name);
  if (!found && found.error() != node::Errno{ENOENT} && found.error() != node::Errno{ENAMETOOLONG}) return std::unexpected(found.error());
  place.inode = found.value_or(0);
  return {};
}

node::Outcome<Place> MemoryProcess::walk(std::string_view path, bool follow_last) {
  Outcome<Place> place = view_.walk(node_.tree(), caller_.credentials, path, follow_last);
  if (!place) return place;
  if (const auto asked = look_up(*place); !asked) return std::unexpected(asked.error());
  return place;
}

// As View::find, which says the same of the same tree.
const node::Outcome<Place>& MemoryProcess::known(std::string_view path, bool follow_last) {
  auto& all = known_.at(follow_last ? 1 : 0);
  const std::uint64_t generation = node_.tree().generation();
  const auto before = all.find(path);
  if (before != all.end() && before->second.generation == generation) return before->second.place;
  Known now{generation, view_.find(node_.tree(), caller_.credentials, path, follow_last)};
  if (before != all.end()) return (before->second = std::move(now)).place;
  if (all.size() >= kKnownCap) all.clear();
  return all.emplace(path, std::move(now)).first->second.place;
}

// Good until the next one.
const node::Outcome<Place>& MemoryProcess::find(std::string_view path, bool follow_last) {
  const Outcome<Place>& place = known(path, follow_last);
  if (!place || !node_.watches(node::Verb::kLookup)) return place;
  asked_ = place;
  if (const auto answer = look_up(*asked_); !answer) return asked_ = std::unexpected(answer.error());
  if (!is_there(*asked_)) asked_ = refuse(ENOENT);
  return asked_;
}

// --- open ---

node::Outcome<int> MemoryProcess::open(std::string_view path, int flags, mode_t mode) {
  if ((flags & O_TMPFILE) == O_TMPFILE) return refuse(EOPNOTSUPP);
  if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_ACCMODE) return refuse(EINVAL);
  if ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0) return refuse(EINVAL);
  if (const Outcome<int> number = free_number(); !number) return number;
  if ((flags & O_CREAT) != 0) return open_creating(path, flags, mode);
  const Outcome<Place>& place = find(path, (flags & O_NOFOLLOW) == 0);
  if (!place) return std::unexpected(place.error());
  return open_existing(*place, flags);
}

node::Outcome<int> MemoryProcess::open_existing(const Place& place, int flags) {
  if (place.scaffold) return refuse((flags & O_ACCMODE) == O_RDONLY ? EACCES : EISDIR);
  const bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
  if (changes && place.read_only) {
    if (is_directory(place.inode)) return refuse(EISDIR);
    const auto may = node_.tree().access(caller_.credentials, place.inode, 2);
    return refuse(may ? EROFS : EACCES);
  }
  if (const auto opened = node_.open(caller_, place.inode, flags); !opened) return std::unexpected(opened.error());
  return install(place.inode, flags, place.read_only);
}

node::Outcome<int> MemoryProcess::open_creating(std::string_view path, int flags, mode_t mode) {
  const bool exclusive = (flags & O_EXCL) != 0;
  const bool follow = !exclusive && (flags & O_NOFOLLOW) == 0;
  const Outcome<Place> place = walk(path, follow);
  if (!place) return std::unexpected(place.error());
  if (place->directory_required && !place->name.empty() && !is_dots(*place)) return refuse(EISDIR);
  if (is_there(*place)) {
    if (exclusive) return refuse(EEXIST);
    if (place->scaffold || is_directory(place->inode)) return refuse(EISDIR);
    return open_existing(*place, flags);
  }
  if (is_too_long(*place)) return refuse(ENAMETOOLONG);
  if (place->read_only) return refuse(EROFS);
  const Outcome<node::InodeId> made = node_.create(caller_, place->parent, place->name, mode, flags);
  if (!made) return std::unexpected(made.error());
  return install(*made, flags, place->read_only);
}

// --- looking ---

node::Outcome<Attributes> MemoryProcess::stat(std::string_view path) {
  const Outcome<Place>& place = find(path, true);
  if (!place) return std::unexpected(place.error());
  return place->scaffold ? scaffold_attributes() : node_.get_attributes(caller_, place->inode);
}

node::Outcome<Attributes> MemoryProcess::lstat(std::string_view path) {
  const Outcome<Place>& place = find(path, false);
  if (!place) return std::unexpected(place.error());
  return place->scaffold ? scaffold_attributes() : node_.get_attributes(caller_, place->inode);
}

node::Outcome<> MemoryProcess::access(std::string_view path, int mask) {
  const Outcome<Place>& place = find(path, true);
  if (!place) return std::unexpected(place.error());
  if (!place->scaffold && mask != 0) {
    if (const auto may = node_.access(caller_, place->inode, mask); !may) return may;
  }
  if ((mask & 2) != 0 && place->read_only) return refuse(EROFS);
  return {};
}

node::Outcome<std::string> MemoryProcess::readlink(std::string_view path) {
  const Outcome<Place>& place = find(path, false);
  if (!place) return std::unexpected(place.error());
  if (place->scaffold) return refuse(EINVAL);
  const Outcome<Attributes> is = node_.tree().attributes(place->inode);
  if (is && is->type != FileType::kSymlink) return refuse(EINVAL);
  return node_.readlink(caller_, place->inode);
}

node::Outcome<std::vector<node::Entry>> MemoryProcess::list(std::string_view path) {
  const Outcome<int> directory = open(path, O_RDONLY | O_DIRECTORY);
  if (!directory) return std::unexpected(directory.error());
  Outcome<std::vector<node::Entry>> entries = list(*directory);
  if (const auto closed = close(*directory); !closed) return std::unexpected(closed.error());
  return entries;
}

// --- names ---

// Where something new may be made: a name that is free, in a mount that may be written to.
node::Outcome<Place> MemoryProcess::place_to_make(std::string_view path, bool directory) {
  Outcome<Place> place = walk(path, false);
  if (!place) return place;
  if (is_there(*place)) return refuse(EEXIST);
  if (is_too_long(*place)) return refuse(ENAMETOOLONG);
  if (place->directory_required && !directory) return refuse(ENOENT);
  if (place->read_only) return refuse(EROFS);
  return place;
}

// What is to lose its name; "." and ".." and mount points are for the caller to refuse, before or after.
node::Outcome<Place> MemoryProcess::place_to_remove(std::string_view path) {
  Outcome<Place> place = walk(path, false);
  if (!place || is_dots(*place) || place->name.empty()) return place;
  if (place->scaffold) return refuse(EBUSY);
  if (place->read_only) return refuse(EROFS);
  if (!is_there(*place)) return std::unexpected(place->absence());
  return place;
}

node::Outcome<> MemoryProcess::mkdir(std::string_view path, mode_t mode) {
  const Outcome<Place> place = place_to_make(path, true);
  if (!place) return std::unexpected(place.error());
  const Outcome<node::InodeId> made = node_.mkdir(caller_, place->parent, place->name, mode);
  if (!made) return std::unexpected(made.error());
  return {};
}

node::Outcome<> MemoryProcess::symlink(std::string_view target, std::string_view path) {
  if (target.empty()) return refuse(ENOENT);
  if (target.size() > node::Tree::kSymlinkCap) return refuse(ENAMETOOLONG);
  const Outcome<Place> place = place_to_make(path, false);
  if (!place) return std::unexpected(place.error());
  const Outcome<node::InodeId> made = node_.symlink(caller_, place->parent, place->name, target);
  if (!made) return std::unexpected(made.error());
  return {};
}

node::Outcome<> MemoryProcess::mknod(std::string_view path, FileType type, mode_t mode) {
  const Outcome<Place> place = place_to_make(path, false);
  if (!place) return std::unexpected(place.error());
  const Outcome<node::InodeId> made = node_.mknod(caller_, place->parent, place->name, type, mode);
  if (!made) return std::unexpected(made.error());
  return {};
}

node::Outcome<> MemoryProcess::link(std::string_view path, std::string_view new_path) {
  const Outcome<Place> linked = find(path, false);
  if (!linked) return std::unexpected(linked.error());
  const Outcome<Place> place = place_to_make(new_path, false);
  if (!place) return std::unexpected(place.error());
  if (linked->mount != place->mount) return refuse(EXDEV);
  return node_.link(caller_, linked->inode, place->parent, place->name);
}

node::Outcome<> MemoryProcess::unlink(std::string_view path) {
  const Outcome<Place> place = place_to_remove(path);
  if (!place) return std::unexpected(place.error());
  if (place->name.empty() || is_dots(*place)) return refuse(EISDIR);
  if (place->directory_required) return refuse(is_directory(place->inode) ? EISDIR : ENOTDIR);
  return node_.unlink(caller_, place->parent, place->name);
}

node::Outcome<> MemoryProcess::rmdir(std::string_view path) {
  const Outcome<Place> place = place_to_remove(path);
  if (!place) return std::unexpected(place.error());
  if (is_dots(*place)) return refuse(place->name == "." ? EINVAL : ENOTEMPTY);
  if (place->name.empty()) return refuse(EBUSY);
  return node_.rmdir(caller_, place->parent, place->name);
}

node::Outcome<> MemoryProcess::rename(std::string_view path, std::string_view new_path, RenameFlag flag) {
  const Outcome<Place> from = walk(path, false);
  if (!from) return std::unexpected(from.error());
  const Outcome<Place> to = walk(new_path, false);
  if (!to) return std::unexpected(to.error());
  const bool exchange = flag == RenameFlag::kExchange;
  // A Place without a name is the root or a mount point.
  if (from->mount != to->mount && !from->name.empty() && !to->name.empty()) return refuse(EXDEV);
  if (from->name.empty() || is_dots(*from)) return refuse(EBUSY);
  if (to->name.empty() || is_dots(*to)) return refuse(flag == RenameFlag::kNoReplace ? EEXIST : EBUSY);
  if (from->read_only) return refuse(EROFS);
  if (!is_there(*from)) return std::unexpected(from->absence());
  if (is_too_long(*to)) return refuse(ENAMETOOLONG);
  if (is_there(*to) && flag == RenameFlag::kNoReplace) return refuse(EEXIST);
  if (exchange) {
    if (!is_there(*to)) return refuse(ENOENT);
    if (to->directory_required && !is_directory(to->inode)) return refuse(ENOTDIR);
  }
  if (!is_directory(from->inode) && (from->directory_required || (to->directory_required && !exchange))) return refuse(ENOTDIR);
  return node_.rename(caller_, from->parent, from->name, to->parent, to->name, flag);
}

// --- attributes ---

node::Outcome<> MemoryProcess::set_attributes(std::string_view path, const AttributeChange& change, bool follow_last) {
  const Outcome<Place>& place = find(path, follow_last);
  if (!place) return std::unexpected(place.error());
  if (change.size && !place->scaffold) {
    const Outcome<Attributes> is = node_.tree().attributes(place->inode);
    if (is && is->type != FileType::kFile) return refuse(is->type == FileType::kDirectory ? EISDIR : EINVAL);
  }
  if (place->read_only) return refuse(EROFS);
  return node_.set_attributes(caller_, place->inode, change);
}

node::Outcome<> MemoryProcess::chmod(std::string_view path, mode_t mode) {
  AttributeChange change;
  change.mode = mode;
  return set_attributes(path, change);
}

node::Outcome<> MemoryProcess::chown(std::string_view path, std::optional<uid_t> uid, std::optional<gid_t> gid, bool follow_last) {
  AttributeChange change;
  change.uid = uid;
  change.gid = gid;
  return set_attributes(path, change, follow_last);
}

node::Outcome<> MemoryProcess::truncate(std::string_view path, std::uint64_t size) {
  AttributeChange change;
  change.size = size;
  return set_attributes(path, change);
}

}  // namespace entryproof::doors
