// Launcher: starts sandboxes, from a small process of its own.
//
// Spawning must happen in a process with one thread (a raw clone in a threaded one can hang on a copied lock), so a helper does it; it is
// PID 1 of a pid namespace that holds every sandbox, so that the kernel ends them all when it ends. This class is its client in the
// harness: requests may come from any thread, and one thread of the client carries replies, exits and output.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/subjects/sandbox.h"

namespace entryproof::subjects {

// A network namespace that outlives the containers of a world: a restarted build finds the same API server.
struct NetworkSpec {
  std::vector<std::string> addresses;  // put on lo beside 127.0.0.1 and ::1, e.g. "10.96.0.1" (as /32), "fd00:10:96::1" (as /128)
  struct Endpoint {
    std::string address;
    std::uint16_t port = 0;  // 0 = any; ask getsockname(2)
  };
  std::vector<Endpoint> listen;  // TCP sockets to be opened inside
};

struct Network {
  Descriptor name_space;              // for SandboxSpec::network; keeps the namespace alive
  std::vector<Descriptor> listeners;  // one per NetworkSpec::listen, listening, non-blocking; any thread of the harness may accept
};

class Launcher {
 public:
  // Forks the helper; only for Harness::enter(), before any thread exists. `work_directory`: a tmpfs of ours, for mount points.
  static Result<std::unique_ptr<Launcher>> start(const std::string& work_directory, bool use_cgroups);
  // Starts the client's thread, once nothing is forked any more.
  void begin();
  // Ends every sandbox and the helper, and waits for it. Sandbox objects may outlive it; they have ended then.
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Returns when the program has been executed, or with the operation and path that failed. Takes 2 to 4 ms. kUnavailable: the machine
  // refuses part of a sandbox; kIo: the executable, its interpreter or a bind is not there.
  Result<std::unique_ptr<Sandbox>> spawn(const SandboxSpec& spec);
  // From now on a sandbox that can be denied inotify (SandboxSpec) is refused this of it, and nothing else. One that has ended is no error.
  Result<> deny(const Sandbox& sandbox, const Denial& denial);
  // Mounts what lies in the place of one of its binds now over that bind, in the running sandbox, from outside: nothing in there is told.
  // Files that it holds open stay those of before.
  Result<> remount(const Sandbox& sandbox, const Bind& bind);
  Result<Network> make_network(const NetworkSpec& spec);
  // TCP sockets that were opened in the namespace, neither bound nor connected, non-blocking. A socket stays where it was opened, so that
  // any thread of the harness may connect it. `family`: AF_INET or AF_INET6; at most 32.
  Result<std::vector<Descriptor>> make_sockets(int name_space, int family, unsigned count);

  pid_t pid() const;  // the helper
  // How processes and memory are limited here: "cgroup v1", "cgroup v2" or "watchdog" (polls every 20 ms, which a
  // fast build may outrun for a moment).
  std::string limits_by() const;

 private:
  class Client;
  explicit Launcher(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace entryproof::subjects
