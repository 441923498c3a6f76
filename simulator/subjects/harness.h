// Harness: the process that holds the worlds, prepared so that nothing of it can outlive it.
//
// enter() is called at the start of main, while the process has one thread and no FUSE descriptor; again only when the harness before has
// ended. It goes into a mount namespace of its own (with a user namespace when not root), mounts a tmpfs there for everything the run
// needs, and forks two helpers: the Launcher, which starts sandboxes, and the Agent, which changes the nodes through their mounts. Both end
// when this process does, however it ends; with the last of the three the namespace goes, and with it every mount.
//
// Three rules keep that true (measured; simulation of a killed harness is a test): no thread of this process touches a path inside a FUSE
// mount; FUSE descriptors are close-on-exec; this process forks nothing after enter().
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "simulator/base/result.h"
#include "simulator/subjects/agent.h"
#include "simulator/subjects/launcher.h"

namespace entryproof::subjects {

class Harness {
 public:
  struct Options {
    bool use_cgroups = true;  // false: limits by the watchdog, as on a machine without writable cgroups
  };

  // kUnavailable, with the reason and what to do, where this machine allows no namespaces. Whether FUSE works is not asked here but by
  // doors::FuseDoor::mount: a tmpfs world needs the harness too.
  static Result<std::unique_ptr<Harness>> enter(const Options& options);
  static Result<std::unique_ptr<Harness>> enter() { return enter(Options{}); }
  ~Harness();  // ends every sandbox, both helpers, waits for them, and leaves the machine's directories as they were
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  Launcher& launcher() { return *launcher_; }
  Agent& agent() { return *agent_; }
  // A directory on the private tmpfs; nobody outside of the namespace sees it.
  const std::string& work_directory() const { return work_directory_; }
  // A new, empty directory there: "…/<label>-17". For mount points, and for files that sandboxes get as neighbours. Thread-safe.
  Result<std::string> make_directory(const std::string& label);

 private:
  Harness() = default;

  std::string work_directory_;
  std::atomic<unsigned> directories_{0};
  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace entryproof::subjects
