// Cgroups: limits on the processes and the memory of each sandbox, by cgroup v1 or v2, whichever is writable here.
//
// A run has one parent group, "entryproof-PID-START" below the harness's own (named after the process, so that a later run can tell a dead
// run's groups and remove them), and a group below it per sandbox. Where nothing is writable there is no limit here, and kind() is kNone:
// the harness watches the processes itself then.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/subjects/sandbox.h"

namespace entryproof::subjects {

class Cgroups {
 public:
  enum class Kind : std::uint8_t { kNone, kV1, kV2 };

  // One sandbox's group; removes itself.
  class Group {
   public:
    Group() = default;
    std::vector<int> procs() const;  // write "0" here to join
    std::vector<Excess> excesses();  // limits hit so far
    // False while something still holds it; ask again.
    bool remove();

   private:
    friend class Cgroups;
    struct Part {
      std::string directory;
      Descriptor procs;
      Descriptor events;
      Excess meaning = Excess::kMemory;
      std::string counter;  // the line of `events` that counts
    };
    std::vector<Part> parts_;
  };

  // Removes the groups of dead runs and makes this one's, named after `harness`.
  static Cgroups prepare(pid_t harness);
  // No groups at all: for where prepare() is not wanted.
  Cgroups() = default;
  Kind kind() const { return kind_; }
  Result<Group> create(std::uint64_t id, const SandboxLimits& limits) const;
  // Removes the run's own parent groups, with whatever dead groups are left in them.
  void remove() const;

 private:
  bool prepare_v2(const std::string& name);
  bool prepare_v1(const std::string& name);

  Kind kind_ = Kind::kNone;
  std::vector<std::string> parents_;  // v2: one. v1: pids, memory
};

}  // namespace entryproof::subjects
