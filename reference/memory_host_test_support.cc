#include "reference/memory_host_test_support.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "reference/files.h"

namespace reference {
namespace {

std::unexpected<Errno> fails(int number) { return std::unexpected(Errno{number}); }

}  // namespace

struct MemoryHost::Node {
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t device = 1;
  std::uint64_t inode = 0;
  std::int64_t mtime = 0;
  std::int64_t ctime = 0;
  std::string bytes;  // a link's target, too
  std::map<std::string, std::shared_ptr<Node>> children;
  // What a power cut leaves for certain.
  mode_t stored_mode = 0;
  uid_t stored_uid = 0;
  std::string stored_bytes;
  std::map<std::string, std::shared_ptr<Node>> stored_children;
};

struct MemoryHost::Place {
  std::shared_ptr<Node> parent;
  std::string name;
  std::shared_ptr<Node> node;  // null: nothing is there
};

struct MemoryHost::Opened {
  std::shared_ptr<Node> node;
  std::string path;
  std::size_t at = 0;
};

MemoryHost::MemoryHost() : root_(std::make_shared<Node>()) { root_->mode = S_IFDIR | 0755; }
MemoryHost::~MemoryHost() = default;

Outcome<MemoryHost::Place> MemoryHost::find(const std::string& path, bool follow) const {
  std::vector<std::string> left;
  const auto push = [&left](const std::string& text) {
    std::size_t end = text.size();
    while (end > 0) {
      const std::size_t slash = text.rfind('/', end - 1);
      const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
      if (end > begin) left.push_back(text.substr(begin, end - begin));
      end = slash == std::string::npos ? 0 : slash;
    }
  };
  push(path);
  std::vector<std::shared_ptr<Node>> above{root_};
  Place place{.parent = root_, .name = "/", .node = root_};
  int links = 0;
  while (!left.empty()) {
    const std::string name = left.back();
    left.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      if (above.size() > 1) above.pop_back();
      continue;
    }
    if (!S_ISDIR(above.back()->mode)) return fails(ENOTDIR);
    const auto found = above.back()->children.find(name);
    place = {.parent = above.back(), .name = name, .node = found == above.back()->children.end() ? nullptr : found->second};
    if (!place.node) {
      if (!left.empty()) return fails(ENOENT);
      return place;
    }
    if (S_ISLNK(place.node->mode) && (follow || !left.empty())) {
      if (++links > 40) return fails(ELOOP);
      if (place.node->bytes.starts_with('/')) above.resize(1);
      push(place.node->bytes);
      continue;
    }
    if (!left.empty() || S_ISDIR(place.node->mode)) above.push_back(place.node);
  }
  return place;
}

std::shared_ptr<MemoryHost::Node> MemoryHost::make(const std::string& path, mode_t mode) {
  if (path != "/" && !find(directory_of(path), true).value_or(Place{}).node) put_directory(directory_of(path));
  auto place = find(path, false);
  if (!place) throw std::logic_error("cannot make " + path);
  if (place->node && S_ISDIR(place->node->mode) && S_ISDIR(mode)) return place->node;
  auto node = std::make_shared<Node>();
  node->mode = mode;
  node->device = place->parent->device;
  node->inode = ++next_inode_;
  touch(*node);
  store(*node);
  place->parent->children[place->name] = place->parent->stored_children[place->name] = node;
  touch(*place->parent);
  return node;
}

void MemoryHost::store(Node& node) {
  node.stored_mode = node.mode;
  node.stored_uid = node.uid;
  node.stored_bytes = node.bytes;
  node.stored_children = node.children;
}

int MemoryHost::lose(Node& node, unsigned directories, bool data, int seen) {
  if (!S_ISDIR(node.mode)) {
    if (!data) node.mode = (node.mode & S_IFMT) | (node.stored_mode & 07777), node.uid = node.stored_uid, node.bytes = node.stored_bytes;
  } else if (node.children != node.stored_children && (directories >> seen++ & 1) == 0) {
    node.children = node.stored_children;
  }
  for (const auto& [name, child] : node.children) seen = lose(*child, directories, data, seen);
  store(node);
  return seen;
}

int MemoryHost::cut_power(unsigned directories, bool data) {
  descriptors_.clear();
  return lose(*root_, directories, data, 0);
}

