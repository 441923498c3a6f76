// Ground: the file system under a process world, and what can be seen of it.
//
// The fuse ground serves a node::Node through a mount and sees every operation; the tmpfs ground is a real tmpfs of which only states can
// be looked at. ProcessWorld stands on either.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/cluster/change.h"
#include "simulator/faults/engine.h"
#include "simulator/node/node.h"
#include "simulator/oracles/check.h"
#include "simulator/subjects/harness.h"

namespace entryproof::runner {

class Ground {
 public:
  virtual ~Ground() = default;

  virtual const std::string& mount_point() const = 0;
  virtual bool sees_every_operation() const = 0;
  virtual Result<node::Tree> look() = 0;
  // Grows with each change that can be seen.
  virtual std::uint64_t changes() = 0;
  // Nobody waits for an answer of this file system.
  virtual bool quiet() = 0;
  // From now on everybody but the world acts as this actor, under this number.
  virtual void set_actor(node::Actor actor, std::uint32_t session) = 0;
  // … except for the programs of earlier starts that still live: they go on as who they were.
  struct Living {
    pid_t init = 0;
    node::Actor actor = node::Actor::kWorld;
    std::uint32_t session = 0;
  };
  virtual void set_living(const std::vector<Living>& others) = 0;
  // Whatever the dying threads of that start still ask for is refused.
  virtual void seal(node::Actor actor, std::uint32_t session) = 0;
  // At the N-th counted operation of that start it is sealed and `kill` called, before the operation takes effect. kUnavailable where
  // operations are not seen.
  virtual Result<> arm_kill(std::uint32_t session, std::uint64_t operation, std::function<void()> kill) = 0;
  // As the world, while nobody runs who could watch: no need to go through the mount.
  virtual Result<> change_directly(const std::vector<cluster::Change>& changes) = 0;
  // As World's. `deed` is called on the serving thread, under the node's lock, and changes nothing of the node itself.
  virtual Result<> arm_change(const faults::Rule& moment, std::vector<cluster::Change> changes, std::function<void()> done) = 0;
  virtual Result<> arm_deed(const faults::Rule& moment, std::string what, std::function<void(std::uint32_t session)> deed) = 0;
  // As World's. `kill` ends the program of that start, under the node's lock; it is sealed already.
  virtual Result<> add_faults(const faults::Plan& plan, faults::Owner owner) = 0;
  virtual void clear_faults(faults::Owner owner) = 0;
  virtual std::vector<faults::Injection> injections() = 0;
  virtual void on_fault_kill(std::function<void(std::uint32_t session)> kill) = 0;
  virtual void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)> cut) = 0;
  // As World's, while nobody runs.
  virtual Result<> replace(node::Tree tree, const std::string& why) = 0;
  virtual std::uint64_t operations() = 0;
  virtual oracles::Place place() = 0;
  // As World::journal_after.
  virtual Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) = 0;
};

struct GroundRequest {
  subjects::Harness& harness;
  const Clock& clock;
  int processor = -1;  // where the file system is served; -1: anywhere
  node::Tree image;
  node::Observer* observer = nullptr;
  bool asks_at_close = false;                  // see WorldRequest
  std::function<void(std::string)> on_excess;  // called on the serving thread, under the node's lock
};

Result<std::unique_ptr<Ground>> make_fuse_ground(GroundRequest request);
Result<std::unique_ptr<Ground>> make_tmpfs_ground(GroundRequest request);

}  // namespace entryproof::runner
