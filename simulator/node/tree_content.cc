// The verbs that change what is inside one inode: bytes and attributes.
#include <cerrno>

#include <algorithm>

#include "simulator/node/tree.h"
#include "simulator/node/tree_state.h"

namespace entryproof::node {
namespace {

constexpr mode_t kSetUser = 04000;
constexpr mode_t kSetGroup = 02000;
constexpr mode_t kGroupRuns = 00010;

// Who may change what, before anything is changed.
Outcome<> permit_change(const Credentials& who, const Attributes& is, const AttributeChange& change, std::uint64_t size_cap) {
  const bool owner = owns(who, is);
  if (change.mode && !owner) return refuse(EPERM);
  if (change.mode && is.type == FileType::kSymlink) return refuse(EOPNOTSUPP);
  if (change.uid && !who.privileged && !(owner && *change.uid == is.uid)) return refuse(EPERM);
  if (change.gid && !who.privileged && !(owner && (*change.gid == is.gid || *change.gid == who.gid))) return refuse(EPERM);
  if (change.size) {
    if (is.type == FileType::kDirectory) return refuse(EISDIR);
    if (is.type != FileType::kFile) return refuse(EINVAL);
    if (!change.by_descriptor) {
      if (const auto may = permit(who, is, 2); !may) return may;
    }
    if (*change.size > size_cap) return refuse(EFBIG);
  }
  if ((change.atime_ns || change.mtime_ns) && !owner) {
    if (!change.times_are_now) return refuse(EPERM);
    return permit(who, is, 2);
  }
  return {};
}

}  // namespace

mode_t without_set_id(mode_t mode) {
  // Without the right to run, set-group-ID does not mean a change of group; it stays.
  return mode & ~(kSetUser | ((mode & kGroupRuns) != 0 ? kSetGroup : 0U));
}

Outcome<std::size_t> Tree::write(const Credentials& who, InodeId inode, std::uint64_t offset, std::string_view bytes, std::int64_t now) {
  const Inode* found = state_->find(inode);
  if (found == nullptr) return refuse(ESTALE);
  if (found->is(FileType::kDirectory)) return refuse(EISDIR);
  if (!found->is(FileType::kFile)) return refuse(EINVAL);
  if (bytes.empty()) return 0;
  const Limits& limits = state_->limits;
  if (offset >= limits.file_size) return refuse(EFBIG);
  const std::uint64_t wanted = std::min<std::uint64_t>(bytes.size(), limits.file_size - offset);
  const std::uint64_t length = found->pages.fitting(offset, wanted, state_->free_pages());
  if (length == 0) return refuse(ENOSPC);

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& file = state.change(inode, tick);
  state.pages += file.pages.missing(offset, length);
  file.pages.write(state.edit, offset, bytes.substr(0, static_cast<std::size_t>(length)));
  file.attributes.size = std::max(file.attributes.size, offset + length);
  file.attributes.mtime_ns = tick;
  if (!who.privileged) file.attributes.mode = without_set_id(file.attributes.mode);
  return static_cast<std::size_t>(length);
}

Outcome<> Tree::allocate(InodeId inode, std::uint64_t offset, std::uint64_t length, bool keep_size, std::int64_t now) {
  const Inode* found = state_->find(inode);
  if (found == nullptr) return refuse(ESTALE);
  if (found->is(FileType::kDirectory)) return refuse(EISDIR);
  if (!found->is(FileType::kFile)) return refuse(ENODEV);
  if (length == 0) return refuse(EINVAL);
  const Limits& limits = state_->limits;
  if (offset > limits.file_size || length > limits.file_size - offset) return refuse(EFBIG);
  const std::uint64_t missing = found->pages.missing(offset, length);
  if (missing > state_->free_pages()) return refuse(ENOSPC);

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& file = state.change(inode, tick);
  state.pages += missing;
  file.pages.allocate(state.edit, offset, length);
  file.attributes.mtime_ns = tick;
  if (!keep_size) file.attributes.size = std::max(file.attributes.size, offset + length);
  return {};
}

Outcome<> Tree::set_attributes(const Credentials& who, InodeId inode, const AttributeChange& change, std::int64_t now) {
  const Inode* found = state_->find(inode);
  if (found == nullptr) return refuse(ESTALE);
  if (const auto may = permit_change(who, found->attributes, change, state_->limits.file_size); !may) return may;

  State& state = editable();
  const std::int64_t tick = state.tick(now);
  Inode& changed = state.change(inode, tick);
  Attributes& is = changed.attributes;
  if (change.size) {
    state.pages -= changed.pages.count();
    changed.pages.truncate(state.edit, *change.size);
    state.pages += changed.pages.count();
    is.size = *change.size;
    is.mtime_ns = tick;
    if (!who.privileged) is.mode = without_set_id(is.mode);
  }
  // Linux clears the set-id bits of a file with a new owner even for root (chown(2), notes).
  if ((change.uid || change.gid) && is.type != FileType::kDirectory) is.mode = without_set_id(is.mode);
  is.uid = change.uid.value_or(is.uid);
  is.gid = change.gid.value_or(is.gid);
  if (change.mode) {
    is.mode = *change.mode & 07777;
    if (!who.privileged && who.gid != is.gid) is.mode &= ~kSetGroup;
  }
  if (change.atime_ns) is.atime_ns = change.times_are_now ? tick : *change.atime_ns;
  if (change.mtime_ns) is.mtime_ns = change.times_are_now ? tick : *change.mtime_ns;
  return {};
}

}  // namespace entryproof::node
