#include "simulator/node/posix_sequence.h"

#include <fcntl.h>
#include <linux/fs.h>

#include <array>
#include <map>

#include "simulator/base/result.h"

namespace entryproof::node {
namespace {

constexpr std::size_t kSlots = 4;

void ignore(const auto&) {}

constexpr auto kLongName = [] {
  std::array<char, 257> name{};  // one character more than a name may have
  name.fill('n');
  name.front() = '/';
  return name;
}();

// Few names, so that calls meet; with the spellings that path walks stumble over.
constexpr std::array<std::string_view, 28> kPaths = {
    "/a",     "/b",        "/d",      "/e",    "/d/a",   "/d/b", "/d/f",
    "/d/f/a", "/e/a",      "/l",      "/d/l",  "/a",     "/b",   "/d/a",
    "/e/b",   "/d/f/../a", "/d/../b", "/a/",   "/d/",    "/l/",  "/l/a",
    "/d/./a", "/a/x",      "/d/.",    "/d/..", "//d//a", "/",    std::string_view(kLongName.data(), kLongName.size()),
};
constexpr std::array<std::string_view, 12> kTargets = {"a",       "d",   "l", "/a",  "d/",   "../a",
                                                       "missing", "d/f", ".", "l/a", "/d/l", "d/missing"};
constexpr std::array<int, 12> kOpenFlags = {
    O_RDONLY,
    O_WRONLY,
    O_RDWR,
    O_RDWR | O_CREAT,
    O_WRONLY | O_CREAT | O_TRUNC,
    O_RDWR | O_CREAT | O_EXCL,
    O_WRONLY | O_CREAT | O_APPEND,
    O_RDWR | O_TRUNC,
    O_RDONLY | O_DIRECTORY,
    O_RDONLY | O_NOFOLLOW,
    O_RDWR | O_CREAT | O_NOFOLLOW,
    O_RDONLY | O_TRUNC,
};
constexpr std::array<mode_t, 10> kModes = {0644, 0600, 0755, 0777, 0400, 0, 04755, 02775, 01777, 0111};
// Around a page, where partial pages go wrong; far, for holes.
constexpr std::array<std::uint64_t, 9> kOffsets = {0, 1, 5, 100, 4095, 4096, 4097, 9000, 40000};
constexpr std::array<std::size_t, 7> kSizes = {0, 1, 7, 100, 4096, 4097, 10000};
constexpr std::array<unsigned, 5> kRenameFlags = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};

// Weights: what changes names and content comes most often.
using Kind = PosixCall::Kind;
constexpr std::array kKinds = {
    Kind::kOpen,   Kind::kOpen,   Kind::kOpen,      Kind::kOpen,     Kind::kOpen,   Kind::kOpen,     Kind::kWrite,
    Kind::kWrite,  Kind::kPwrite, Kind::kPwrite,    Kind::kRename,   Kind::kRename, Kind::kRename,   Kind::kRename,
    Kind::kRename, Kind::kMkdir,  Kind::kMkdir,     Kind::kMkdir,    Kind::kMkdir,  Kind::kRmdir,    Kind::kRmdir,
    Kind::kUnlink, Kind::kUnlink, Kind::kSymlink,   Kind::kSymlink,  Kind::kLink,   Kind::kLink,     Kind::kChmod,
    Kind::kChmod,  Kind::kFchmod, Kind::kFtruncate, Kind::kTruncate, Kind::kClose,  Kind::kRead,     Kind::kPread,
    Kind::kFsync,  Kind::kFstat,  Kind::kStat,      Kind::kLstat,    Kind::kAccess, Kind::kReadlink, Kind::kList,
};

std::uint64_t scatter(std::uint64_t x) {  // splitmix64's finisher
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// Bytes that tell where they came from, never zero.
std::string content(std::size_t size, std::uint64_t offset) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (i + offset * 7 + size) % 26);
  return bytes;
}

std::string brief(const std::string& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  return std::to_string(bytes.size()) + " bytes " + std::to_string(hash);
}

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7));
  return digits;
}

std::string_view name_of(FileType type) {
  switch (type) {
    case FileType::kFile:
      return "file";
    case FileType::kDirectory:
      return "directory";
    case FileType::kSymlink:
      return "symlink";
    case FileType::kFifo:
      return "fifo";
    case FileType::kSocket:
      return "socket";
  }
  return "?";
}