void MemoryHost::put(const std::string& path, std::string bytes, mode_t mode, uid_t uid) {
  const auto node = make(path, S_IFREG | mode);
  node->bytes = std::move(bytes);
  node->uid = uid;
  store(*node);
}

void MemoryHost::put_directory(const std::string& path, mode_t mode) { make(path, S_IFDIR | mode); }
void MemoryHost::put_link(const std::string& path, std::string target) {
  const auto node = make(path, S_IFLNK | 0777);
  node->bytes = std::move(target);
  store(*node);
}
void MemoryHost::put_volume(const std::string& path) {
  const auto node = make(path, S_IFDIR | 0755);
  node->device = node->inode + 1000;
}
void MemoryHost::put_fifo(const std::string& path) { make(path, S_IFIFO | 0644); }

void MemoryHost::remove_all(const std::string& path) {
  auto place = find(path, false);
  if (!place || !place->node) return;
  place->parent->children.erase(place->name);
  touch(*place->parent);
  place->parent->stored_children.erase(place->name);
}

void MemoryHost::move(const std::string& from, const std::string& to) {
  auto source = find(from, false);
  auto target = find(to, false);
  if (!source || !source->node || !target) throw std::logic_error("cannot move " + from);
  target->parent->children[target->name] = target->parent->stored_children[target->name] = source->node;
  source->parent->children.erase(source->name);
  touch(*source->parent);
  touch(*target->parent);
  source->parent->stored_children.erase(source->name);
}

void MemoryHost::project(const std::string& directory, const std::string& token, const std::string& ca) {
  swap_generation(directory, {{"token", token}, {"ca.crt", ca}});
}

void MemoryHost::swap_generation(const std::string& directory, const std::map<std::string, std::string>& files) {
  const auto previous = find(join(directory, "..data"), false);
  const std::string old = previous && previous->node ? previous->node->bytes : "";
  const std::string name = "..generation_" + std::to_string(++generation_);
  for (const auto& [file, content] : files) {
    put(join(join(directory, name), file), content);
    if (!find(join(directory, file), false)->node) put_link(join(directory, file), "..data/" + file);
  }
  put_link(join(directory, "..data"), name);
  if (!old.empty()) remove_all(join(directory, old));
}

std::optional<std::string> MemoryHost::bytes(const std::string& path) const {
  const auto place = find(path, true);
  if (!place || !place->node || !S_ISREG(place->node->mode)) return std::nullopt;
  return place->node->bytes;
}

std::vector<std::string> MemoryHost::tree(const std::string& path) const {
  std::vector<std::string> names;
  const auto place = find(path, true);
  if (!place || !place->node) return names;
  for (const auto& [name, node] : place->node->children) {
    names.push_back(name);
    for (const std::string& below : tree(join(path, name))) {
      if (S_ISDIR(node->mode)) names.push_back(join(name, below));
    }
  }
  return names;
}

FileStatus MemoryHost::status(const std::string& path) const {
  const auto place = find(path, false);
  if (!place || !place->node) throw std::logic_error(path + " does not exist");
  return status_of(*place->node);
}

Outcome<> MemoryHost::check(std::string_view verb, const std::string& path) {
  ++calls;
  const auto number = before ? before(verb, path) : std::nullopt;
  if (number) return fails(*number);
  return {};
}

Outcome<> MemoryHost::check(std::string_view verb, Descriptor descriptor) {
  const auto found = descriptors_.find(descriptor);
  if (found == descriptors_.end()) return fails(EBADF);
  return check(verb, std::string(found->second.path));
}

void MemoryHost::changed(std::string_view verb, const std::string& path) { changes.push_back(std::string(verb) + " " + path); }

void MemoryHost::touch(Node& node) { node.mtime = node.ctime = ++ticks_; }

FileStatus MemoryHost::status_of(const Node& node) {
  return {.mode = node.mode,
          .uid = node.uid,
          .gid = node.gid,
          .device = node.device,
          .inode = node.inode,
          .size = node.bytes.size(),
          .mtime_ns = node.mtime,
          .ctime_ns = node.ctime};
}

