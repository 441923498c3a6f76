#include "fuzz/naive_node.h"

#include <algorithm>
#include <cerrno>

namespace entryproof::fuzz {

using node::FileType;
using node::Outcome;
using node::refuse;

std::size_t NaiveNode::alive() const {
  std::size_t found = 0;
  for (Id id = 0; id < things_.size(); ++id) found += gone(id) ? 0 : 1;
  return found;
}

unsigned NaiveNode::link_count(Id id) const {
  const Thing& thing = things_[id];
  if (thing.type != FileType::kDirectory) return thing.links;
  if (thing.links == 0) return 0;
  unsigned below = 2;
  for (const auto& [name, child] : thing.names) below += is_directory(child) ? 1 : 0;
  return below;
}

bool NaiveNode::within(Id id, Id directory) const {
  for (; id != directory; id = things_[id].parent) {
    if (id == 0) return false;
  }
  return true;
}

Outcome<> NaiveNode::usable(Id directory) const {
  if (gone(directory)) return refuse(ESTALE);
  if (!is_directory(directory)) return refuse(ENOTDIR);
  return {};
}

Outcome<> NaiveNode::room(Id directory, const std::string& name) const {
  if (auto may = usable(directory); !may) return may;
  if (name.size() > 255) return refuse(ENAMETOOLONG);
  if (things_[directory].names.contains(name)) return refuse(EEXIST);
  if (things_[directory].links == 0) return refuse(ENOENT);
  return {};
}

Outcome<NaiveNode::Id> NaiveNode::lookup(Id directory, const std::string& name) const {
  if (auto may = usable(directory); !may) return std::unexpected(may.error());
  if (name.size() > 255) return refuse(ENAMETOOLONG);
  const auto found = things_[directory].names.find(name);
  if (found == things_[directory].names.end()) return refuse(ENOENT);
  return found->second;
}

Outcome<NaiveNode::Id> NaiveNode::make(Id directory, const std::string& name, FileType type, mode_t mode, const std::string& bytes) {
  if (auto may = room(directory, name); !may) return std::unexpected(may.error());
  const Id id = things_.size();
  things_.push_back({.type = type, .mode = mode, .bytes = bytes, .links = 1, .parent = directory});
  things_[directory].names[name] = id;
  return id;
}

Outcome<> NaiveNode::link(Id id, Id directory, const std::string& name) {
  if (auto may = room(directory, name); !may) return may;
  if (gone(id)) return refuse(ESTALE);
  if (is_directory(id)) return refuse(EPERM);
  if (things_[id].links == 0) return refuse(ENOENT);
  things_[directory].names[name] = id;
  ++things_[id].links;
  return {};
}

void NaiveNode::forget(Id directory, const std::string& name) {
  const auto found = things_[directory].names.find(name);
  --things_[found->second].links;
  things_[directory].names.erase(found);
}

Outcome<> NaiveNode::unlink(Id directory, const std::string& name) {
  const auto found = lookup(directory, name);
  if (!found) return std::unexpected(found.error());
  if (is_directory(*found)) return refuse(EISDIR);
  forget(directory, name);
  return {};
}

Outcome<> NaiveNode::rmdir(Id directory, const std::string& name) {
  const auto found = lookup(directory, name);
  if (!found) return std::unexpected(found.error());
  if (!is_directory(*found)) return refuse(ENOTDIR);
  if (!things_[*found].names.empty()) return refuse(ENOTEMPTY);
  forget(directory, name);
  return {};
}

Outcome<> NaiveNode::rename(Id from, const std::string& name, Id to, const std::string& new_name, Rename how) {
  const auto moved = lookup(from, name);
  if (!moved) return std::unexpected(moved.error());
  const auto target = lookup(to, new_name);
  if (!target && target.error() != node::Errno{ENOENT}) return std::unexpected(target.error());
  if (how == Rename::kNoReplace && target) return refuse(EEXIST);
  if (how == Rename::kExchange && !target) return refuse(ENOENT);
  if (is_directory(*moved) && within(to, *moved)) return refuse(EINVAL);
  if (target && is_directory(*target) && within(from, *target)) return refuse(how == Rename::kExchange ? EINVAL : ENOTEMPTY);
  if (target == moved) return {};
  if (how == Rename::kExchange) {
    things_[from].names[name] = *target;
    things_[to].names[new_name] = *moved;
    things_[*target].parent = from;
    things_[*moved].parent = to;
    return {};
  }
  if (target && is_directory(*moved) && !is_directory(*target)) return refuse(ENOTDIR);
  if (target && !is_directory(*moved) && is_directory(*target)) return refuse(EISDIR);
  if (target && !things_[*target].names.empty()) return refuse(ENOTEMPTY);
  if (things_[to].links == 0) return refuse(ENOENT);
  if (target) forget(to, new_name);
  things_[from].names.erase(name);
  things_[to].names[new_name] = *moved;
  things_[*moved].parent = to;
  return {};
}

Outcome<> NaiveNode::write(Id id, std::size_t offset, const std::string& bytes) {
  if (gone(id)) return refuse(ESTALE);
  if (is_directory(id)) return refuse(EISDIR);
  if (things_[id].type != FileType::kFile) return refuse(EINVAL);
  auto& content = things_[id].bytes;
  if (bytes.empty()) return {};
  content.resize(std::max(content.size(), offset + bytes.size()));
  content.replace(offset, bytes.size(), bytes);
  return {};
}

Outcome<> NaiveNode::truncate(Id id, std::size_t size) {
  if (gone(id)) return refuse(ESTALE);
  if (is_directory(id)) return refuse(EISDIR);
  if (things_[id].type != FileType::kFile) return refuse(EINVAL);
  things_[id].bytes.resize(size);
  return {};
}

Outcome<> NaiveNode::chmod(Id id, mode_t mode) {
  if (gone(id)) return refuse(ESTALE);
  if (things_[id].type == FileType::kSymlink) return refuse(EOPNOTSUPP);
  things_[id].mode = mode;
  return {};
}

Outcome<> NaiveNode::open(Id id, bool for_writing, bool truncates) const {
  if (gone(id)) return refuse(ESTALE);
  if (things_[id].type == FileType::kSymlink) return refuse(ELOOP);
  if (is_directory(id) && (for_writing || truncates)) return refuse(EISDIR);
  return {};
}

}  // namespace entryproof::fuzz
