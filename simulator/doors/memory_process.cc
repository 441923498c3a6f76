// Descriptors and what is done with them. Paths: memory_paths.cc.
#include "simulator/doors/memory_process.h"

#include <cerrno>
#include <cstdio>

#include <algorithm>
#include <utility>

namespace entryproof::doors {

using node::AttributeChange;
using node::Attributes;
using node::refuse;

namespace {
constexpr int kFirstDescriptor = 3;
}  // namespace

MemoryProcess::MemoryProcess(node::Node& node, node::View view, node::Caller caller)
    : node_(node), view_(std::move(view)), caller_(caller) {}

MemoryProcess::~MemoryProcess() { exit(); }

void MemoryProcess::exit() {
  for (const Descriptor& file : descriptors_) {
    if (file.inode != 0) node_.unpin(file.inode);
  }
  descriptors_.clear();
}

mode_t MemoryProcess::umask(mode_t mask) { return std::exchange(caller_.umask, mask & 0777); }

std::size_t MemoryProcess::open_descriptors() const {
  const auto open = std::ranges::count_if(descriptors_, [](const Descriptor& each) { return each.inode != 0; });
  return static_cast<std::size_t>(open);
}

node::Outcome<MemoryProcess::Descriptor*> MemoryProcess::at(int descriptor) {
  if (descriptor < kFirstDescriptor) return refuse(EBADF);
  const auto index = static_cast<std::size_t>(descriptor - kFirstDescriptor);
  if (index >= descriptors_.size() || descriptors_[index].inode == 0) return refuse(EBADF);
  return &descriptors_[index];
}

node::Outcome<int> MemoryProcess::free_number() const {
  const auto free = std::ranges::find(descriptors_, node::InodeId{0}, &Descriptor::inode);
  const auto index = static_cast<std::size_t>(free - descriptors_.begin());
  if (index + kFirstDescriptor >= kDescriptorCap) return refuse(EMFILE);
  return static_cast<int>(index) + kFirstDescriptor;
}

// Gives a descriptor to an inode that Node has opened (and pinned) already.
node::Outcome<int> MemoryProcess::install(node::InodeId inode, int flags, bool read_only) {
  const Outcome<int> number = free_number();
  if (!number) return number;
  const auto index = static_cast<std::size_t>(*number - kFirstDescriptor);
  if (index == descriptors_.size()) descriptors_.emplace_back();
  descriptors_[index] = Descriptor{inode, flags, 0, is_directory(inode), read_only};
  return number;
}

node::Outcome<> MemoryProcess::close(int descriptor) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  const auto closed = (*file)->directory ? Outcome<>{} : node_.close(caller_, (*file)->inode);
  node_.unpin((*file)->inode);
  **file = Descriptor{};
  return closed;
}

node::Outcome<MemoryProcess::Descriptor*> MemoryProcess::readable(int descriptor) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return file;
  if (!(*file)->reads()) return refuse(EBADF);
  if ((*file)->directory) return refuse(EISDIR);
  return file;
}

node::Outcome<std::string> MemoryProcess::read(int descriptor, std::size_t size) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  Outcome<std::string> bytes = pread(descriptor, size, (*file)->offset);
  if (bytes) (*file)->offset += bytes->size();
  return bytes;
}

node::Outcome<std::size_t> MemoryProcess::read(int descriptor, std::span<char> into) {
  const Outcome<Descriptor*> file = readable(descriptor);
  if (!file) return std::unexpected(file.error());
  const Outcome<std::size_t> got = node_.read(caller_, (*file)->inode, (*file)->offset, into);
  if (got) (*file)->offset += *got;
  return got;
}

node::Outcome<std::string> MemoryProcess::pread(int descriptor, std::size_t size, std::uint64_t offset) {
  const Outcome<Descriptor*> file = readable(descriptor);
  if (!file) return std::unexpected(file.error());
  return node_.read(caller_, (*file)->inode, offset, size);
}