std::string text(const Attributes& is) {
  std::string line = std::string(name_of(is.type)) + " " + octal(is.mode) + " " + std::to_string(is.uid) + ":" + std::to_string(is.gid);
  if (is.type != FileType::kDirectory) line += " links " + std::to_string(is.links) + " size " + std::to_string(is.size);
  return line;
}
std::string text(const std::string& bytes) { return brief(bytes); }
std::string text(std::size_t count) { return std::to_string(count); }
std::string text(const std::vector<std::string>& names) {
  std::string line = "[";
  for (const std::string& name : names) line += " " + name;
  return line + " ]";
}

std::string answer(const Outcome<>& outcome) { return outcome ? "ok" : errno_text(static_cast<int>(outcome.error())); }
template <class T>
std::string answer(const Outcome<T>& outcome) {
  return outcome ? text(*outcome) : errno_text(static_cast<int>(outcome.error()));
}

class Player {
 public:
  explicit Player(PosixTarget& target) : target_(target) { slots_.fill(-1); }
  ~Player() {
    for (const int descriptor : slots_) {
      if (descriptor >= 0) ignore(target_.close(descriptor));
    }
  }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  std::string play(const PosixCall& call);

 private:
  std::string open(const PosixCall& call);

  PosixTarget& target_;
  std::array<int, kSlots> slots_{};
};

std::string Player::open(const PosixCall& call) {
  int& slot = slots_[call.slot];
  if (slot >= 0) ignore(target_.close(slot));
  const Outcome<int> descriptor = target_.open(call.path, call.flags, call.mode);
  slot = descriptor.value_or(-1);
  return descriptor ? "ok" : errno_text(static_cast<int>(descriptor.error()));
}

std::string Player::play(const PosixCall& call) {
  const int descriptor = slots_[call.slot];
  switch (call.kind) {
    case Kind::kOpen:
      return open(call);
    case Kind::kClose:
      slots_[call.slot] = -1;
      return answer(target_.close(descriptor));
    case Kind::kWrite:
      return answer(target_.write(descriptor, content(call.size, call.offset)));
    case Kind::kPwrite:
      return answer(target_.pwrite(descriptor, content(call.size, call.offset), call.offset));
    case Kind::kRead:
      return answer(target_.read(descriptor, call.size));
    case Kind::kPread:
      return answer(target_.pread(descriptor, call.size, call.offset));
    case Kind::kFsync:
      return answer(target_.fsync(descriptor));
    case Kind::kFchmod:
      return answer(target_.fchmod(descriptor, call.mode));
    case Kind::kFtruncate:
      return answer(target_.ftruncate(descriptor, call.offset));
    case Kind::kFstat:
      return answer(target_.fstat(descriptor));
    case Kind::kStat:
      return answer(target_.stat(call.path));
    case Kind::kLstat:
      return answer(target_.lstat(call.path));
    case Kind::kAccess:
      return answer(target_.access(call.path, call.flags));
    case Kind::kReadlink:
      return answer(target_.readlink(call.path));
    case Kind::kList:
      return answer(target_.list(call.path));
    case Kind::kMkdir:
      return answer(target_.mkdir(call.path, call.mode));
    case Kind::kRmdir:
      return answer(target_.rmdir(call.path));
    case Kind::kUnlink:
      return answer(target_.unlink(call.path));
    case Kind::kSymlink:
      return answer(target_.symlink(call.path2, call.path));
    case Kind::kLink:
      return answer(target_.link(call.path, call.path2));
    case Kind::kRename:
      return answer(target_.rename(call.path, call.path2, static_cast<unsigned>(call.flags)));
    case Kind::kChmod:
      return answer(target_.chmod(call.path, call.mode));
    case Kind::kTruncate:
      return answer(target_.truncate(call.path, call.offset));
  }
  return "?";
}

std::string read_whole(PosixTarget& target, const std::string& path, std::uint64_t size) {
  const Outcome<int> descriptor = target.open(path, O_RDONLY, 0);
  if (!descriptor) return answer(Outcome<>(std::unexpected(descriptor.error())));
  const Outcome<std::string> bytes = target.pread(*descriptor, static_cast<std::size_t>(size) + 1, 0);
  static_cast<void>(target.close(*descriptor));
  return answer(bytes);
}

