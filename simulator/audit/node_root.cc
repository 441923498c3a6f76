#include "simulator/audit/node_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <vector>

#include "simulator/oracles/host.h"

namespace entryproof::audit {

struct NodeRoot::Step {
  Descriptor fd;  // O_PATH
  node::InodeId inode = 0;
  struct stat status{};

  bool is_directory() const { return S_ISDIR(status.st_mode); }
  bool is_link() const { return S_ISLNK(status.st_mode); }
  bool is_file() const { return S_ISREG(status.st_mode); }
};

namespace {

constexpr int kLinksMax = 40;
constexpr std::int64_t kSizeMax = std::int64_t{1} << 39;

void split_before(std::deque<std::string>& parts, std::string_view path) {
  std::vector<std::string> found;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") found.emplace_back(part);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  parts.insert(parts.begin(), found.begin(), found.end());
}

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

// A likeness of what was found; regular files get their bytes later.
node::Outcome<node::InodeId> make(node::Tree& tree, node::InodeId directory, const std::string& name, const struct stat& status,
                                  const std::string& target) {
  const node::Credentials root;
  const auto mode = static_cast<mode_t>(status.st_mode & 07777);
  auto made = node::Outcome<node::InodeId>(node::refuse(EINVAL));
  if (S_ISDIR(status.st_mode)) {
    made = tree.mkdir(root, directory, name, mode, 0);
  } else if (S_ISLNK(status.st_mode)) {
    return tree.symlink(root, directory, name, target, 0);
  } else if (S_ISREG(status.st_mode)) {
    made = tree.create(root, directory, name, mode, 0);
  } else {  // devices are of no kind that a Tree has; to every reader here they are as little a file as a socket is
    made = tree.mknod(root, directory, name, S_ISFIFO(status.st_mode) ? node::FileType::kFifo : node::FileType::kSocket, mode, 0);
  }
  if (!made) return made;
  node::AttributeChange change;
  change.uid = status.st_uid;
  change.gid = status.st_gid;
  change.mode = mode;
  change.mtime_ns = nanoseconds(status.st_mtim);
  if (const auto done = tree.set_attributes(root, *made, change, 0); !done) return std::unexpected(done.error());
  return made;
}

// Opens for reading what `status` was taken of, and nothing else. Where it can be had, without a trace in the file's access time.
Descriptor open_file(int directory, const std::string& name, const struct stat& status) {
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
  Descriptor file(::openat(directory, name.c_str(), kFlags | O_NOATIME));
  if (!file && errno == EPERM) file.reset(::openat(directory, name.c_str(), kFlags));
  struct stat opened{};
  if (file && (::fstat(file.get(), &opened) != 0 || opened.st_ino != status.st_ino || opened.st_dev != status.st_dev)) {
    file.reset();
    errno = ESTALE;
  }
  return file;
}

}  // namespace

Result<NodeRoot> NodeRoot::open(const std::string& directory) {
  NodeRoot root;
  root.root_.reset(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.root_) return fail_errno("open", directory, errno);
  return root;
}

bool NodeRoot::enter(const Step& directory, const std::string& name, std::string_view asked, Step& step) {
  step.fd.reset(::openat(directory.fd.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!step.fd) {
    if (errno != ENOENT && errno != ENAMETOOLONG && errno != ENOTDIR) note(asked, errno_text(errno));
    return false;
  }
  if (::fstat(step.fd.get(), &step.status) != 0) {
    note(asked, errno_text(errno));
    return false;
  }
  std::string target;
  if (step.is_link()) {
    target.resize(node::Tree::kSymlinkCap + 1);
    const auto length = ::readlinkat(step.fd.get(), "", target.data(), target.size());
    if (length <= 0 || static_cast<std::size_t>(length) == target.size()) {
      note(asked, "a link that cannot be read");
      return false;
    }
    target.resize(static_cast<std::size_t>(length));
  }
  step.inode = tree_.child(directory.inode, name);
  if (step.inode != 0) return true;
  const auto made = make(tree_, directory.inode, name, step.status, target);
  if (!made) {
    note(asked, errno_text(static_cast<int>(made.error())));
    return false;
  }
  step.inode = *made;
  return true;
}

bool NodeRoot::walk(std::string_view path, Step& parent, Step& step, std::string& name) {
  std::deque<std::string> parts;
  split_before(parts, path);
  std::vector<Step> trail(1);
  trail.front().fd.reset(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  trail.front().inode = node::kRoot;
  if (!trail.front().fd || ::fstat(root_.get(), &trail.front().status) != 0) {
    note(path, errno_text(errno));
    return false;
  }
  for (int links = 0; !parts.empty();) {
    name = std::move(parts.front());
    parts.pop_front();
    if (!trail.back().is_directory()) return false;
    if (name == "..") {
      if (trail.size() > 1) trail.pop_back();
      continue;
    }
    Step next;
    if (!enter(trail.back(), name, path, next)) return false;
    if (!next.is_link()) {
      trail.push_back(std::move(next));
      continue;
    }
    const auto target = tree_.readlink(next.inode);
    if (!target || ++links > kLinksMax) return false;  // the node's own readers stop there, too
    if (target->starts_with('/')) trail.resize(1);
    split_before(parts, *target);
  }
  step = std::move(trail.back());
  trail.pop_back();
  if (!trail.empty()) parent = std::move(trail.back());
  return true;
}

void NodeRoot::fill(const Step& parent, const std::string& name, const Step& file, std::size_t cap, bool head, std::string_view asked) {
  if (filled_.contains(file.inode)) return;
  const auto size = static_cast<std::size_t>(std::clamp<std::int64_t>(file.status.st_size, 0, kSizeMax));
  std::string bytes;
  if (size <= cap || head) {
    if (bytes_ + std::min(size, cap) > kBytesMax) return note(asked, fmt::format("more than {} MiB to be read", kBytesMax >> 20));
    const Descriptor opened = open_file(parent.fd.get(), name, file.status);
    if (!opened) return note(asked, errno_text(errno));
    bytes.resize(std::min(size, cap));
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto got = ::pread(opened.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return note(asked, errno_text(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    bytes_ += done;
    filled_.insert(file.inode);
  }
  const node::Credentials root;
  node::AttributeChange change;
  change.size = std::max(bytes.size(), size > cap ? size : 0);
  const auto written = tree_.write(root, file.inode, 0, bytes, 0);
  auto sized = tree_.set_attributes(root, file.inode, change, 0);
  change.size.reset();
  change.mtime_ns = nanoseconds(file.status.st_mtim);
  if (sized) sized = tree_.set_attributes(root, file.inode, change, 0);
  if (!written || !sized) note(asked, "it does not fit");
}

void NodeRoot::take(std::string_view path, std::size_t cap, bool head) {
  Step parent;
  Step step;
  std::string name;
  if (walk(path, parent, step, name) && step.is_file()) fill(parent, name, step, cap, head, path);
}

void NodeRoot::take_directory(std::string_view path, std::size_t cap, bool (*wanted)(std::string_view name)) {
  Step parent;
  Step directory;
  std::string name;
  if (!walk(path, parent, directory, name) || !directory.is_directory()) return;
  const int readable = ::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(readable < 0 ? nullptr : ::fdopendir(readable), ::closedir);
  if (listing == nullptr) return note(path, errno_text(errno));
  std::vector<std::string> names;
  for (const dirent* entry = ::readdir(listing.get()); entry != nullptr; entry = ::readdir(listing.get())) {
    const std::string_view found = entry->d_name;
    if (found == "." || found == "..") continue;
    if (names.size() == kEntriesMax) return note(path, fmt::format("more than {} entries", kEntriesMax));
    names.emplace_back(found);
  }
  std::ranges::sort(names);  // so that a cap on bytes falls on the same files every time
  for (const std::string& entry : names) {
    const std::string asked = oracles::join(path, entry);
    Step step;
    if (!enter(directory, entry, asked, step)) continue;
    if (step.is_link()) {
      take(asked, wanted(entry) ? cap : 0);
    } else if (step.is_file()) {
      fill(directory, entry, step, wanted(entry) ? cap : 0, false, asked);
    }
  }
}

void NodeRoot::note(std::string_view asked, std::string reason) { obstacles_.try_emplace(std::string(asked), std::move(reason)); }

std::string_view NodeRoot::obstacle(std::string_view path) const {
  for (;;) {
    if (const auto found = obstacles_.find(path); found != obstacles_.end()) return found->second;
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos || slash == 0) return {};
    path = path.substr(0, slash);
  }
}

}  // namespace entryproof::audit