node::Outcome<std::size_t> MemoryProcess::write_at(Descriptor& file, std::string_view bytes, std::uint64_t offset, bool moves) {
  if (!file.writes()) return refuse(EBADF);
  if (bytes.empty()) return 0;
  const bool append = (file.flags & O_APPEND) != 0;
  const Outcome<std::size_t> written = node_.write(caller_, file.inode, offset, bytes, append);
  if (!written) return written;
  if ((file.flags & O_DSYNC) != 0) {  // O_SYNC has that bit, too; the kernel asks a file system for no more than this
    if (const auto synced = node_.fsync(caller_, file.inode, (file.flags & O_SYNC) != O_SYNC); !synced)
      return std::unexpected(synced.error());
  }
  if (!moves) return written;
  const Outcome<Attributes> is = append ? node_.tree().attributes(file.inode) : Outcome<Attributes>(refuse(EINVAL));
  file.offset = is ? is->size : offset + *written;
  return written;
}

node::Outcome<std::size_t> MemoryProcess::write(int descriptor, std::string_view bytes) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  return write_at(**file, bytes, (*file)->offset, true);
}

node::Outcome<std::size_t> MemoryProcess::pwrite(int descriptor, std::string_view bytes, std::uint64_t offset) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  return write_at(**file, bytes, offset, false);
}

node::Outcome<std::uint64_t> MemoryProcess::lseek(int descriptor, std::int64_t offset, int whence) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  std::uint64_t base = 0;
  if (whence == SEEK_CUR) {
    base = (*file)->offset;
  } else if (whence == SEEK_END) {
    const Outcome<Attributes> is = node_.tree().attributes((*file)->inode);
    if (!is) return std::unexpected(is.error());
    base = is->size;
  } else if (whence != SEEK_SET) {
    return refuse(EINVAL);
  }
  std::int64_t moved = 0;
  if (__builtin_add_overflow(static_cast<std::int64_t>(base), offset, &moved) || moved < 0) return refuse(EINVAL);
  return (*file)->offset = static_cast<std::uint64_t>(moved);
}

node::Outcome<> MemoryProcess::fsync(int descriptor) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  return (*file)->directory ? node_.fsync_directory(caller_, (*file)->inode) : node_.fsync(caller_, (*file)->inode, false);
}

node::Outcome<> MemoryProcess::fdatasync(int descriptor) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  return (*file)->directory ? node_.fsync_directory(caller_, (*file)->inode) : node_.fsync(caller_, (*file)->inode, true);
}

node::Outcome<Attributes> MemoryProcess::fstat(int descriptor) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  return node_.get_attributes(caller_, (*file)->inode);
}

node::Outcome<std::vector<node::Entry>> MemoryProcess::list(int descriptor) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  if (!(*file)->directory) return refuse(ENOTDIR);
  return node_.read_directory(caller_, (*file)->inode);
}

node::Outcome<> MemoryProcess::fchmod(int descriptor, mode_t mode) {
  AttributeChange change;
  change.mode = mode;
  return set_attributes(descriptor, change);
}

node::Outcome<> MemoryProcess::fchown(int descriptor, std::optional<uid_t> uid, std::optional<gid_t> gid) {
  AttributeChange change;
  change.uid = uid;
  change.gid = gid;
  return set_attributes(descriptor, change);
}

node::Outcome<> MemoryProcess::ftruncate(int descriptor, std::uint64_t size) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  if (!(*file)->writes() || (*file)->directory) return refuse(EINVAL);
  AttributeChange change;
  change.size = size;
  change.by_descriptor = true;
  return node_.set_attributes(caller_, (*file)->inode, change);
}

node::Outcome<> MemoryProcess::fallocate(int descriptor, std::uint64_t offset, std::uint64_t length, bool keep_size) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  if (length == 0) return refuse(EINVAL);
  if (!(*file)->writes()) return refuse(EBADF);
  return node_.allocate(caller_, (*file)->inode, offset, length, keep_size);
}

node::Outcome<> MemoryProcess::set_attributes(int descriptor, const AttributeChange& change) {
  const Outcome<Descriptor*> file = at(descriptor);
  if (!file) return std::unexpected(file.error());
  if ((*file)->read_only) return refuse(EROFS);
  return node_.set_attributes(caller_, (*file)->inode, change);
}

}  // namespace entryproof::doors
