// World: one node with its clock and its subjects, in which one case is played.
//
// A world is built fresh for each case and torn down with it. It knows how programs live in it and how time passes; it knows nothing of
// scenarios and judges nothing. Three kinds: the memory world (the reference's code in process, virtual time), the fuse world (any
// executable in a sandbox, every operation seen) and the tmpfs world (any executable, only states seen).
//
// Thread contract: a world is driven by one thread. What the node's observer sees is called on the thread that serves the file system.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/cluster/change.h"
#include "simulator/cluster/handshake.h"
#include "simulator/faults/engine.h"
#include "simulator/node/node.h"
#include "simulator/oracles/check.h"
#include "simulator/runner/build.h"
#include "simulator/runner/site.h"

namespace entryproof::runner {

// How a program is started: whose it is, and what it is given.
struct Start {
  Build build;
  node::Actor actor = node::Actor::kBuild;
  std::vector<std::string> arguments;              // without the program's name
  std::map<std::string, std::string> environment;  // all of it
  unsigned umask = 022;
  std::vector<std::pair<std::string, std::string>> with;  // neighbours bound read-only: outside, inside
  // What its kernel refuses: "inotify" (a node without free instances: EMFILE), "network" (no socket but local ones: EACCES). kUnavailable
  // where there is no kernel.
  std::set<std::string> denied;
  bool can_be_denied = false;  // … or may refuse later: World::deny
  // Host path of a program that lies on the node, to be executed there instead of a build. kUnavailable where there is no kernel.
  std::string node_program;
};

// What became of a program.
struct Life {
  bool running = false;
  std::optional<int> exit_code;     // of an ended one: either this …
  std::optional<int> signal;        // … or the signal that ended it
  std::string output;               // stdout and stderr so far, capped
  std::vector<std::string> excess;  // caps it ran into, in words: processes, memory, output, journal
};

// Why pass() came back. kLate: the deadline is over, but the harness itself overslept it by more than a tenth, so nothing may be concluded.
enum class Woke : std::uint8_t { kDone, kDeadline, kRest, kLate, kCancelled };

class World {
 public:
  virtual ~World() = default;

  virtual bool offers(oracles::Need need) const = 0;
  virtual const Clock& clock() const = 0;

  // Starts a program under a name of the scenario's ("build", "old"); one that still runs under it is an error.
  virtual Result<> start(const std::string& who, const Start& start) = 0;
  virtual Life life(const std::string& who) = 0;
  // How many files a program, and all that it has started, hold open; none once it has ended.
  virtual Result<std::size_t> open_descriptors(const std::string&) { return lacking("count the files that a program holds"); }
  // To the program's PID 1, as the container runtime does.
  virtual Result<> signal(const std::string& who, int number) = 0;
  // SIGKILL to the whole container; every later operation of it is refused. Returns when it is gone.
  virtual Result<> kill(const std::string& who) = 0;
  // Kills the next program to be started at its N-th counted operation, before that takes effect.
  virtual Result<> arm_kill(std::uint64_t operation) = 0;
  // From now on the kernel refuses this (Start::denied), instead of what it refused so, to every program that was started with
  // Start::can_be_denied.
  virtual Result<> deny(const std::set<std::string>&) { return lacking("take from a running program what its kernel gives"); }
  // Mounts the volume at that place of the containers once more, over itself: what lies on the node in its place now is there from here on,
  // and no event tells of it.
  virtual Result<> remount(const std::string& /*inside*/) { return lacking("mount a volume anew"); }

  // The world's own changes, relative to the node's root; seen by watchers in the container, never charged to a build.
  virtual Result<> change(const std::vector<cluster::Change>& changes) = 0;

  // Does this right behind the build's operation that `moment` means, before the build learns of its result; once. `done` is told, on the
  // thread that serves the file system. kUnavailable where operations are not seen. Like a signal it is remembered among the injections.
  virtual Result<> arm_change(faults::Rule moment, std::vector<cluster::Change> changes, std::function<void()> done) = 0;
  // Signals the build when the operation comes that `moment` means, to whichever of its programs makes it; once.
  virtual Result<> arm_signal(const faults::Rule& moment, int number) = 0;

  // Calls of the build that fail from now on, beside those that fail already. kUnavailable where operations are not seen. In process worlds
  // any thread may set faults.
  virtual Result<> add_faults(const faults::Plan& plan, faults::Owner owner) = 0;
  virtual void clear_faults(faults::Owner owner) = 0;
  // What was made to fail so far.
  virtual std::vector<faults::Injection> injections() = 0;
  // Told on the thread that serves the file system when a rule cuts the power: every program is killed already, and nothing is applied any
  // more. What of the node survives is for the caller to say.
  virtual void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)> cut) = 0;

  // What a client on the node that is configured like this experiences of the cluster's API server, now. Only with WorldRequest::control.
  virtual cluster::Experience ask(const cluster::ClientConfig& client) = 0;
  // The cluster's operator has changed something: from now on connections are answered, refused or reset accordingly.
  virtual void cluster_changed() = 0;

  // Another tree from now on, as after a power cut; nobody lives, and held files are stale. kUnavailable where operations are not seen.
  virtual Result<> replace(node::Tree tree, const std::string& why) = 0;

  // Sets the node's wall clock forward, or back. kUnavailable where it is the machine's.
  virtual Result<> set_clock_forward(Duration by) = 0;

  // The node as it is now.
  virtual Result<node::Tree> look() = 0;
  // Number that grows with each change of the node or end of a program that this world can see: unchanged means that looking again is idle.
  virtual std::uint64_t activity() = 0;
  // How many counted operations the build has made so far; 0 where they cannot be seen.
  virtual std::uint64_t operations() = 0;
  // Where the newest counted operation of a build stands in the journal.
  virtual oracles::Place place() = 0;
  // What happened on the node after that entry of its journal, by whoever it was, in order. kUnavailable where operations are not seen.
  virtual Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) = 0;

  // Lets time pass until `done` says so, the deadline is over or, with `rest_ends`, everything has been at rest for `rest`: nothing in
  // flight, every task waiting, no mutation (DESIGN.md, decision 12). `done` is asked first of all, and again after each activity.
  virtual Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) = 0;

 private:
  static std::unexpected<Error> lacking(const char* what) {
    return fail(ErrorCode::kUnavailable, std::string("this world cannot ") + what);
  }
};

// What a world needs from the case that is played in it.
struct WorldRequest {
  Site site;
  node::Tree image;  // the node to begin with
  std::uint64_t seed = 1;
  std::shared_ptr<cluster::ControlPlane> control;  // of the cluster whose API server answers here; null: nothing answers
  node::Observer* observer = nullptr;              // sees every operation; null for none
  // Where the programs' own caps were exceeded the build is killed and this says what it was.
  std::function<void(std::string)> on_excess;
  const std::atomic<bool>* cancelled = nullptr;  // ends every pass() at once when it becomes true
  // Some fault may be about close(2): a kernel asks about each of them only if it was told so at the mount.
  bool asks_at_close = false;
  // What a memory world's journal keeps. Who looks only at what changed the node saves much by keeping nothing else.
  node::Journal::Limits journal{};
};

}  // namespace entryproof::runner