Outcome<Host::Descriptor> MemoryHost::open(const std::string& path, int flags, mode_t mode) {
  if (auto good = check("open", path); !good) return std::unexpected(good.error());
  auto place = find(path, (flags & O_NOFOLLOW) == 0 && (flags & O_EXCL) == 0);
  if (!place) return std::unexpected(place.error());
  if (place->node && (flags & O_EXCL) != 0) return fails(EEXIST);
  if (!place->node && (flags & O_CREAT) == 0) return fails(ENOENT);
  if (!place->node) {
    place->node = std::make_shared<Node>();
    place->node->mode = S_IFREG | (mode & ~mode_t{022});
    place->node->device = place->parent->device;
    place->node->inode = ++next_inode_;
    place->node->uid = owner_of_new_files;
    place->node->gid = group_of_new_files;
    touch(*place->node);
    place->parent->children[place->name] = place->node;
    touch(*place->parent);
    changed("create", path);
  }
  if (S_ISLNK(place->node->mode)) return fails(ELOOP);
  if ((flags & O_DIRECTORY) != 0 && !S_ISDIR(place->node->mode)) return fails(ENOTDIR);
  if ((flags & O_ACCMODE) != O_RDONLY && S_ISDIR(place->node->mode)) return fails(EISDIR);
  if (S_ISFIFO(place->node->mode) && (flags & O_NONBLOCK) == 0) throw std::logic_error("this open would block: " + path);
  descriptors_[next_descriptor_] = {.node = place->node, .path = path, .at = 0};
  return next_descriptor_++;
}

Outcome<> MemoryHost::close(Descriptor descriptor) {
  auto good = check("close", descriptor);
  marks_.erase(descriptor);
  descriptors_.erase(descriptor);  // close(2) frees the descriptor whatever it says
  return good;
}

Outcome<std::size_t> MemoryHost::read(Descriptor descriptor, char* buffer, std::size_t size) {
  if (auto good = check("read", descriptor); !good) return std::unexpected(good.error());
  Opened& opened = descriptors_.at(descriptor);
  const std::size_t count = std::min(size, opened.node->bytes.size() - std::min(opened.at, opened.node->bytes.size()));
  std::memcpy(buffer, opened.node->bytes.data() + opened.at, count);
  opened.at += count;
  return count;
}

Outcome<std::size_t> MemoryHost::write(Descriptor descriptor, std::string_view bytes) {
  if (auto good = check("write", descriptor); !good) return std::unexpected(good.error());
  Opened& opened = descriptors_.at(descriptor);
  const std::string_view taken = bytes.substr(0, write_limit);
  opened.node->bytes.resize(std::max(opened.node->bytes.size(), opened.at + taken.size()));
  std::ranges::copy(taken, opened.node->bytes.begin() + static_cast<std::ptrdiff_t>(opened.at));
  opened.at += taken.size();
  touch(*opened.node);
  changed("write", opened.path);
  return taken.size();
}

Outcome<> MemoryHost::watch(const std::string& directory) {
  if (events_error != 0) return fails(events_error);
  if (auto good = check("watch", directory); !good) return good;
  const auto place = find(directory, true);
  if (!place || !place->node) return fails(ENOENT);
  watched.insert(directory);
  return {};
}

Outcome<> MemoryHost::mark(Descriptor descriptor, std::int64_t number) {
  if (!marks_supported) return fails(ENOTSUP);
  if (auto good = check("mark", descriptor); !good) return good;
  marks_[descriptor] = number;
  return {};
}

Outcome<bool> MemoryHost::marked_above(Descriptor /*descriptor*/, std::int64_t number) {
  return std::ranges::any_of(marks_, [&](const auto& entry) { return entry.second > number; });
}

Outcome<> MemoryHost::fsync(Descriptor descriptor) {
  if (auto good = check("fsync", descriptor); !good) return good;
  store(*descriptors_.at(descriptor).node);
  return {};
}

Outcome<> MemoryHost::fchmod(Descriptor descriptor, mode_t mode) {
  if (auto good = check("fchmod", descriptor); !good) return good;
  Node& node = *descriptors_.at(descriptor).node;
  node.mode = (node.mode & S_IFMT) | mode;
  touch(node);
  changed("fchmod", descriptors_.at(descriptor).path);
  return {};
}

