#include "simulator/node/tree.h"

#include <cerrno>

#include <algorithm>

#include "simulator/node/tree_state.h"

namespace entryproof::node {

// --- the table ---

const Inode* Tree::State::find(InodeId inode) const {
  const std::uint64_t chunk = inode / kChunkSize;
  return chunk < chunks.size() && chunks[chunk] != nullptr ? chunks[chunk]->inodes[inode % kChunkSize].get() : nullptr;
}

Outcome<const Inode*> Tree::State::directory(InodeId inode) const {
  const Inode* found = find(inode);
  if (found == nullptr) return refuse(ESTALE);
  if (!found->is(FileType::kDirectory)) return refuse(ENOTDIR);
  return found;
}

std::int64_t Tree::State::tick(std::int64_t now) {
  ++generation;
  last_tick = std::max(now, last_tick + 1);
  return last_tick;
}

Inode& Tree::State::change(InodeId inode, std::int64_t tick) {
  Inode& changed = own(own(chunks[inode / kChunkSize], edit).inodes[inode % kChunkSize], edit);
  changed.version = next_stamp();
  changed.attributes.ctime_ns = tick;
  return changed;
}

Inode& Tree::State::add(FileType type, std::int64_t tick) {
  const InodeId id = next++;
  chunks.resize(std::max<std::size_t>(chunks.size(), id / kChunkSize + 1));
  auto& shared = chunks[id / kChunkSize];
  if (shared == nullptr) {
    shared = std::make_shared<Chunk>();
    shared->edit = edit;
  }
  Chunk& chunk = own(shared, edit);
  ++chunk.live;
  ++inodes;
  auto& inode = chunk.inodes[id % kChunkSize] = std::make_shared<Inode>();
  inode->edit = edit;
  inode->version = next_stamp();
  inode->attributes.inode = id;
  inode->attributes.type = type;
  inode->attributes.atime_ns = inode->attributes.mtime_ns = inode->attributes.ctime_ns = tick;
  return *inode;
}

void Tree::State::remove(InodeId inode) {
  auto& shared = chunks[inode / kChunkSize];
  Chunk& chunk = own(shared, edit);
  chunk.inodes[inode % kChunkSize].reset();
  --inodes;
  if (--chunk.live == 0) shared.reset();
}

std::uint64_t Tree::State::free_pages() const {
  const std::uint64_t all = limits.bytes / Pages::kPageSize;
  return all > pages ? all - pages : 0;
}

// --- the value ---

Tree::Tree() : Tree(Limits{}) {}

Tree::Tree(Limits limits) : state_(std::make_shared<State>()) {
  state_->limits = limits;
  State& state = editable();
  state.next = kRoot;
  Inode& root = state.add(FileType::kDirectory, 0);
  root.attributes.mode = 0755;
  root.attributes.links = 2;
  root.attributes.size = Pages::kPageSize;
  root.parent = kRoot;
}

Tree::~Tree() = default;

Tree::Tree(const Tree& other) : state_(other.state_) { other.edit_.store(0, std::memory_order_relaxed); }

Tree::Tree(Tree&& other) noexcept : state_(std::move(other.state_)), edit_(other.edit_.exchange(0, std::memory_order_relaxed)) {}

Tree& Tree::operator=(const Tree& other) { return *this = Tree(other); }

Tree& Tree::operator=(Tree&& other) noexcept {
  if (this == &other) return *this;
  state_ = std::move(other.state_);
  edit_.store(other.edit_.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
  return *this;
}

Tree::State& Tree::editable() {
  Stamp edit = edit_.load(std::memory_order_relaxed);
  if (edit == 0) edit_.store(edit = next_stamp(), std::memory_order_relaxed);
  return own(state_, edit);
}

// --- looking ---

bool owns(const Credentials& who, const Attributes& attributes) { return who.privileged || who.uid == attributes.uid; }

Outcome<> permit(const Credentials& who, const Attributes& attributes, int mask) {
  if (who.privileged) {
    const bool runnable = attributes.type == FileType::kDirectory || (attributes.mode & 0111) != 0;
    if ((mask & 1) == 0 || runnable) return {};
    return refuse(EACCES);
  }
  const unsigned shift = who.uid == attributes.uid ? 6 : who.gid == attributes.gid ? 3 : 0;
  const auto granted = static_cast<int>((attributes.mode >> shift) & 7);
  if ((mask & ~granted & 7) != 0) return refuse(EACCES);
  return {};
}

Outcome<InodeId> Tree::lookup(const Credentials& who, InodeId directory, std::string_view name) const {
  const Outcome<const Inode*> found = state_->directory(directory);
  if (!found) return std::unexpected(found.error());
  if (const auto may = permit(who, (*found)->attributes, 1); !may) return std::unexpected(may.error());
  if (name == ".") return directory;
  if (name == "..") return (*found)->parent;
  if (name.size() > kNameCap) return refuse(ENAMETOOLONG);
  const Entry* entry = (*found)->entries.find(name);
  if (entry == nullptr) return refuse(ENOENT);
  return entry->inode;
}

InodeId Tree::child(InodeId directory, std::string_view name) const {
  const Inode* found = state_->find(directory);
  const Entry* entry = found != nullptr ? found->entries.find(name) : nullptr;
  return entry != nullptr ? entry->inode : 0;
}

Outcome<Attributes> Tree::attributes(InodeId inode) const {
  const Inode* found = state_->find(inode);
  if (found == nullptr) return refuse(ESTALE);
  return found->attributes;
}

Outcome<std::string> Tree::readlink(InodeId inode) const {
  const Inode* found = state_->find(inode);
  if (found == nullptr) return refuse(ESTALE);
  if (!found->is(FileType::kSymlink)) return refuse(EINVAL);
  return found->target;
}

Outcome<std::size_t> Tree::readable(InodeId inode, std::uint64_t offset, std::size_t size) const {
  const Inode* found = state_->find(inode);
  if (found == nullptr) return refuse(ESTALE);
  if (found->is(FileType::kDirectory)) return refuse(EISDIR);
  if (!found->is(FileType::kFile)) return refuse(EINVAL);
  const std::uint64_t end = found->attributes.size;
  return offset >= end ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>({size, end - offset, kReadCap}));
}

Outcome<std::string> Tree::read(InodeId inode, std::uint64_t offset, std::size_t size) const {
  const Outcome<std::size_t> length = readable(inode, offset, size);
  if (!length) return std::unexpected(length.error());
  std::string bytes;
  // Not by the count that it passes on: libstdc++ 12 says how much room it made there.
  bytes.resize_and_overwrite(*length, [&](char* data, std::size_t) {
    state_->find(inode)->pages.read(offset, {data, *length});
    return *length;
  });
  return bytes;
}

Outcome<std::size_t> Tree::read(InodeId inode, std::uint64_t offset, std::span<char> into) const {
  const Outcome<std::size_t> length = readable(inode, offset, into.size());
  if (length) state_->find(inode)->pages.read(offset, into.first(*length));
  return length;
}

bool Tree::holds(InodeId inode, std::string_view bytes) const {
  const Inode* found = state_->find(inode);
  return found != nullptr && found->is(FileType::kFile) && found->attributes.size == bytes.size() && found->pages.equal(0, bytes);
}

Outcome<std::string> Tree::read_all(InodeId inode, std::size_t cap) const {
  const Inode* found = state_->find(inode);
  if (found != nullptr && found->is(FileType::kFile) && found->attributes.size > std::min(cap, kReadCap)) return refuse(EFBIG);
  return read(inode, 0, kReadCap);
}

Outcome<std::vector<Entry>> Tree::list(InodeId directory) const {
  const Outcome<const Inode*> found = state_->directory(directory);
  if (!found) return std::unexpected(found.error());
  return (*found)->entries.list();
}

Outcome<> Tree::access(const Credentials& who, InodeId inode, int mask) const {
  const Inode* found = state_->find(inode);
  if (found == nullptr) return refuse(ESTALE);
  return permit(who, found->attributes, mask);
}

// Every journal entry holds one, so it is made in one piece: measured first, then filled from the leaf upwards.
std::string Tree::path_of(InodeId inode, std::string_view below) const {
  constexpr std::size_t kPathCap = 1024;  // a hostile tree may be 65536 directories deep
  constexpr std::string_view kCut = "…";
  std::size_t length = 0;
  bool cut = false;
  for (InodeId at = inode; at != kRoot && !cut;) {
    const Inode* found = state_->find(at);
    if (found == nullptr || found->names.empty()) return below.empty() ? "?" : "?/" + std::string(below);
    const Inode::Name& name = found->names.back();
    cut = length + name.name.size() + 1 > kPathCap;
    if (!cut) length += name.name.size() + 1;
    at = name.directory;
  }
  if (!below.empty()) length += below.size() + 1;
  if (length == 0) return "/";

  std::string path(length + (cut ? kCut.size() : 0), '\0');
  std::size_t end = path.size();
  const auto prepend = [&](std::string_view name) {
    end -= name.size();
    name.copy(path.data() + end, name.size());
    path[--end] = '/';
  };
  if (!below.empty()) prepend(below);
  for (InodeId at = inode; end > (cut ? kCut.size() : 0);) {
    const Inode::Name& name = state_->find(at)->names.back();
    prepend(name.name);
    at = name.directory;
  }
  if (cut) kCut.copy(path.data(), kCut.size());
  return path;
}

std::vector<std::pair<InodeId, std::string>> Tree::names_of(InodeId inode) const {
  std::vector<std::pair<InodeId, std::string>> names;
  const Inode* found = state_->find(inode);
  if (found == nullptr) return names;
  for (const Inode::Name& name : found->names) names.emplace_back(name.directory, name.name);
  return names;
}

std::uint64_t Tree::version(InodeId inode) const {
  const Inode* found = state_->find(inode);
  return found != nullptr ? found->version : 0;
}

std::uint64_t Tree::generation() const { return state_->generation; }
std::uint64_t Tree::bytes_used() const { return state_->pages * Pages::kPageSize; }
std::uint64_t Tree::inodes_used() const { return state_->inodes; }
const Tree::Limits& Tree::limits() const { return state_->limits; }

void Tree::limit_bytes(std::uint64_t bytes) { editable().limits.bytes = bytes; }

std::vector<InodeId> Tree::orphans() const {
  std::vector<InodeId> found;
  if (state_->orphans == 0) return found;
  for (const auto& chunk : state_->chunks) {
    if (chunk == nullptr) continue;
    for (const auto& inode : chunk->inodes) {
      if (inode != nullptr && inode->attributes.links == 0) found.push_back(inode->attributes.inode);
    }
  }
  return found;
}

void Tree::reap(InodeId inode) {
  const Inode* found = state_->find(inode);
  if (found == nullptr || found->attributes.links != 0) return;
  State& state = editable();
  state.pages -= found->pages.count();
  --state.orphans;
  state.remove(inode);
}

void Tree::follow(const Tree& before) {
  State& state = editable();
  state.next = std::max(state.next, before.state_->next);
  state.last_tick = std::max(state.last_tick, before.state_->last_tick);
  state.generation = std::max(state.generation, before.state_->generation) + 1;
}

void Tree::number_next(InodeId inode) { editable().next = inode; }

}  // namespace entryproof::node
