// Agent: changes a node through its mount, as kubelet, an operator or another CNI would.
//
// Only changes that come through the mount, from another process than the one that serves it, wake inotify in a build. The agent is that
// process; the door knows its pid and charges nothing of it to the build. Paths are resolved with the mount as "/": symlinks that a hostile
// build planted cannot lead out.
//
// Thread contract: any thread; one batch is applied at a time. Never call it while holding a door's mutex: the door needs it to answer.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/base/result.h"

namespace entryproof::subjects {

// One change: {.kind = kWrite, .path = "/a", .content = "x"}. Paths are those of the mount ("/etc/cni/net.d/x"). Symlinks are followed as
// the system call of that name does.
struct Change {
  enum class Kind : unsigned char {
    kWrite,       // open(O_CREAT|O_TRUNC), write, chown and chmod if asked, close: readers can see it half done
    kReplace,     // the same under a name beside it (`other`, or ".NAME.new"), fsync, then rename over `path`
    kRemove,      // unlink, or a directory with all below; a missing one is no error
    kRename,      // path -> other
    kMkdir,       // with missing parents; an existing directory is no error; mode is set on the last
    kSymlink,     // path -> target `other`; EEXIST if there
    kLink,        // a second name `other` for path
    kFifo,        // a named pipe
    kAttributes,  // mode, owner of what is there (a symlink is followed)
    kSync,        // fsync of a file or directory
  };
  Kind kind = Kind::kWrite;
  std::string path{};
  std::string content{};
  std::string other{};           // new path, symlink target, or temporary name
  std::optional<mode_t> mode{};  // 07777; new files 0644, directories 0755 unless told
  std::optional<uid_t> uid{};
  std::optional<gid_t> gid{};
};
std::string_view to_string(Change::Kind);

class Agent {
 public:
  // Forks the process; only for Harness::enter(), before any thread exists.
  static Result<std::unique_ptr<Agent>> start();
  ~Agent();  // ends it and waits for it
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Applies the changes in order, each system call exactly as its kind says; stops at the first that fails: "rename /a: …(ENOENT)". What
  // was done before it stays. Returns when the last is done, so each inotify event has been queued.
  Result<> apply(const std::string& mount_point, const std::vector<Change>& changes);

  pid_t pid() const;  // for FuseDoor::Options::world_pid

 private:
  class Client;
  explicit Agent(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace entryproof::subjects
