// A pod on plain directories: the root, the mounts and the service account that a released entrypoint expects, for tests of the
// predecessors.
//
// The test process enters a mount namespace of its own once; each Pod is then a tmpfs with the volumes of a real pod mounted on it, each a
// mount of its own (so that a rename between them is EXDEV), into which the program is chrooted. No FUSE, no sandbox, no judges: what is
// tested here is that the models do what the releases were seen to do.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entryproof::subjects::predecessor {

inline constexpr const char* kNetDir = "/host/etc/cni/net.d";
inline constexpr const char* kBinDir = "/host/opt/cni/bin";
inline constexpr const char* kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
inline constexpr const char* kKubeconfig = "/host/etc/cni/net.d/multus.d/multus.kubeconfig";
inline constexpr const char* kConf = "/host/etc/cni/net.d/00-multus.conf";
inline constexpr const char* kConflist = "/host/etc/cni/net.d/00-multus.conflist";
inline constexpr const char* kManualSource = "/tmp/multus-conf/70-multus.conf";
inline constexpr const char* kManualCopy = "/host/etc/cni/net.d/70-multus.conf";
inline constexpr const char* kMaster = "/host/etc/cni/net.d/10-flannel.conflist";

// Polls until the condition holds; false if it did not within ten seconds.
bool eventually(const std::function<bool()>& condition);

// A started predecessor. Killed, with what is left of it, when it goes out of scope.
class Process {
 public:
  explicit Process(pid_t pid, int out, int err) : pid_(pid), out_(out), err_(err) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  void signal(int number);
  void kill();                     // SIGKILL, and waits
  bool running();                  // has not ended yet
  std::optional<int> exit_code();  // 128 + signal if killed; nothing while it runs
  std::optional<int> wait();       // within ten seconds
  pid_t pid() const { return pid_; }
  std::string out() const;  // all of its standard output so far
  std::string err() const;

 private:
  pid_t pid_;
  int out_;
  int err_;
  std::optional<int> exit_code_;
};

struct Start {
  std::string version;
  std::vector<std::string> flags;
  std::map<std::string, std::string> environment = {};  // beside KUBERNETES_SERVICE_HOST and _PORT; an empty value unsets
  mode_t umask = 022;
  bool first_process = false;  // as PID 1 of a pid namespace
  bool traced = false;         // stops at exec, to be continued by its tracer, the test
};

class Pod {
 public:
  // With a service account, one primary at 0.3.1, a binary of 100 kB and a manual configuration.
  Pod();
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;
  ~Pod();

  // Why this machine cannot make one; nothing if it can. Enters the namespace at the first call.
  static std::optional<std::string> unavailable();

  // Paths are the pod's; the files of the pod are reached through its root.
  std::string outside(const std::string& path) const { return root_ + path; }
  void put(const std::string& path, const std::string& text, mode_t mode = 0644) const;  // in place
  void make_directory(const std::string& path, mode_t mode = 0755) const;
  void remove(const std::string& path) const;  // recursively
  void link(const std::string& target, const std::string& path) const;
  std::optional<std::string> read(const std::string& path) const;
  bool exists(const std::string& path) const;                          // itself, not what a link leads to
  mode_t mode(const std::string& path) const;                          // permission bits; 0 if missing
  std::vector<std::string> names(const std::string& directory) const;  // sorted
  std::size_t count(const std::string& directory, const std::string& prefix) const;

  void rotate(const std::string& token, const std::string& ca) const;   // as kubelet does, by a swap of ..data
  void leave_pages(const std::string& mount, std::size_t pages) const;  // so much room and no more
  void make_read_only(const std::string& mount) const;

  std::unique_ptr<Process> start(const Start& start) const;

  // Starts and waits for the end, or for the line that says that the start is over: "exit N", "runs", or "waits" for a master; "stuck" if
  // nothing of it comes.
  std::string run(const Start& start);

  Process& process() { return *process_; }
  bool said(const std::string& text) const { return process_->out().find(text) != std::string::npos; }

 private:
  std::string root_;
  std::unique_ptr<Process> process_;
};

// The flags of a start in the two modes, with what this version needs beside.
std::vector<std::string> automatic(const std::string& version, const std::vector<std::string>& more = {});
std::vector<std::string> manual(const std::vector<std::string>& more = {});

// A thing that happens to a running pod, and what must come of it: soon, or unchanged for three seconds (three turns of a watch loop).
struct Step {
  enum class Wait { kBecomes, kStays };
  std::function<void(Pod&)> act;
  Wait wait = Wait::kBecomes;
  std::function<bool(Pod&)> holds;
};

// One row of a table about running pods. All stories of a list are played side by side, because what they mostly do is wait.
struct Story {
  std::string name;
  Start start;
  std::vector<Step> steps;
};

void play(const std::vector<Story>& stories);

}  // namespace entryproof::subjects::predecessor
