#include "simulator/subjects/in_process/memory_host.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace entryproof::subjects {
namespace {

using reference::Errno;

// The answer of a node is the answer of a host: both are the kernel's numbers.
template <class T>
reference::Outcome<T> answer(node::Outcome<T> outcome) {
  if (!outcome) return std::unexpected(Errno{static_cast<int>(outcome.error())});
  if constexpr (!std::is_void_v<T>) {
    return std::move(*outcome);
  } else {
    return {};
  }
}

mode_t type_bits(node::FileType type) {
  switch (type) {
    case node::FileType::kFile:
      return S_IFREG;
    case node::FileType::kDirectory:
      return S_IFDIR;
    case node::FileType::kSymlink:
      return S_IFLNK;
    case node::FileType::kFifo:
      return S_IFIFO;
    case node::FileType::kSocket:
      return S_IFSOCK;
  }
  return 0;
}

reference::Outcome<reference::FileStatus> status(const node::Outcome<node::Attributes>& outcome) {
  if (!outcome) return std::unexpected(Errno{static_cast<int>(outcome.error())});
  reference::FileStatus status;
  status.mode = type_bits(outcome->type) | outcome->mode;
  status.uid = outcome->uid;
  status.gid = outcome->gid;
  status.device = 1;  // one file system, whatever the mounts
  status.inode = outcome->inode;
  status.size = outcome->size;
  status.mtime_ns = outcome->mtime_ns;
  status.ctime_ns = outcome->ctime_ns;
  return status;
}

std::optional<uid_t> unless_minus_one(uid_t id) { return id == static_cast<uid_t>(-1) ? std::nullopt : std::optional(id); }

}  // namespace

MemoryHost::MemoryHost(node::Node& node, const Clock& clock, node::View view, const node::Caller& caller, std::uint64_t seed,
                       std::size_t output_cap, Marks* marks)
    : node_(node),
      clock_(clock),
      process_(node, std::move(view), caller),
      marks_(marks),
      random_state_(seed * 0x9e3779b97f4a7c15ULL + caller.session),
      output_cap_(output_cap) {}

reference::Outcome<reference::Host::Descriptor> MemoryHost::open(const std::string& path, int flags, mode_t mode) {
  return answer(process_.open(path, flags, mode));
}

reference::Outcome<> MemoryHost::close(Descriptor descriptor) {
  if (marks_ != nullptr) marks_->release({this, descriptor});
  return answer(process_.close(descriptor));
}

void MemoryHost::exit() {
  if (marks_ != nullptr) marks_->release(this);
  process_.exit();
}

reference::Outcome<std::size_t> MemoryHost::read(Descriptor descriptor, char* buffer, std::size_t size) {
  return answer(process_.read(descriptor, std::span(buffer, size)));
}

reference::Outcome<std::size_t> MemoryHost::write(Descriptor descriptor, std::string_view bytes) {
  return answer(process_.write(descriptor, bytes));
}

reference::Outcome<> MemoryHost::fsync(Descriptor descriptor) { return answer(process_.fsync(descriptor)); }
reference::Outcome<> MemoryHost::fchmod(Descriptor descriptor, mode_t mode) { return answer(process_.fchmod(descriptor, mode)); }

reference::Outcome<> MemoryHost::fchown(Descriptor descriptor, uid_t uid, gid_t gid) {
  return answer(process_.fchown(descriptor, unless_minus_one(uid), unless_minus_one(gid)));
}

reference::Outcome<reference::FileStatus> MemoryHost::fstat(Descriptor descriptor) { return status(process_.fstat(descriptor)); }
reference::Outcome<reference::FileStatus> MemoryHost::stat(const std::string& path) { return status(process_.stat(path)); }
reference::Outcome<reference::FileStatus> MemoryHost::lstat(const std::string& path) { return status(process_.lstat(path)); }
reference::Outcome<std::string> MemoryHost::readlink(const std::string& path) { return answer(process_.readlink(path)); }

reference::Outcome<std::vector<reference::DirectoryEntry>> MemoryHost::list(const std::string& path) {
  const auto entries = process_.list(path);
  if (!entries) return std::unexpected(Errno{static_cast<int>(entries.error())});
  std::vector<reference::DirectoryEntry> names;
  names.reserve(entries->size());
  for (const node::Entry& entry : *entries) names.push_back({entry.name});
  return names;
}

reference::Outcome<> MemoryHost::mkdir(const std::string& path, mode_t mode) { return answer(process_.mkdir(path, mode)); }
reference::Outcome<> MemoryHost::rename(const std::string& from, const std::string& to) { return answer(process_.rename(from, to)); }
reference::Outcome<> MemoryHost::unlink(const std::string& path) { return answer(process_.unlink(path)); }
reference::Outcome<> MemoryHost::rmdir(const std::string& path) { return answer(process_.rmdir(path)); }

reference::Outcome<> MemoryHost::mark(Descriptor descriptor, std::int64_t number) {
  if (marks_ == nullptr) return std::unexpected(Errno{ENOTSUP});
  const auto about = process_.fstat(descriptor);
  if (!about) return std::unexpected(Errno{static_cast<int>(about.error())});
  marks_->set({this, descriptor}, about->inode, number);
  return {};
}

reference::Outcome<bool> MemoryHost::marked_above(Descriptor descriptor, std::int64_t number) {
  if (marks_ == nullptr) return std::unexpected(Errno{ENOTSUP});
  const auto about = process_.fstat(descriptor);
  if (!about) return std::unexpected(Errno{static_cast<int>(about.error())});
  return marks_->any_from({this, descriptor}, about->inode, number + 1);
}

std::chrono::nanoseconds MemoryHost::monotonic() const { return clock_.now().since_start; }
std::int64_t MemoryHost::wall_seconds() const { return clock_.wall_ns() / 1'000'000'000; }

void MemoryHost::write_out(std::string_view line) {
  if (killed()) return;
  const std::size_t room = output_cap_ - output_.size();
  output_exceeded_ = output_exceeded_ || line.size() + 1 > room;
  output_.append(line.substr(0, room));
  if (output_.size() < output_cap_) output_.push_back('\n');
}

// One stream for both: only together do they tell what happened in which order.
void MemoryHost::write_error(std::string_view line) { write_out(line); }

uid_t MemoryHost::effective_uid() const { return process_.caller().credentials.uid; }

// SplitMix64.
std::uint64_t MemoryHost::random() {
  std::uint64_t value = random_state_ += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31U);
}

}  // namespace entryproof::subjects
