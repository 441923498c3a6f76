// FuseVerbs: the requests of one FUSE session, each answered by one verb of a Node. Private to the FUSE door.
//
// Knows nothing of devices, mounts and threads: libfuse hands it decoded requests one at a time, and it replies to each exactly once.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/node/node.h"

struct fuse_lowlevel_ops;

namespace entryproof::doors {

class FuseVerbs {
 public:
  FuseVerbs(node::Node& served, const Clock& time, pid_t world, bool direct)
      : node(served), clock(time), world_pid(world), direct_io(direct) {}
  // For fuse_session_new, with a FuseVerbs as the session's user data.
  static const fuse_lowlevel_ops& operations(bool asks_at_close);
  // Once the session is over: lets go of every inode that the kernel still held.
  void let_go();

  node::Node& node;
  const Clock& clock;
  const pid_t world_pid;
  const bool direct_io;

  std::mutex mutex;  // guards the node, and what follows
  node::Actor actor = node::Actor::kWorld;
  std::uint32_t session = 0;
  // Those who act otherwise, by the pid namespace they live in; usually none.
  struct Other {
    ino_t pid_namespace = 0;
    node::Actor actor = node::Actor::kWorld;
    std::uint32_t session = 0;
  };
  std::vector<Other> others;
  // Identity of the pid namespace of a process or thread; 0 if it is gone.
  static ino_t pid_namespace_of(pid_t task);

  std::unordered_map<node::InodeId, std::uint64_t> held;                 // pins by inode: lookups and open descriptors
  std::unordered_map<std::uint64_t, std::vector<node::Entry>> listings;  // of open directories, by handle
  std::uint64_t last_listing = 0;

  std::atomic<std::uint64_t> mutations{0};
  std::atomic<std::int64_t> last_mutation_ns{0};  // steady clock
};

}  // namespace entryproof::doors
