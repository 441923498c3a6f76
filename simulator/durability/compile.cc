// Compiling: a second pass over the journal, beside a tree on which it is replayed.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "simulator/durability/names.h"
#include "simulator/durability/program.h"

namespace entryproof::durability {

using node::Operation;
using node::Verb;

bool replay(node::Tree& tree, const Operation& operation, std::int64_t wall_start_ns) {
  if (!operation.succeeded() || !node::counts(operation.verb)) return true;
  const node::Credentials& who = operation.credentials;
  const std::int64_t now = wall_start_ns + operation.at.since_start.count();
  const auto made = [&](const node::Outcome<node::InodeId>& inode) { return inode && *inode == operation.inode; };
  switch (operation.verb) {
    case Verb::kCreate:
      return made(tree.create(who, operation.parent, operation.name, operation.mode, now));
    case Verb::kMkdir:
      return made(tree.mkdir(who, operation.parent, operation.name, operation.mode, now));
    case Verb::kSymlink:
      return made(tree.symlink(who, operation.parent, operation.name, operation.name2, now));
    case Verb::kMknod:
      return made(tree.mknod(who, operation.parent, operation.name, static_cast<node::FileType>(operation.flags), operation.mode, now));
    case Verb::kLink:
      return tree.link(who, operation.inode, operation.parent2, operation.name2, now).has_value();
    case Verb::kUnlink:
      return made(tree.unlink(who, operation.parent, operation.name, now));
    case Verb::kRmdir:
      return made(tree.rmdir(who, operation.parent, operation.name, now));
    case Verb::kRename:
      return tree.child(operation.parent, operation.name) == operation.inode &&
             tree.rename(who, operation.parent, operation.name, operation.parent2, operation.name2,
                         static_cast<node::RenameFlag>(operation.flags), now)
                 .has_value();
    case Verb::kWrite: {
      if (operation.data == nullptr) return true;
      const auto written = tree.write(who, operation.inode, operation.offset, *operation.data, now);
      return written && *written == operation.data->size();
    }
    case Verb::kTruncate:
    case Verb::kSetAttributes: {
      node::AttributeChange change;
      change.size = 0;  // open(2) with O_TRUNC
      return tree.set_attributes(who, operation.inode, operation.change != nullptr ? *operation.change : change, now).has_value();
    }
    case Verb::kAllocate:
      return tree.allocate(operation.inode, operation.offset, operation.length, operation.flags != 0, now).has_value();
    default:
      return true;  // barriers change nothing
  }
}

node::Tree Compiled::tree_before(Index cut) const {
  node::Tree tree = kept[cut / kStride];
  for (Index i = cut / kStride * kStride; i < cut; ++i) (void)replay(tree, operations[i], wall_start_ns);
  return tree;
}

namespace {

constexpr std::size_t kRequest = 1 << 20;  // the kernel cuts longer writes into requests of this size
constexpr std::size_t kMovableDirectories = 16384;

class Compiler {
 public:
  Compiler(const Trace& trace, Rules rules) : compiled_(std::make_shared<Compiled>()), names_(*compiled_), trace_(trace) {
    compiled_->rules = rules;
    compiled_->operations = trace.operations;
    compiled_->image = trace.image;
    compiled_->wall_start_ns = trace.wall_start_ns;
  }

  Result<std::shared_ptr<const Compiled>> compile(const std::vector<std::string>& watched);

 private:
  using Before = node::Outcome<node::Attributes>;  // of the operation's inode

  // What is known of an object while its operations are taken apart.
  struct Progress {
    std::unordered_map<std::uint64_t, Index> pages;  // the last micro-operation of each page
    Index size = kNone;                              // the last kSize or kTruncate
    Index truncated = kNone;                         // the last kTruncate
    std::size_t clean = 0;                           // in Object::data: before that, the last fsync that succeeded left nothing
    std::size_t emptied = ~std::size_t{0};           // in Object::data: since it was truncated to nothing and not closed since (A2)
    node::Actor actor = node::Actor::kBuild;         // of that
    std::uint32_t session = 0;
  };

