// Compiled: the inside of a Program. Only this folder includes it.
//
// Inodes are Objects, names are Slots, and each MicroOp says what it changes of them and which micro-operations must be durable before it
// whatever the model (C1, C2). Everything is an index into the vectors here; indices of micro-operations are in the order of the trace.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "simulator/durability/content.h"
#include "simulator/durability/model.h"
#include "simulator/durability/state_hash.h"
#include "simulator/durability/trace.h"

namespace entryproof::durability {

using Index = std::uint32_t;
inline constexpr Index kNone = std::numeric_limits<Index>::max();

enum class Kind : std::uint8_t {
  kEntry,       // one name or two: create, link, unlink, rename
  kAttributes,  // mode and owner
  kTruncate,    // a size that was asked for
  kSize,        // a size that a write brought
  kPage,        // a page of a file that can be seen
  kUnseen,      // bytes of a file that cannot
};

inline bool is_metadata(Kind kind) { return kind <= Kind::kTruncate; }

struct Owned {  // the attributes that can be seen
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const Owned&) const = default;
  StateHash hash() const { return mix(hash_of(mode), {uid, gid}); }
};

struct MicroOp {
  Kind kind = Kind::kEntry;
  bool visible = false;       // at the watched paths, now or later
  bool at_once = false;       // durable as soon as it is done: not the build's
  bool creates = false;       // kEntry: of a new inode
  bool ends_request = false;  // after it a kill may come
  Index operation = 0;        // of the trace
  Index object = kNone;       // whose; kEntry: what is named
  std::array<Index, 2> slots{kNone, kNone};
  std::array<Index, 2> occupants{kNone, kNone};  // where the slots lead afterwards; kNone: nowhere
  Owned owned;                                   // kAttributes
  std::uint64_t size = 0;                        // kTruncate, kSize
  std::uint64_t size_before = 0;
  Index exposes = kNone;  // kSize: the first of the pages, directly before it, that it shows
  std::uint64_t number = 0;
  Page page;                   // kPage
  Index lost_at = kNone;       // kPage: the operation, a failed fsync, since which it counts as clean (F1)
  std::vector<Index> needs;    // in every model
  std::vector<Index> flushes;  // ext4: data that goes before it (A1, A2)
};

struct Slot {
  Index directory = kNone;
  std::string name;
  bool visible = false;
  Index base = kNone;          // where it led in the image
  std::vector<Index> changes;  // micro-operations
  Index holder = 0;            // the nearest directory above that was made or moved in the trace; the root else
  StateHash salt;              // the path from there
};

struct Object {
  node::InodeId id = 0;
  node::FileType type = node::FileType::kFile;
  bool born = false;  // in the trace
  bool visible = false;
  Index birth = kNone;  // micro-operation
  Owned owned;          // at first
  Content content;      // at first, if it is in the image and can be seen
  StateHash identity;   // what never changes: type, target; a directory of the image is itself
  std::vector<Index> attributes;
  std::vector<Index> data;     // content: pages, sizes, truncations, unseen
  std::vector<Index> names;    // kEntry in which it is named
  std::vector<Index> entries;  // directories: kEntry of their slots
  std::vector<Index> slots;    // visible ones of which it is the holder
};

// Where something becomes durable, or is told.
struct Event {
  enum class What : std::uint8_t { kFsync, kFdatasync, kFsyncDirectory, kAtOnce, kAcknowledge };
  What what = What::kFsync;
  Index operation = 0;  // it comes before this operation of the trace takes effect
  Index micros = 0;     // so many micro-operations came before
  Index object = kNone;
  Index end = 0;  // kAtOnce: micro-operations [micros, end) are durable
};

struct Compiled {
  static constexpr Index kStride = 32;  // operations from one kept tree to the next

  Rules rules;
  std::span<const node::Operation> operations;
  node::Tree image;
  std::vector<node::Tree> kept;  // all applied, nothing reaped, before every kStride-th operation
  node::Tree final;              // after all of them
  std::int64_t wall_start_ns = 0;
  std::vector<MicroOp> micros;
  std::vector<Slot> slots;
  std::vector<Object> objects;  // [0] is the root
  std::vector<Event> events;
  std::vector<Index> visible;  // the micro-operations that can be seen
  std::vector<Acknowledgement> acknowledgements;

  // Everything applied before `cut`, an index into operations.
  node::Tree tree_before(Index cut) const;
};

// Does to the tree what the operation did, if it did something. False if it cannot have happened here.
bool replay(node::Tree& tree, const node::Operation& operation, std::int64_t wall_start_ns);

}  // namespace entryproof::durability
