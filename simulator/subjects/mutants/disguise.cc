#include "simulator/subjects/mutants/disguise.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace entryproof::subjects {
namespace {

// Far above any number that a kernel gives: no limit on open files is that high.
constexpr reference::Host::Descriptor kFirstDescriptor = 1 << 30;

bool same(const std::optional<reference::FileStatus>& left, const std::optional<reference::FileStatus>& right) {
  if (!left || !right) return !left && !right;
  return left->device == right->device && left->inode == right->inode && left->size == right->size && left->ctime_ns == right->ctime_ns;
}

std::unexpected<reference::Errno> nothing_there() { return std::unexpected(reference::Errno{ENOENT}); }

}  // namespace

void Disguise::believe(const std::string& path, std::string bytes, FileStatus status) {
  status.size = bytes.size();
  beliefs_[path] = Belief{std::move(bytes), status, really(path)};
}

std::optional<reference::FileStatus> Disguise::really(const std::string& path) {
  const auto status = inner_.lstat(path);
  return status ? std::optional(*status) : std::nullopt;
}

const Disguise::Belief* Disguise::belief(const std::string& path) {
  const auto found = beliefs_.find(path);
  if (found == beliefs_.end()) return nullptr;
  const auto now = really(path);
  if (same(found->second.real, now) || clings_to(path, now)) return &found->second;
  beliefs_.erase(found);
  return nullptr;
}

ForwardingHost::Outcome<reference::Host::Descriptor> Disguise::open(const std::string& path, int flags, mode_t mode) {
  if ((flags & (O_ACCMODE | O_CREAT | O_DIRECTORY)) != O_RDONLY) return inner_.open(path, flags, mode);
  if (hidden(path)) return nothing_there();
  const Belief* const believed = belief(path);
  if (believed != nullptr) return start_reading(believed->bytes, believed->shown);
  const auto other = shown(path);
  const auto status = other ? inner_.stat(path) : Outcome<FileStatus>(std::unexpected(reference::Errno{ENOENT}));
  if (!status) return inner_.open(path, flags, mode);
  return start_reading(*other, *status);
}

reference::Host::Descriptor Disguise::start_reading(std::string bytes, FileStatus status) {
  const Descriptor descriptor = readings_.empty() ? kFirstDescriptor : readings_.rbegin()->first + 1;
  status.size = bytes.size();
  readings_[descriptor] = Reading{std::move(bytes), 0, status};
  return descriptor;
}

ForwardingHost::Outcome<> Disguise::close(Descriptor descriptor) {
  if (readings_.erase(descriptor) > 0) return {};
  return inner_.close(descriptor);
}

ForwardingHost::Outcome<std::size_t> Disguise::read(Descriptor descriptor, char* buffer, std::size_t size) {
  const auto found = readings_.find(descriptor);
  if (found == readings_.end()) return inner_.read(descriptor, buffer, size);
  Reading& reading = found->second;
  const std::size_t got = reading.bytes.copy(buffer, size, reading.offset);
  reading.offset += got;
  return got;
}

ForwardingHost::Outcome<> Disguise::fsync(Descriptor descriptor) {
  if (readings_.contains(descriptor)) return {};
  return inner_.fsync(descriptor);
}

ForwardingHost::Outcome<reference::FileStatus> Disguise::fstat(Descriptor descriptor) {
  const auto found = readings_.find(descriptor);
  return found == readings_.end() ? inner_.fstat(descriptor) : found->second.status;
}

ForwardingHost::Outcome<reference::FileStatus> Disguise::stat(const std::string& path) {
  if (hidden(path)) return nothing_there();
  const Belief* const shown = belief(path);
  return shown == nullptr ? inner_.stat(path) : shown->shown;
}

ForwardingHost::Outcome<reference::FileStatus> Disguise::lstat(const std::string& path) {
  if (hidden(path)) return nothing_there();
  const Belief* const shown = belief(path);
  return shown == nullptr ? inner_.lstat(path) : shown->shown;
}

ForwardingHost::Outcome<std::vector<reference::DirectoryEntry>> Disguise::list(const std::string& path) {
  auto entries = inner_.list(path);
  if (!entries) return entries;
  const std::string prefix = path.ends_with('/') ? path : path + "/";
  std::erase_if(*entries, [&](const reference::DirectoryEntry& entry) { return hidden(prefix + entry.name); });
  return entries;
}

}  // namespace entryproof::subjects