  Result<> take_apart(Index operation);
  void take_effect(Index operation, const Before& was);
  void acknowledge(std::uint64_t seq);
  void barrier(Index operation);
  void lose_pages(Index operation);
  MicroOp& add(Kind kind, Index operation, Index object);
  void need(MicroOp& micro, Index other);
  void entry(Index operation);
  void set_name(MicroOp& micro, std::size_t side, Index slot, Index occupant);
  void attributes(Index operation, Index object, const Before& was);
  void sizes(Index operation, Index object, const Before& was);
  void write(Index operation, Index object, std::uint64_t size_before);
  Index page(Index operation, Index object, std::uint64_t number);
  void close_emptied(Index operation, Index micro);
  void finish();

  std::shared_ptr<Compiled> compiled_;
  Names names_;
  const Trace& trace_;
  node::Tree tree_;
  std::vector<Progress> progress_;  // by object
  std::vector<Index> emptied_;      // objects with Progress::emptied
  Index directory_move_ = kNone;    // the last
  std::size_t movable_ = 0;         // directories made or moved: how deep a state can nest
  std::size_t told_ = 0;            // of trace_.acknowledgements
};

MicroOp& Compiler::add(Kind kind, Index operation, Index object) {
  const Operation& done = compiled_->operations[operation];
  MicroOp& made = compiled_->micros.emplace_back();
  made.kind = kind;
  made.at_once = done.actor != node::Actor::kBuild;
  made.operation = operation;
  made.object = object;
  made.visible = kind != Kind::kEntry && kind != Kind::kUnseen && compiled_->objects[object].visible;
  return made;
}

void Compiler::need(MicroOp& micro, Index other) {
  if (other != kNone && std::ranges::find(micro.needs, other) == micro.needs.end()) micro.needs.push_back(other);
}

void Compiler::set_name(MicroOp& micro, std::size_t side, Index slot, Index occupant) {
  const auto self = static_cast<Index>(compiled_->micros.size() - 1);
  Slot& changed = compiled_->slots[slot];
  micro.slots[side] = slot;
  micro.occupants[side] = occupant;
  micro.visible |= changed.visible;
  if (!changed.changes.empty()) need(micro, changed.changes.back());
  changed.changes.push_back(self);
  std::vector<Index>& entries = compiled_->objects[changed.directory].entries;
  if (entries.empty() || entries.back() != self) entries.push_back(self);
}

void Compiler::entry(Index operation) {
  const Operation& done = compiled_->operations[operation];
  if (done.verb == Verb::kRename && done.inode2 == done.inode) return;  // two names of one file: nothing happens
  const Index object = names_.object(done.inode);
  const auto self = static_cast<Index>(compiled_->micros.size());
  MicroOp& micro = add(Kind::kEntry, operation, object);
  const auto slot = [&](node::InodeId directory, const std::string& name) { return names_.slot(names_.object(directory), name); };
  compiled_->objects[object].names.push_back(self);
  switch (done.verb) {
    case Verb::kLink:
      set_name(micro, 0, slot(done.parent2, done.name2), object);
      break;
    case Verb::kUnlink:
    case Verb::kRmdir:
      set_name(micro, 0, slot(done.parent, done.name), kNone);
      break;
    case Verb::kRename: {
      const bool exchange = done.flags == static_cast<std::uint32_t>(node::RenameFlag::kExchange);
      const Index other = done.inode2 != 0 ? names_.object(done.inode2) : kNone;
      set_name(micro, 0, slot(done.parent, done.name), exchange ? other : kNone);
      set_name(micro, 1, slot(done.parent2, done.name2), object);
      if (exchange) compiled_->objects[other].names.push_back(self);
      const auto is_directory = [&](Index which) { return which != kNone && compiled_->objects[which].type == node::FileType::kDirectory; };
      if (done.parent != done.parent2 && (is_directory(object) || (exchange && is_directory(other)))) {
        need(micro, std::exchange(directory_move_, self));
      }
      // A1. Clean pages hold nothing back, even if an error made them so.
      if (!exchange && other != kNone && compiled_->objects[other].type == node::FileType::kFile) {
        const std::vector<Index>& data = compiled_->objects[object].data;
        micro.flushes.assign(data.begin() + static_cast<std::ptrdiff_t>(progress_[object].clean), data.end());
      }
      break;
    }
    default: {
      Object& made = compiled_->objects[object];
      const auto is = tree_.attributes(done.inode);
      made.type = is->type;
      made.owned = {is->mode, is->uid, is->gid};
      made.birth = self;
      micro.creates = true;
      set_name(micro, 0, slot(done.parent, done.name), object);
    }
  }
  close_emptied(operation, self);
}

// A2. The journal shows no close(2): a program is taken to have closed the file that it emptied and wrote once it changes a name.
void Compiler::close_emptied(Index operation, Index micro) {
  const Operation& done = compiled_->operations[operation];
  std::erase_if(emptied_, [&](Index object) {
    Progress& file = progress_[object];
    const std::vector<Index>& data = compiled_->objects[object].data;
    if (file.actor != done.actor || file.session != done.session || file.emptied + 1 >= data.size())
      return false;  // nothing was written since
    std::vector<Index>& flushes = compiled_->micros[micro].flushes;
    for (std::size_t i = std::max(file.emptied + 1, file.clean); i < data.size(); ++i) flushes.push_back(data[i]);
    file.emptied = ~std::size_t{0};
    return true;
  });
}

void Compiler::attributes(Index operation, Index object, const Before& was) {
  const node::InodeId inode = compiled_->objects[object].id;
  const auto is = tree_.attributes(inode);
  if (!was || !is) return;
  const Owned owned{is->mode, is->uid, is->gid};
  if (owned == Owned{was->mode, was->uid, was->gid}) return;
  std::vector<Index>& list = compiled_->objects[object].attributes;
  MicroOp& micro = add(Kind::kAttributes, operation, object);
  micro.owned = owned;
  if (!list.empty()) need(micro, list.back());
  list.push_back(static_cast<Index>(compiled_->micros.size() - 1));
}

Index Compiler::page(Index operation, Index object, std::uint64_t number) {
  const auto self = static_cast<Index>(compiled_->micros.size());
  MicroOp& micro = add(Kind::kPage, operation, object);
  Progress& file = progress_[object];
  micro.number = number;
  micro.page =
      Page::of(tree_.read(compiled_->objects[object].id, number * kPageSize, static_cast<std::size_t>(kPageSize)).value_or(std::string()));
  const auto [last, fresh] = file.pages.try_emplace(number, self);
  if (!fresh) need(micro, std::exchange(last->second, self));
  need(micro, file.truncated);
  compiled_->objects[object].data.push_back(self);
  return self;
}

void Compiler::write(Index operation, Index object, std::uint64_t size_before) {
  const Operation& done = compiled_->operations[operation];
  Progress& file = progress_[object];
  std::vector<Index>& data = compiled_->objects[object].data;
  const std::uint64_t end = done.offset + done.data->size();
  std::uint64_t size = size_before;
  for (std::uint64_t at = done.offset; at < end;) {
    const std::uint64_t stop = std::min<std::uint64_t>(end, at + kRequest);
    Index exposes = kNone;
    if (compiled_->objects[object].visible) {
      for (std::uint64_t number = at / kPageSize; number * kPageSize < stop; ++number) {
        const Index made = page(operation, object, number);
        if (exposes == kNone && (number + 1) * kPageSize > size) exposes = made;
      }
    } else {
      data.push_back(static_cast<Index>(compiled_->micros.size()));
      add(Kind::kUnseen, operation, object);
    }
    if (stop > size) {
      const auto self = static_cast<Index>(compiled_->micros.size());
      MicroOp& micro = add(Kind::kSize, operation, object);
      micro.size = stop;
      micro.size_before = size;
      micro.exposes = exposes;
      need(micro, std::exchange(file.size, self));
      data.push_back(self);
      size = stop;
    }
    compiled_->micros.back().ends_request = true;
    at = stop;
  }
}

// A size that was asked for: truncate(2), O_TRUNC, fallocate(2).
void Compiler::sizes(Index operation, Index object, const Before& was) {
  const node::InodeId inode = compiled_->objects[object].id;
  const auto is = tree_.attributes(inode);
  if (!was || !is || was->size == is->size || is->type != node::FileType::kFile) return;
  Progress& file = progress_[object];
  const auto self = static_cast<Index>(compiled_->micros.size());
  MicroOp& micro = add(Kind::kTruncate, operation, object);
  micro.size = is->size;
  micro.size_before = was->size;
  need(micro, std::exchange(file.size, self));
  if (is->size < was->size) file.truncated = self;
  std::vector<Index>& data = compiled_->objects[object].data;
  if (is->size == 0) {
    if (file.emptied == ~std::size_t{0}) emptied_.push_back(object);
    file.emptied = data.size();
    file.actor = compiled_->operations[operation].actor;
    file.session = compiled_->operations[operation].session;
  }
  data.push_back(self);
}

void Compiler::take_effect(Index operation, const Before& was) {
  const Operation& done = compiled_->operations[operation];
  const Index object = names_.object(done.inode);
  switch (done.verb) {
    case Verb::kWrite: {
      if (done.data != nullptr && !done.data->empty() && was) write(operation, object, was->size);
      attributes(operation, object, was);  // set-id bits may go
      break;
    }
    case Verb::kTruncate:
    case Verb::kSetAttributes:
    case Verb::kAllocate:
      sizes(operation, object, was);
      attributes(operation, object, was);
      break;
    default:
      entry(operation);
  }
}

void Compiler::lose_pages(Index operation) {
  const Index object = names_.object(compiled_->operations[operation].inode);
  if (object == kNone) return;
  Progress& file = progress_[object];
  const std::vector<Index>& data = compiled_->objects[object].data;
  for (std::size_t i = file.clean; i < data.size(); ++i) {
    MicroOp& micro = compiled_->micros[data[i]];
    if (micro.kind == Kind::kPage && micro.lost_at == kNone) micro.lost_at = operation;
  }
  file.clean = data.size();
}

void Compiler::barrier(Index operation) {
  const Operation& done = compiled_->operations[operation];
  if (done.actor != node::Actor::kBuild) return;  // all that it could have changed is durable
  const Index object = names_.object(done.inode);
  if (done.verb == Verb::kFsync) progress_[object].clean = compiled_->objects[object].data.size();
  const Event::What what = done.verb == Verb::kFsyncDirectory ? Event::What::kFsyncDirectory
                           : done.flags != 0                  ? Event::What::kFdatasync
                                                              : Event::What::kFsync;
  compiled_->events.push_back({what, operation, static_cast<Index>(compiled_->micros.size()), object, 0});
}

// What was told before this operation.
void Compiler::acknowledge(std::uint64_t seq) {
  for (; told_ < trace_.acknowledgements.size() && trace_.acknowledgements[told_].after < seq; ++told_) {
    const auto next = std::ranges::find_if(trace_.operations, [&](const Operation& operation) { return operation.seq >= seq; });
    compiled_->acknowledgements.push_back(trace_.acknowledgements[told_]);
    compiled_->events.push_back({Event::What::kAcknowledge, static_cast<Index>(next - trace_.operations.begin()),
                                 static_cast<Index>(compiled_->micros.size()), kNone, 0});
  }
}

Result<> Compiler::take_apart(Index operation) {
  const Operation& done = compiled_->operations[operation];
  acknowledge(done.seq);
  if (done.verb == Verb::kMark && done.actor == node::Actor::kBuild) {
    compiled_->acknowledgements.push_back({done.seq, done.name});
    compiled_->events.push_back({Event::What::kAcknowledge, operation, static_cast<Index>(compiled_->micros.size()), kNone, 0});
  }
  if (!node::counts(done.verb)) return {};
  if (!done.succeeded()) {
    if (done.verb == Verb::kFsync && done.injected) lose_pages(operation);
    return {};
  }
  if (done.verb == Verb::kFsync || done.verb == Verb::kFsyncDirectory) {
    barrier(operation);
    return {};
  }
  const Before was = tree_.attributes(done.inode);
  if (!replay(tree_, done, compiled_->wall_start_ns)) {
    return fail(ErrorCode::kInvalidInput,
                "take the trace apart: operation " + std::to_string(done.seq) + " (" + done.describe() +
                    ") cannot have happened on this image: give the tree as it was before the trace's first operation");
  }
  if (was && was->type == node::FileType::kDirectory ? done.verb == Verb::kRename : done.verb == Verb::kMkdir) {
    if (++movable_ > kMovableDirectories) {
      return fail(ErrorCode::kLimit,
                  "take the trace apart: more than " + std::to_string(kMovableDirectories) + " directories are made or moved");
    }
  }
  const auto first = static_cast<Index>(compiled_->micros.size());
  take_effect(operation, was);
  const auto end = static_cast<Index>(compiled_->micros.size());
  if (end > first) compiled_->micros.back().ends_request = true;
  if (end > first && done.actor != node::Actor::kBuild) {
    compiled_->events.push_back({Event::What::kAtOnce, operation, first, kNone, end});
  }
  return {};
}

// What can only be known at the end: from where names are seen, and what the image held.
void Compiler::finish() {
  names_.find_holders();
  for (Object& object : compiled_->objects) {
    const node::Tree& tree = object.born ? tree_ : compiled_->image;
    object.identity = hash_of(static_cast<std::uint64_t>(object.type));
    if (!object.visible) continue;
    if (object.type == node::FileType::kSymlink) {
      object.identity = mix(object.identity, hash_of(tree.readlink(object.id).value_or(std::string())));
    } else if (object.type == node::FileType::kDirectory && !object.born) {
      object.identity = mix(object.identity, hash_of(object.id));  // with all that is in it and does not change
    } else if (object.type == node::FileType::kFile && !object.born) {
      object.content = Content(compiled_->image, object.id);
    }
  }
  for (Index i = 0; i < compiled_->micros.size(); ++i) {
    if (compiled_->micros[i].visible) compiled_->visible.push_back(i);
  }
}

Result<std::shared_ptr<const Compiled>> Compiler::compile(const std::vector<std::string>& watched) {
  names_.collect(watched);
  progress_.resize(compiled_->objects.size());
  tree_ = compiled_->image;
  tree_.limit_bytes(~std::uint64_t{0});
  const auto count = static_cast<Index>(compiled_->operations.size());
  for (Index i = 0; i < count; ++i) {
    if (i % Compiled::kStride == 0) compiled_->kept.push_back(tree_);
    if (auto taken = take_apart(i); !taken) return std::unexpected(taken.error());
  }
  if (count % Compiled::kStride == 0) compiled_->kept.push_back(tree_);
  acknowledge(~std::uint64_t{0});
  compiled_->final = tree_;
  finish();
  return std::shared_ptr<const Compiled>(compiled_);
}

}  // namespace

Result<Program> Program::compile(const Trace& trace, const std::vector<std::string>& watched, Rules rules) {
  auto compiled = Compiler(trace, rules).compile(watched);
  if (!compiled) return std::unexpected(compiled.error());
  return Program(std::move(*compiled));
}

std::size_t Program::micro_operations() const { return compiled_->visible.size(); }

std::size_t Program::acknowledgements() const { return compiled_->acknowledgements.size(); }

std::vector<Program::Part> Program::parts() const {
  std::vector<Part> parts;
  for (const Index index : compiled_->visible) {
    const Index operation = compiled_->micros[index].operation;
    Index first = index;
    while (first > 0 && compiled_->micros[first - 1].operation == operation) --first;
    parts.push_back({compiled_->operations[operation].seq, index - first});
  }
  return parts;
}

std::vector<std::string> Program::describe() const {
  std::vector<std::string> lines;
  for (const Index index : compiled_->visible) {
    const MicroOp& micro = compiled_->micros[index];
    const Operation& operation = compiled_->operations[micro.operation];
    std::string line = std::to_string(operation.seq) + " ";
    if (micro.kind == Kind::kPage) line += "page " + std::to_string(micro.number) + " of ";
    if (micro.kind == Kind::kSize) line += "size " + std::to_string(micro.size) + " by ";
    lines.push_back(line + operation.describe());
  }
  return lines;
}

}  // namespace entryproof::durability
