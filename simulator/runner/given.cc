#include "simulator/runner/given.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <utility>

#include "simulator/node/view.h"
#include "simulator/runner/waiting_program.h"

namespace entryproof::runner {

namespace {

using cluster::Change;

constexpr const char* kPutPrefix = ".put-";
constexpr const char* kPutSuffix = "~";

// Content of a file object; a fixture's bytes by its name.
Result<std::string> content_of(const Object& object, const Suite& suite) {
  if (object.kind == Object::Kind::kProgram) return waiting_program();
  if (object.kind != Object::Kind::kFixture) {
    std::string content;
    content.reserve(object.content.size() * object.times);
    for (unsigned i = 0; i < object.times; ++i) content += object.content;
    return content;
  }
  const auto found = suite.fixtures.find(object.content);
  if (found == suite.fixtures.end()) return fail(ErrorCode::kInvalidInput, "there is no fixture \"" + object.content + "\"");
  return found->second.bytes;
}

std::unexpected<Error> refused(const std::string& path, node::Errno why) {
  return fail(ErrorCode::kInvalidInput, "the scenario's node cannot have it: " + errno_text(static_cast<int>(why)), path);
}

// The directories above a path that the tree lacks.
std::vector<Change> missing_parents(const node::Tree& tree, const std::string& path) {
  std::vector<Change> changes;
  for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (!node::View().resolve(tree, {}, path.substr(0, slash))) changes.push_back(Change::mkdir(path.substr(1, slash - 1), 0755));
  }
  return changes;
}

class Builder {
 public:
  Builder(node::Tree tree, std::int64_t wall_ns) : tree_(std::move(tree)), wall_ns_(wall_ns) {}

  Result<> apply(const std::vector<Change>& changes, const std::string& about) {
    if (const auto done = cluster::apply(tree_, node::kRoot, changes, wall_ns_); !done) return refused(about, done.error());
    return {};
  }

  // The directory, and those above it.
  Result<> make_room(const std::string& directory) { return apply(missing_parents(tree_, directory + "/"), directory); }

  Result<> make(const std::string& path, const Object& object, const Suite& suite) {
    auto content = content_of(object, suite);
    if (!content) return std::unexpected(content.error());
    if (auto done = apply(missing_parents(tree_, path), path); !done) return done;
    const std::string relative = path.substr(1);
    const auto mode = static_cast<mode_t>(object.mode.value_or(object.kind == Object::Kind::kDirectory ? 0755 : 0644));
    Result<> done;
    switch (object.kind) {
      case Object::Kind::kDirectory:
        done = apply({Change::mkdir(relative, mode)}, path);
        break;
      case Object::Kind::kSymlink:
        done = apply({Change::symlink(relative, object.content)}, path);
        break;
      case Object::Kind::kFifo:
        done = apply({Change::fifo(relative, mode)}, path);
        break;
      default:
        done = apply({Change::write(relative, std::move(*content), mode)}, path);
        break;
    }
    if (!done || (!object.uid && !object.gid)) return done;
    const auto inode = node::View().resolve(tree_, {}, path, false);
    if (!inode) return refused(path, inode.error());
    node::AttributeChange owner;
    owner.uid = object.uid;
    owner.gid = object.gid;
    if (const auto set = tree_.set_attributes({}, *inode, owner, wall_ns_); !set) return refused(path, set.error());
    return {};
  }

  node::Tree take() { return std::move(tree_); }

 private:
  node::Tree tree_;
  std::int64_t wall_ns_;
};

}  // namespace

Result<std::vector<Change>> ProjectedVolumes::update(const std::string& node_path, const std::map<std::string, Object>& files,
                                                     const Suite& suite, std::int64_t wall_ns) {
  cluster::Payload payload;
  for (const auto& [name, object] : files) {
    auto content = content_of(object, suite);
    if (!content) return std::unexpected(content.error());
    payload.emplace(name, std::move(*content));
  }
  auto& volume = volumes_.try_emplace(node_path, seed_ + volumes_.size() + 1).first->second;
  auto changes = volume.update(payload, wall_ns);
  for (auto& change : changes) {
    change.path = node_path.substr(1) + "/" + change.path;
    if (change.kind == Change::Kind::kRename) change.other = node_path.substr(1) + "/" + change.other;
  }
  return changes;
}

std::vector<Change> emptied(const node::Tree& tree, const std::string& path, const std::vector<std::string>& mount_points) {
  std::vector<Change> changes;
  const auto inode = node::View().resolve(tree, {}, path);
  const auto entries = inode ? tree.list(*inode) : node::refuse(ENOENT);
  if (!entries) return changes;
  for (const auto& entry : *entries) {
    const auto below = (path == "/" ? "" : path) + "/" + entry.name;
    const auto carries = [&](const std::string& point) { return point == below || point.starts_with(below + "/"); };
    if (std::ranges::none_of(mount_points, carries)) changes.push_back(Change::remove(below.substr(1)));
  }
  return changes;
}

std::vector<Change> copied(const node::Tree& tree, const std::string& path) {
  std::vector<Change> changes;
  const auto inode = node::View().resolve(tree, {}, path, false);
  const auto about = inode ? tree.attributes(*inode) : node::refuse(ENOENT);
  if (!about) return changes;
  const std::string at = path.substr(1);
  if (about->type == node::FileType::kSymlink) {
    changes.push_back(Change::symlink(at, tree.readlink(*inode).value_or("")));
  } else if (about->type == node::FileType::kFile) {
    changes.push_back(Change::write(at, tree.read_all(*inode).value_or(""), about->mode & 07777));
  } else if (about->type == node::FileType::kDirectory) {
    changes.push_back(Change::mkdir(at, about->mode & 07777));
    const auto entries = tree.list(*inode);
    if (!entries) return changes;
    for (const auto& entry : *entries) std::ranges::move(copied(tree, path + "/" + entry.name), std::back_inserter(changes));
  }
  return changes;
}

