#include "simulator/faults/errnos.h"

#include <fcntl.h>

#include <cstring>

#include <array>
#include <cerrno>

namespace entryproof::faults {

namespace {

using node::Verb;

// EIO stands everywhere: a disk can fail under any call, whether or not its page lists it.
constexpr std::array kMake = {ENOSPC, EDQUOT, EIO, EROFS, EACCES, ENOENT, EEXIST};
constexpr std::array kCreate = {ENOSPC, EDQUOT, EIO, EROFS, EACCES, ENOENT, EEXIST, EMFILE, ENFILE};
constexpr std::array kLink = {ENOSPC, EDQUOT, EIO, EROFS, EACCES, EPERM, ENOENT, EEXIST, EXDEV, EMLINK};
constexpr std::array kUnlink = {EIO, EROFS, EACCES, EPERM, EBUSY, ENOENT};
constexpr std::array kRmdir = {EIO, EROFS, EACCES, EPERM, EBUSY, ENOENT, ENOTEMPTY};
constexpr std::array kRename = {ENOSPC, EDQUOT, EIO, EROFS, EACCES, EPERM, EBUSY, ENOENT, EXDEV};
constexpr std::array kWrite = {ENOSPC, EDQUOT, EIO, EFBIG};
constexpr std::array kTruncate = {ENOSPC, EIO, EROFS, EACCES, EPERM, EMFILE, ENFILE};
constexpr std::array kAttributes = {EIO, EROFS, EACCES, EPERM, EDQUOT};
constexpr std::array kAllocate = {ENOSPC, EDQUOT, EIO, EFBIG};
constexpr std::array kFsync = {EIO, ENOSPC, EDQUOT};
constexpr std::array kOpen = {EMFILE, ENFILE, EACCES, EIO, ENOENT};
constexpr std::array kLookup = {EACCES, EIO, ENOENT};
constexpr std::array kAccess = {EACCES, EIO, EROFS};
constexpr std::array kReadlink = {EACCES, EIO};
constexpr std::array kLook = {EIO};

constexpr int kHighest = 133;  // Linux's last one, EHWPOISON

}  // namespace

std::span<const int> errnos_for(Verb verb) {
  switch (verb) {
    case Verb::kCreate:
      return kCreate;
    case Verb::kMkdir:
    case Verb::kSymlink:
    case Verb::kMknod:
      return kMake;
    case Verb::kLink:
      return kLink;
    case Verb::kUnlink:
      return kUnlink;
    case Verb::kRmdir:
      return kRmdir;
    case Verb::kRename:
      return kRename;
    case Verb::kWrite:
      return kWrite;
    case Verb::kTruncate:
      return kTruncate;
    case Verb::kSetAttributes:
      return kAttributes;
    case Verb::kAllocate:
      return kAllocate;
    case Verb::kFsync:
    case Verb::kClose:
      return kFsync;
    case Verb::kLookup:
      return kLookup;
    case Verb::kOpen:
      return kOpen;
    case Verb::kReadlink:
      return kReadlink;
    case Verb::kAccess:
      return kAccess;
    case Verb::kFsyncDirectory:
    case Verb::kGetAttributes:
    case Verb::kRead:
    case Verb::kReadDirectory:
      return kLook;
    case Verb::kMark:
      break;
  }
  return {};
}

std::vector<int> errnos_for(const node::Operation& operation) {
  const bool by_open = operation.verb == Verb::kTruncate && operation.change == nullptr;
  const bool exclusive = operation.verb != Verb::kCreate || (operation.flags & static_cast<std::uint32_t>(O_EXCL)) != 0;
  std::vector<int> possible;
  for (const int error : errnos_for(operation.verb)) {
    if (error == EEXIST && !exclusive) continue;
    if ((error == EMFILE || error == ENFILE) && operation.verb == Verb::kTruncate && !by_open) continue;
    possible.push_back(error);
  }
  return possible;
}

std::string_view errno_name(int error) {
  const char* name = error > 0 ? strerrorname_np(error) : nullptr;
  return name != nullptr ? name : "";
}

std::optional<int> errno_from(std::string_view name) {
  for (int error = 1; error <= kHighest; ++error) {
    if (!name.empty() && errno_name(error) == name) return error;
  }
  return std::nullopt;
}

}  // namespace entryproof::faults
