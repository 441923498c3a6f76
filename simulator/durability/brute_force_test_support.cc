#include "simulator/durability/brute_force_test_support.h"

#include <algorithm>
#include <sstream>

namespace entryproof::durability {
namespace {

using node::FileType;
using node::InodeId;
using node::Verb;

constexpr std::uint64_t kPage = 4096;

}  // namespace

BruteForce::BruteForce(const Trace& trace, Rules rules) : trace_(trace), rules_(rules) {
  std::vector<InodeId> open{node::kRoot};
  while (!open.empty()) {
    const InodeId inode = open.back();
    open.pop_back();
    const auto is = trace.image.attributes(inode).value();
    File& file = image_.files[inode] = {is.type, is.mode, is.uid, is.gid, ""};
    if (is.type == FileType::kFile) file.bytes = trace.image.read_all(inode).value();
    if (is.type == FileType::kSymlink) file.bytes = trace.image.readlink(inode).value();
    if (is.type != FileType::kDirectory) continue;
    const auto entries = trace.image.list(inode).value();
    for (const node::Entry& entry : entries) {
      image_.names[{inode, entry.name}] = entry.inode;
      open.push_back(entry.inode);
    }
  }
  live_ = image_;
  for (std::size_t i = 0; i < trace.operations.size(); ++i) take_apart(i);
}

BruteForce::Micro& BruteForce::add(Kind kind, std::size_t operation) {
  Micro& micro = micros_.emplace_back();
  micro.kind = kind;
  micro.operation = operation;
  micro.at_once = trace_.operations[operation].actor != node::Actor::kBuild;
  micro.inode = trace_.operations[operation].inode;
  return micro;
}

void BruteForce::write(std::size_t operation) {
  const node::Operation& done = trace_.operations[operation];
  std::string& bytes = live_.files[done.inode].bytes;
  const std::uint64_t before = bytes.size();
  const std::uint64_t end = done.offset + done.data->size();
  bytes.resize(std::max(before, end));
  bytes.replace(done.offset, done.data->size(), *done.data);
  for (std::uint64_t page = done.offset / kPage; page * kPage < end; ++page) {
    Micro& micro = add(Kind::kPage, operation);
    micro.page = page;
    micro.bytes = bytes.substr(page * kPage, kPage);
  }
  if (end <= before) return;
  Micro& micro = add(Kind::kSize, operation);
  micro.size = end;
  micro.size_before = before;
  micro.offset = done.offset;
}

void BruteForce::take_apart(std::size_t operation) {
  const node::Operation& done = trace_.operations[operation];
  if (!done.succeeded()) {
    if (done.verb != Verb::kFsync || !done.injected) return;
    for (std::size_t m = 0; m < micros_.size(); ++m) {
      Micro& micro = micros_[m];
      if (micro.kind == Kind::kPage && micro.inode == done.inode && !synced_between(done.inode, micro.operation, operation)) {
        micro.lost_at = operation;
      }
    }
    return;
  }
  const auto lead = [&](Micro& micro, const Name& name, InodeId inode) {
    micro.names[name] = inode;
    if (inode == 0) {
      live_.names.erase(name);
    } else {
      live_.names[name] = inode;
    }
  };
  File& file = live_.files[done.inode];
  switch (done.verb) {
    case Verb::kCreate:
    case Verb::kMkdir:
    case Verb::kSymlink: {
      const FileType type = done.verb == Verb::kCreate  ? FileType::kFile
                            : done.verb == Verb::kMkdir ? FileType::kDirectory
                                                        : FileType::kSymlink;
      const mode_t mode = type == FileType::kSymlink ? 0777 : done.mode;
      file = {type, mode, done.credentials.uid, done.credentials.gid, done.verb == Verb::kSymlink ? done.name2 : ""};
      Micro& micro = add(Kind::kNames, operation);
      lead(micro, {done.parent, done.name}, done.inode);
      micro.named = {done.inode};
      micro.creates = true;
      image_.files[done.inode] = file;  // an inode as it is born; nobody sees it without a name
      break;
    }
    case Verb::kLink: {
      Micro& micro = add(Kind::kNames, operation);
      lead(micro, {done.parent2, done.name2}, done.inode);
      micro.named = {done.inode};
      break;
    }
    case Verb::kUnlink:
    case Verb::kRmdir: {
      Micro& micro = add(Kind::kNames, operation);
      lead(micro, {done.parent, done.name}, 0);
      micro.named = {done.inode};
      break;
    }
    case Verb::kRename: {
      const Name from{done.parent, done.name};
      const Name to{done.parent2, done.name2};
      const InodeId there = live_.names.contains(to) ? live_.names[to] : 0;
      if (there == done.inode) break;
      const bool exchange = done.flags == 2;
      Micro& micro = add(Kind::kNames, operation);
      micro.moves_directory = done.parent != done.parent2 &&
                              (file.type == FileType::kDirectory || (exchange && live_.files[there].type == FileType::kDirectory));
      micro.replaces_file = !exchange && there != 0 && live_.files[there].type == FileType::kFile;
      micro.named = {done.inode};
      if (exchange) micro.named.insert(there);
      lead(micro, from, exchange ? there : 0);
      lead(micro, to, done.inode);
      break;
    }
    case Verb::kWrite:
      if (done.data != nullptr && !done.data->empty()) write(operation);
      break;
    case Verb::kTruncate:
    case Verb::kAllocate: {
      std::uint64_t size = done.change != nullptr ? *done.change->size : 0;
      if (done.verb == Verb::kAllocate) size = std::max<std::uint64_t>(file.bytes.size(), done.offset + done.length);
      if (size == file.bytes.size()) break;
      Micro& micro = add(Kind::kTruncate, operation);
      micro.size = size;
      micro.size_before = file.bytes.size();
      file.bytes.resize(size);
      break;
    }
    case Verb::kSetAttributes:
      if (done.change->mode && *done.change->mode != file.mode) {
        file.mode = *done.change->mode;
        add(Kind::kMode, operation).mode = file.mode;
      }
      break;
    default:
      break;
  }
}

// --- the rules, each between two ---

// C1, C2.
bool BruteForce::common(std::size_t a, std::size_t b) const {
  if (a >= b) return false;
  const Micro& x = micros_[a];
  const Micro& y = micros_[b];
  if (x.kind == Kind::kNames && y.kind == Kind::kNames) {
    if (x.moves_directory && y.moves_directory) return true;
    return std::ranges::any_of(x.names, [&](const auto& name) { return y.names.contains(name.first); });
  }
  if (x.kind == Kind::kNames || y.kind == Kind::kNames || x.inode != y.inode) return false;
  if (x.kind == Kind::kMode || y.kind == Kind::kMode) return x.kind == y.kind;
  if (x.kind == Kind::kPage && y.kind == Kind::kPage) return x.page == y.page;
  if (y.kind == Kind::kPage) return x.kind == Kind::kTruncate && x.size < x.size_before;
  return x.kind != Kind::kPage;
}

// Whether an fsync of the inode was tried after the one operation and before the other.
bool BruteForce::synced_between(InodeId inode, std::size_t from, std::size_t to) const {
  for (std::size_t i = from + 1; i < to; ++i) {
    const node::Operation& operation = trace_.operations[i];
    if (operation.verb == Verb::kFsync && operation.actor == node::Actor::kBuild && operation.inode == inode &&
        (operation.succeeded() || operation.injected)) {
      return true;
    }
  }
  return false;
}

// A1, A2: `a` is data of a file, `b` a change of names.
bool BruteForce::flushed(std::size_t a, std::size_t b) const {
  const Micro& x = micros_[a];
  const Micro& y = micros_[b];
  if (a >= b || y.kind != Kind::kNames || x.kind == Kind::kNames || x.kind == Kind::kMode) return false;
  if (synced_between(x.inode, x.operation, y.operation)) return false;
  if (y.replaces_file && y.inode == x.inode) return true;
  // A2: the last emptying before `a`, by whoever changes names in `b`, with no other change of names of his between the first write after
  // it and `b`.
  const auto by_one = [&](std::size_t i, std::size_t j) {
    return trace_.operations[i].actor == trace_.operations[j].actor && trace_.operations[i].session == trace_.operations[j].session;
  };
  std::size_t emptied = micros_.size();
  for (std::size_t m = 0; m < b; ++m) {
    if (micros_[m].kind == Kind::kTruncate && micros_[m].size == 0 && micros_[m].inode == x.inode) emptied = m;
  }
  if (emptied >= a || !by_one(micros_[emptied].operation, y.operation)) return false;
  bool written = false;
  for (std::size_t m = emptied + 1; m < b; ++m) {
    const Micro& z = micros_[m];
    if (z.inode == x.inode && z.kind != Kind::kNames && z.kind != Kind::kMode) written = true;
    if (written && z.kind == Kind::kNames && by_one(z.operation, y.operation)) return false;
  }
  return true;
}

BruteForce::Mask BruteForce::closed(Mask forced, Mask durable, Model model, bool at_once) const {
  for (bool grown = true; grown;) {
    grown = false;
    for (std::size_t b = 0; b < micros_.size(); ++b) {
      if ((forced >> b & 1) == 0) continue;
      for (std::size_t a = 0; a < b; ++a) {
        bool needed = common(a, b);
        if (!at_once && model == Model::kExt4) needed |= flushed(a, b);
        if (!at_once && (model == Model::kExt4 || model == Model::kXfs)) needed |= metadata(a) && metadata(b);
        if (!needed || ((forced | durable) >> a & 1) != 0) continue;
        forced |= Mask{1} << a;
        grown = true;
      }
    }
  }
  return forced | durable;
}

bool BruteForce::touches(std::size_t m, InodeId inode) const {
  const Micro& micro = micros_[m];
  if (micro.kind != Kind::kNames) return micro.inode == inode;
  if (micro.named.contains(inode)) return true;
  return std::ranges::any_of(micro.names, [&](const auto& name) { return name.first.first == inode; });
}

// C4, C5.
BruteForce::Mask BruteForce::own(std::size_t operation, Mask durable) const {
  const node::Operation& sync = trace_.operations[operation];
  const bool data_only = sync.verb == Verb::kFsync && sync.flags != 0;
  Mask forced = 0;
  for (std::size_t m = 0; m < micros_.size() && micros_[m].operation < operation; ++m) {
    const Micro& micro = micros_[m];
    if ((durable >> m & 1) != 0 || micro.lost_at < operation) continue;
    const bool in_directory = std::ranges::any_of(micro.names, [&](const auto& name) { return name.first.first == sync.inode; });
    const bool inside = micro.kind != Kind::kNames && micro.inode == sync.inode && !(data_only && micro.kind == Kind::kMode);
    if (in_directory || inside) forced |= Mask{1} << m;
  }
  return forced;
}

// X2.
std::size_t BruteForce::log_end(std::size_t operation, Mask durable, Model model) const {
  const node::Operation& sync = trace_.operations[operation];
  const bool data_only = sync.verb == Verb::kFsync && sync.flags != 0;
  std::size_t end = 0;
  for (std::size_t m = 0; m < micros_.size() && micros_[m].operation < operation; ++m) {
    const Micro& micro = micros_[m];
    if ((durable >> m & 1) != 0 || !touches(m, sync.inode) || micro.lost_at < operation) continue;
    const bool needed_to_read = micro.kind == Kind::kSize || micro.kind == Kind::kTruncate || micro.creates;
    if (!data_only || needed_to_read) end = m + 1;
  }
  if (end == 0 || model != Model::kExt4 || !rules_.compound) return end;
  while (end < micros_.size() && micros_[end].operation < operation) ++end;
  return end;
}

void BruteForce::add_parents(InodeId inode, std::size_t end, Mask& forced) const {
  for (std::size_t m = 0; m < end; ++m) {
    if (!micros_[m].named.contains(inode)) continue;
    for (const auto& [name, to] : micros_[m].names) {
      for (std::size_t birth = 0; birth < m; ++birth) {
        if (micros_[birth].creates && micros_[birth].inode == name.first && (forced >> birth & 1) == 0) {
          forced |= Mask{1} << birth;
          // Only where the new parent was made, not where it was moved to.
          for (std::size_t upper = 0; upper < birth; ++upper) {
            if (micros_[upper].creates && micros_[upper].inode == micros_[birth].names.begin()->first.first) forced |= Mask{1} << upper;
          }
        }
      }
    }
  }
}

BruteForce::Mask BruteForce::barrier(std::size_t operation, Mask durable, Model model) const {
  const node::Operation& sync = trace_.operations[operation];
  bool touched = false;
  for (std::size_t m = 0; m < micros_.size() && micros_[m].operation < operation; ++m) {
    touched |= (durable >> m & 1) == 0 && touches(m, sync.inode) && micros_[m].lost_at > operation;
  }
  if (!touched) return durable;
  Mask forced = own(operation, durable);
  if (model == Model::kExt4 || model == Model::kXfs) {
    const std::size_t end = log_end(operation, durable, model);
    for (std::size_t m = 0; m < end; ++m) {
      if (metadata(m)) forced |= Mask{1} << m;
    }
  }
  if (model == Model::kBtrfs) {
    const std::size_t end = log_end(operation, durable, model);
    for (std::size_t m = 0; m < end; ++m) {
      if (micros_[m].named.contains(sync.inode)) forced |= Mask{1} << m;
    }
    add_parents(sync.inode, end, forced);
  }
  return closed(forced & ~durable, durable, model, false);
}

// --- the states ---

std::uint64_t BruteForce::visible_size(InodeId inode, Mask mask, std::uint64_t size) const {
  if (rules_.holes == Holes::kZero) return size;
  const auto in = [&](std::size_t m) { return (mask >> m & 1) != 0 && micros_[m].inode == inode; };
  for (std::size_t e = 0; e < micros_.size(); ++e) {
    const Micro& extends = micros_[e];
    if (extends.kind != Kind::kSize || !in(e)) continue;
    for (std::size_t p = 0; p < e; ++p) {
      const Micro& page = micros_[p];
      if (page.kind != Kind::kPage || page.operation != extends.operation || (page.page + 1) * kPage <= extends.size_before || in(p))
        continue;
      const std::uint64_t cut = std::max(page.page * kPage, extends.size_before);
      bool mended = false;
      for (std::size_t m = p + 1; m < micros_.size(); ++m) {
        mended |= in(m) && micros_[m].kind == Kind::kPage && micros_[m].page == page.page;
        mended |= m > e && in(m) && micros_[m].kind == Kind::kTruncate && micros_[m].size <= cut;
      }
      if (!mended) size = std::min(size, cut);
    }
  }
  return size;
}

const std::vector<std::string>& BruteForce::inventory_of(Mask mask, const std::string& under) {
  const auto [found, fresh] = known_.try_emplace({mask, under});
  if (!fresh) return found->second;
  Disk disk = image_;
  for (std::size_t m = 0; m < micros_.size(); ++m) {
    if ((mask >> m & 1) == 0) continue;
    const Micro& micro = micros_[m];
    File& file = disk.files[micro.inode];
    if (micro.kind == Kind::kMode) file.mode = micro.mode;
    if (micro.kind == Kind::kTruncate || micro.kind == Kind::kSize) file.bytes.resize(micro.size);
    if (micro.kind == Kind::kPage) {
      // The page may be there before the size that shows it: kept behind the end, as on a disk.
      file.bytes.resize(std::max<std::uint64_t>(file.bytes.size(), micro.page * kPage + micro.bytes.size()));
      file.bytes.replace(micro.page * kPage, micro.bytes.size(), micro.bytes);
    }
    for (const auto& [name, inode] : micro.names) {
      if (inode == 0) {
        disk.names.erase(name);
      } else {
        disk.names[name] = inode;
      }
    }
  }
  for (auto& [inode, file] : disk.files) {
    if (file.type != FileType::kFile) continue;
    std::uint64_t size = image_.files.at(inode).bytes.size();
    for (std::size_t m = 0; m < micros_.size(); ++m) {
      const bool sized = micros_[m].kind == Kind::kTruncate || micros_[m].kind == Kind::kSize;
      if ((mask >> m & 1) != 0 && micros_[m].inode == inode && sized) size = micros_[m].size;
    }
    file.bytes.resize(visible_size(inode, mask, size));
  }
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, InodeId>> open{{"", node::kRoot}};
  while (!open.empty()) {
    const auto [path, inode] = open.back();
    open.pop_back();
    const File& file = disk.files.at(inode);
    std::ostringstream line;
    line << (path.empty() ? "/" : path) << ' ' << static_cast<int>(file.type) << ' ' << std::oct << file.mode << std::dec << ' ' << file.uid
         << ' ' << file.gid << ' ' << file.bytes;
    if (path.starts_with(under)) lines.push_back(line.str());
    for (const auto& [name, to] : disk.names) {
      if (name.first == inode) open.emplace_back(path + "/" + name.second, to);
    }
  }
  std::ranges::sort(lines);
  return found->second = lines;
}

std::set<BruteForce::Outcome> BruteForce::outcomes(Model model, const std::string& under) {
  std::set<Outcome> all;
  Mask durable = 0;
  std::size_t told = 0;
  for (std::size_t cut = 0; cut <= trace_.operations.size(); ++cut) {
    std::size_t done = 0;
    while (done < micros_.size() && micros_[done].operation < cut) ++done;
    const Mask happened = (Mask{1} << done) - 1;
    if (model == Model::kKill) durable = happened;
    const Mask pending = happened & ~durable;
    for (Mask kept = pending;; kept = (kept - 1) & pending) {
      bool allowed = true;
      for (std::size_t b = 0; b < done && allowed; ++b) {
        if ((kept >> b & 1) == 0) continue;
        for (std::size_t a = 0; a < b && allowed; ++a) {
          if ((pending >> a & 1) == 0 || (kept >> a & 1) != 0) continue;
          const bool logged = model != Model::kPosix && metadata(a) && metadata(b);
          allowed = !common(a, b) && !logged && !(model == Model::kExt4 && flushed(a, b));
        }
      }
      if (allowed) all.insert({told, inventory_of(durable | kept, under)});
      if (kept == 0) break;
    }
    if (cut == trace_.operations.size()) break;
    const node::Operation& next = trace_.operations[cut];
    if (next.verb == Verb::kMark && next.actor == node::Actor::kBuild) ++told;
    if (model == Model::kKill) continue;
    const bool sync = next.verb == Verb::kFsync || next.verb == Verb::kFsyncDirectory;
    if (sync && next.succeeded() && next.actor == node::Actor::kBuild) durable = barrier(cut, durable, model);
    Mask at_once = 0;
    for (std::size_t m = 0; m < micros_.size(); ++m) {
      if (micros_[m].operation == cut && micros_[m].at_once) at_once |= Mask{1} << m;
    }
    if (at_once != 0) durable = closed(at_once, durable, model, true);
  }
  return all;
}

}  // namespace entryproof::durability