Outcome<> MemoryHost::fchown(Descriptor descriptor, uid_t uid, gid_t gid) {
  if (auto good = check("fchown", descriptor); !good) return good;
  Node& node = *descriptors_.at(descriptor).node;
  node.uid = uid;
  node.gid = gid;
  touch(node);
  changed("fchown", descriptors_.at(descriptor).path);
  return {};
}

Outcome<FileStatus> MemoryHost::fstat(Descriptor descriptor) {
  if (auto good = check("fstat", descriptor); !good) return std::unexpected(good.error());
  return status_of(*descriptors_.at(descriptor).node);
}

Outcome<FileStatus> MemoryHost::stat(const std::string& path) {
  if (auto good = check("stat", path); !good) return std::unexpected(good.error());
  const auto place = find(path, true);
  if (!place) return std::unexpected(place.error());
  if (!place->node) return fails(ENOENT);
  return status_of(*place->node);
}

Outcome<FileStatus> MemoryHost::lstat(const std::string& path) {
  if (auto good = check("lstat", path); !good) return std::unexpected(good.error());
  const auto place = find(path, false);
  if (!place) return std::unexpected(place.error());
  if (!place->node) return fails(ENOENT);
  return status_of(*place->node);
}

Outcome<std::string> MemoryHost::readlink(const std::string& path) {
  if (auto good = check("readlink", path); !good) return std::unexpected(good.error());
  const auto place = find(path, false);
  if (!place) return std::unexpected(place.error());
  if (!place->node) return fails(ENOENT);
  if (!S_ISLNK(place->node->mode)) return fails(EINVAL);
  return place->node->bytes;
}

Outcome<std::vector<DirectoryEntry>> MemoryHost::list(const std::string& path) {
  if (auto good = check("list", path); !good) return std::unexpected(good.error());
  const auto place = find(path, true);
  if (!place) return std::unexpected(place.error());
  if (!place->node) return fails(ENOENT);
  if (!S_ISDIR(place->node->mode)) return fails(ENOTDIR);
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, node] : place->node->children) entries.push_back({.name = name});
  std::ranges::reverse(entries);  // no order is promised, so none is given
  return entries;
}

Outcome<> MemoryHost::mkdir(const std::string& path, mode_t mode) {
  if (auto good = check("mkdir", path); !good) return good;
  const auto place = find(path, false);
  if (!place) return std::unexpected(place.error());
  if (place->node) return fails(EEXIST);
  make(path, S_IFDIR | (mode & ~mode_t{022}));
  place->parent->stored_children.erase(place->name);
  changed("mkdir", path);
  return {};
}

Outcome<> MemoryHost::rename(const std::string& from, const std::string& to) {
  if (auto good = check("rename", to); !good) return good;
  const auto source = find(from, false);
  const auto target = find(to, false);
  if (!source) return std::unexpected(source.error());
  if (!target) return std::unexpected(target.error());
  if (!source->node) return fails(ENOENT);
  if (target->node && S_ISDIR(target->node->mode) && !S_ISDIR(source->node->mode)) return fails(EISDIR);
  if (source->parent->device != target->parent->device) return fails(EXDEV);
  source->node->ctime = ++ticks_;
  target->parent->children[target->name] = source->node;
  source->parent->children.erase(source->name);
  touch(*source->parent);
  touch(*target->parent);
  changed("rename", to);
  return {};
}

Outcome<> MemoryHost::unlink(const std::string& path) {
  if (auto good = check("unlink", path); !good) return good;
  const auto place = find(path, false);
  if (!place) return std::unexpected(place.error());
  if (!place->node) return fails(ENOENT);
  if (S_ISDIR(place->node->mode)) return fails(EISDIR);
  place->parent->children.erase(place->name);
  touch(*place->parent);
  changed("unlink", path);
  return {};
}

Outcome<> MemoryHost::rmdir(const std::string& path) {
  if (auto good = check("rmdir", path); !good) return good;
  const auto place = find(path, false);
  if (!place) return std::unexpected(place.error());
  if (!place->node) return fails(ENOENT);
  if (!S_ISDIR(place->node->mode)) return fails(ENOTDIR);
  if (!place->node->children.empty()) return fails(ENOTEMPTY);
  place->parent->children.erase(place->name);
  touch(*place->parent);
  changed("rmdir", path);
  return {};
}

}  // namespace reference
