// Sandbox: a build's container, from the outside.
//
// The program is PID 1 of its own pid, mount, ipc, uts and network namespaces, on a root of its own that is read-only but for the binds it
// is given (DESIGN.md, decision 8). SandboxSpec says what goes in; a Sandbox is the running thing. Nothing a sandboxed program does reaches
// the machine, and nothing stays when it, or the harness, has ended.
//
// Thread contract: a Sandbox may be used from any thread, also under a door's mutex: kill() and signal() are one system call and never
// wait.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simulator/base/result.h"

namespace entryproof::subjects {

// A directory (or file) of a node, bound into the sandbox. `below` is resolved as if `root` were "/": symlinks that a hostile build planted
// cannot lead out of it. Each bind is a mount of its own: rename(2) across two is EXDEV.
struct Bind {
  std::string root;    // a mount point of a door, or a work directory; trusted
  std::string below;   // path in it, "etc/cni/net.d"; "" = the root itself
  std::string inside;  // absolute path in the sandbox
  bool read_only = false;
};

// Something of this machine, bound read-only: a module beside a script, a library.
struct Neighbour {
  std::string outside;  // absolute path on this machine
  std::string inside;
};

struct SandboxLimits {
  unsigned processes = 128;  // tasks (threads count)
  std::uint64_t memory_bytes = 1ULL << 30;
  std::uint64_t output_bytes = 4ULL << 20;  // stdout and stderr together
  std::uint64_t file_bytes = 1ULL << 30;    // RLIMIT_FSIZE
  std::uint64_t open_files = 4096;
};

struct SandboxSpec {
  // outside: the build on this machine, "" for one that lies in a bind; inside: "/thin_entrypoint". Scripts run by their shebang.
  Neighbour executable;
  std::vector<std::string> argv;         // argv[0] included; empty = the inside path alone
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
  // Mounted in this order. A bind's inside path is made where it lies on the sandbox's own root; where it lies in an earlier bind it must
  // exist there, or spawn fails (it would be an operation nobody asked for).
  std::vector<Bind> binds;
  std::vector<Neighbour> neighbours;  // mounted before the binds
  std::string working_directory = "/";
  std::string hostname = "node-1";
  mode_t umask = 022;
  uid_t uid = 0;  // when the harness is not root only 0 exists inside
  gid_t gid = 0;
  SandboxLimits limits;
  // The one processor that every task runs on; -1: any. On the processor of the door's thread a file-system call costs a fifth.
  int processor = -1;
  int network = -1;  // Network::name_space; -1: a fresh one that has only lo
  // What the kernel refuses beyond the usual: inotify instances or watches (EMFILE and ENOSPC, as on a node that has run out of
  // them), and sockets of every family but AF_UNIX (EACCES, as under a security profile).
  bool deny_inotify = false;
  bool deny_watches = false;
  bool deny_network = false;
  // Whether Launcher::deny can refuse it inotify later. Every call of inotify waits for the launcher's word then.
  bool can_be_denied = false;
};

// What a running sandbox is refused of inotify: instances (EMFILE), watches (ENOSPC).
struct Denial {
  bool instances = false;
  bool watches = false;
};

struct ExitStatus {
  int code = 0;    // exit status, if signal is 0
  int signal = 0;  // what ended it
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
  std::string describe() const;  // "exit 1", "killed by SIGKILL"
};

struct Output {
  std::string out;
  std::string err;
};

// A limit that the build ran into; it is killed then.
enum class Excess : std::uint8_t { kProcesses, kMemory, kOutput };
std::string describe(Excess);  // "process limit reached (fork bomb?)"

class Sandbox {
 public:
  // What Sandbox and the launcher's client share; for their .cc files.
  struct State;
  explicit Sandbox(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~Sandbox();  // kills it; does not wait
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  pid_t pid() const;  // of its init, in the harness's pid namespace
  // Set once everything in the sandbox is dead, its output is complete and its cgroup is gone.
  std::optional<ExitStatus> poll() const;
  // Waits for that; nullopt when the deadline comes first.
  std::optional<ExitStatus> wait(std::chrono::steady_clock::time_point deadline) const;
  std::optional<ExitStatus> wait_for(std::chrono::nanoseconds duration) const { return wait(std::chrono::steady_clock::now() + duration); }
  // Sends a signal to init, as `docker kill -s` does: one that init has no handler for is ignored, but for SIGKILL. False if it has ended.
  bool signal(int number) const;
  // SIGKILL to init, and so by the kernel to all. Idempotent.
  void kill() const;
  Output output() const;  // so far
  std::vector<Excess> excesses() const;
  // Every task waits interruptibly (or is stopped, or dead). A task that waits for a door's answer does, too: ask the door first and after
  // (FuseDoor::busy). True when the sandbox has ended.
  bool idle() const;
  std::uint64_t id() const;  // for the launcher
  // How many descriptors its processes have open; 0 once it has ended. kUnavailable where /proc does not tell.
  Result<std::size_t> open_descriptors() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace entryproof::subjects