void inventory(PosixTarget& target, const std::string& directory, std::map<InodeId, std::string>& seen, std::vector<std::string>& lines) {
  const Outcome<std::vector<std::string>> names = target.list(directory);
  if (!names) {
    lines.push_back(directory + " cannot be listed: " + answer(names));
    return;
  }
  for (const std::string& name : *names) {
    const std::string path = (directory == "/" ? "" : directory) + "/" + name;
    const Outcome<Attributes> is = target.lstat(path);
    std::string line = path + ": " + answer(is);
    if (is && is->type == FileType::kSymlink) line += " -> " + target.readlink(path).value_or("?");
    if (is && is->type == FileType::kFile) {
      const auto [known, fresh] = seen.try_emplace(is->inode, path);
      line += fresh ? " " + read_whole(target, path, is->size) : " same as " + known->second;
    }
    lines.push_back(std::move(line));
    if (is && is->type == FileType::kDirectory) inventory(target, path, seen, lines);
  }
}

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 23> kNames = {
      "open",   "close",    "write", "pwrite", "read",  "pread",  "fsync",   "fchmod", "ftruncate", "fstat", "stat",    "lstat",
      "access", "readlink", "list",  "mkdir",  "rmdir", "unlink", "symlink", "link",   "rename",    "chmod", "truncate"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace

PosixCall PosixCall::from(std::uint64_t number) {
  std::uint64_t bits = scatter(number);
  const auto pick = [&bits](const auto& choices) {
    bits = scatter(bits);
    return choices[bits % choices.size()];
  };
  PosixCall call;
  call.kind = pick(kKinds);
  call.slot = scatter(bits) % kSlots;
  call.path = pick(kPaths);
  call.mode = pick(kModes);
  call.offset = pick(kOffsets);
  call.size = pick(kSizes);
  switch (call.kind) {
    case Kind::kOpen:
      call.flags = pick(kOpenFlags);
      break;
    case Kind::kAccess:
      call.flags = static_cast<int>(scatter(bits) % 8);
      break;
    case Kind::kRename:
      call.flags = static_cast<int>(pick(kRenameFlags));
      [[fallthrough]];
    case Kind::kLink:
      call.path2 = pick(kPaths);
      break;
    case Kind::kSymlink:
      call.path2 = pick(kTargets);
      break;
    default:
      break;
  }
  return call;
}

std::string PosixCall::describe() const {
  std::string line(name_of(kind));
  const bool by_descriptor = kind == Kind::kClose || (kind >= Kind::kWrite && kind <= Kind::kFstat);
  line += by_descriptor ? " #" + std::to_string(slot) : " " + (path.size() > 40 ? path.substr(0, 8) + "…" : path);
  if (kind == Kind::kOpen) line += " as #" + std::to_string(slot);
  if (!path2.empty()) line += " -> " + (path2.size() > 40 ? path2.substr(0, 8) + "…" : path2);
  if (kind == Kind::kOpen || kind == Kind::kRename || kind == Kind::kAccess) line += " flags " + octal(static_cast<mode_t>(flags));
  if (kind == Kind::kOpen || kind == Kind::kMkdir || kind == Kind::kChmod || kind == Kind::kFchmod) line += " mode " + octal(mode);
  if (kind == Kind::kPwrite || kind == Kind::kPread || kind == Kind::kTruncate || kind == Kind::kFtruncate)
    line += " at " + std::to_string(offset);
  if (kind >= Kind::kWrite && kind <= Kind::kPread) line += " size " + std::to_string(size);
  return line;
}

std::vector<std::string> play(PosixTarget& target, std::span<const PosixCall> calls) {
  std::vector<std::string> lines;
  lines.reserve(calls.size());
  Player player(target);
  for (const PosixCall& call : calls) lines.push_back(call.describe() + ": " + player.play(call));
  return lines;
}

std::vector<std::string> inventory(PosixTarget& target) {
  std::vector<std::string> lines;
  std::map<InodeId, std::string> seen;
  inventory(target, "/", seen, lines);
  return lines;
}

}  // namespace entryproof::node