std::vector<Change> boot(const node::Tree& tree, const Site& site, const std::vector<std::string>& lost) {
  const std::vector<std::string> mount_points = site.mount_points();
  std::vector<Change> changes;
  for (const auto& path : lost) std::ranges::move(emptied(tree, path, mount_points), std::back_inserter(changes));
  std::set<std::string> made;
  for (const auto& volume : site.volumes) {
    for (auto slash = volume.node.find('/', 1);; slash = volume.node.find('/', slash + 1)) {
      const auto part = volume.node.substr(0, slash);
      const bool gone = std::ranges::any_of(lost, [&](const auto& path) { return part.starts_with(path + "/"); });
      if (gone && made.insert(part).second) changes.push_back(Change::mkdir(part.substr(1), 0755));
      if (slash == std::string::npos) break;
    }
  }
  return changes;
}

Result<node::Tree> make_node(const Scenario& scenario, const Suite& suite, const Site& site, Credentials& credentials,
                             ProjectedVolumes& volumes, std::int64_t wall_ns) {
  const auto& given = scenario.given;
  Builder builder(site.image(), wall_ns);
  for (const auto& path : given.absent) {
    if (auto done = builder.apply({Change::remove(site.to_node(path).substr(1))}, path); !done) return std::unexpected(done.error());
  }
  if (!given.credentials_at.empty()) {
    if (auto done = builder.make_room(site.to_node(given.credentials_at)); !done) return std::unexpected(done.error());
  }
  if (auto done = builder.apply(credentials.project(), site.service_account); !done) return std::unexpected(done.error());
  if (!given.primary.empty()) {
    const auto fixture = suite.fixtures.find(given.primary);
    if (fixture == suite.fixtures.end())
      return fail(ErrorCode::kInvalidInput, "there is no fixture \"" + given.primary + "\"", scenario.file);
    const auto path = site.net_dir.substr(1) + "/" + fixture->second.filename;
    if (auto done = builder.apply({Change::write(path, fixture->second.bytes, 0644)}, path); !done) return std::unexpected(done.error());
  }
  for (const auto& [path, object] : given.tree) {
    if (auto done = builder.make(site.to_node(path), object, suite); !done) return std::unexpected(done.error());
  }
  for (const auto& [path, files] : given.projected) {
    const auto node_path = site.to_node(path);
    auto changes = volumes.update(node_path, files, suite, wall_ns);
    if (!changes) return std::unexpected(changes.error());
    if (auto done = builder.make(node_path, {.kind = Object::Kind::kDirectory, .content = {}, .mode = {}, .uid = {}, .gid = {}}, suite);
        !done) {
      return std::unexpected(done.error());
    }
    if (auto done = builder.apply(*changes, path); !done) return std::unexpected(done.error());
  }
  node::Tree tree = builder.take();
  if (given.disk_bytes) tree.limit_bytes(tree.bytes_used() + *given.disk_bytes);
  return tree;
}

bool is_of_a_put(std::string_view name) { return name.starts_with(kPutPrefix) && name.ends_with(kPutSuffix); }

Result<std::vector<Change>> put(const std::string& node_path, const Object& object, const Suite& suite, bool in_place) {
  if (object.uid || object.gid) {
    return fail(ErrorCode::kInvalidInput, "an object put into a running node cannot be given an owner; put it under \"given\"", node_path);
  }
  auto content = content_of(object, suite);
  if (!content) return std::unexpected(content.error());
  const std::string path = node_path.substr(1);
  if (object.kind == Object::Kind::kDirectory) return std::vector{Change::mkdir(path, static_cast<mode_t>(object.mode.value_or(0755)))};
  if (in_place) return std::vector{Change::write(path, std::move(*content), static_cast<mode_t>(object.mode.value_or(0644)))};
  const auto slash = path.rfind('/');
  const std::string hidden = path.substr(0, slash + 1) + std::string(kPutPrefix) + path.substr(slash + 1) + kPutSuffix;
  // Whole and at once, for the build may be putting something of its own there just now.
  if (object.kind == Object::Kind::kSymlink) return std::vector{Change::symlink(hidden, object.content), Change::rename(hidden, path)};
  if (object.kind == Object::Kind::kFifo) {
    return std::vector{Change::fifo(hidden, static_cast<mode_t>(object.mode.value_or(0644))), Change::rename(hidden, path)};
  }
  return std::vector{Change::write(hidden, std::move(*content), static_cast<mode_t>(object.mode.value_or(0644))),
                     Change::rename(hidden, path)};
}

std::map<std::string, std::string> environment(const Given& given, const std::map<std::string, std::optional<std::string>>& more) {
  std::map<std::string, std::string> made = {
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/root"},
      {"HOSTNAME", "node-1"},
      {"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
      {"KUBERNETES_SERVICE_PORT", "443"},
  };
  for (const auto* overlay : {&given.environment, &more}) {
    for (const auto& [name, value] : *overlay) {
      if (value) made[name] = *value;
      if (!value) made.erase(name);
    }
  }
  return made;
}

}  // namespace entryproof::runner
