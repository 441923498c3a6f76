// FuseDoor: a node::Node as a file system that any process can use.
//
// One low-level FUSE session with one thread: the order of operations is total, each verb is one call of the Node, and the reply is sent
// after the Node's observer and gate have had their say. Entries and attributes are not cached by the kernel, writes are passed on at once.
// File bytes are cached (so that mmap works) but every change comes through here, so the cache is right.
//
// The mount exists in the mount namespace of the calling process only (subjects::Harness::enter made it private). No thread of this process
// may touch a path below mount_point(): it would wait for itself, and if killed then, for ever.
//
// Thread contract: the session thread holds mutex() during each request. Whoever looks at the Node (its tree, its journal) takes it too,
// and must not call the Agent or wait for a sandbox while holding it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/node/node.h"

namespace entryproof::doors {

class FuseDoor {
 public:
  struct Options {
    pid_t world_pid = 0;  // requests of this process (the Agent) are Actor::kWorld
    // Each close(2) asks the node, which costs some microseconds; otherwise the kernel stops asking after the first.
    bool asks_at_close = false;
    bool direct_io = false;  // each read(2) and write(2) is one request; MAP_SHARED is refused (ENODEV)
    std::string device = "/dev/fuse";
    int processor = -1;  // the one that the session's thread runs on; -1: any
  };

  // Mounts at an existing, empty directory and serves. `node` and `clock` must outlive the door. kUnavailable, with what to do, where there
  // is no FUSE device or it may not be opened; kLimit past about 1000 doors in one process (libfuse's own limit).
  static Result<std::unique_ptr<FuseDoor>> mount(node::Node& node, const Clock& clock, const std::string& mount_point,
                                                 const Options& options);
  // Unmounts; ends the connection even if a sandbox still holds a bind (its calls fail with ENOTCONN or ECONNABORTED); removes the mount
  // point.
  ~FuseDoor();
  FuseDoor(const FuseDoor&) = delete;
  FuseDoor& operator=(const FuseDoor&) = delete;

  const std::string& mount_point() const;
  std::mutex& mutex();

  // As whom every process but the agent acts from now on: a stage, or the build, and its which start. Their uid, gid and umask are those of
  // each request; uid 0 is privileged. Default: kWorld, 0, so that setting up a sandbox before it is charged to nobody.
  void set_actor(node::Actor actor, std::uint32_t session);

  // Programs of earlier starts that still live: the processes of these pid namespaces act as told here, whoever acts otherwise. Asked for
  // each request while there are any, which costs a microsecond or two.
  struct Other {
    pid_t init = 0;  // any process of the pid namespace, as this process sees it
    node::Actor actor = node::Actor::kWorld;
    std::uint32_t session = 0;
  };
  void set_others(const std::vector<Other>& others);

  struct Activity {
    std::uint64_t served = 0;                             // requests answered
    std::uint64_t mutations = 0;                          // of these, the ones that can change the node, successful or not
    std::chrono::steady_clock::time_point last_mutation;  // when the latest of these was answered; the mount, if none yet
  };
  Activity activity() const;
  // A request is being answered or waits to be read. For "at rest": not busy, sandbox idle, no mutation for a while, still not busy.
  bool busy() const;

 private:
  class Session;
  explicit FuseDoor(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

// Whether a FuseDoor can be mounted here, in this mount namespace: opens the device only. The error is mount()'s.
Result<> fuse_available(const std::string& device = "/dev/fuse");

}  // namespace entryproof::doors
