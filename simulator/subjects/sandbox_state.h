// What a Sandbox and the launcher's client share. Private to sandbox.cc and launcher.cc.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/subjects/sandbox.h"

namespace entryproof::subjects {

struct Sandbox::State {
  // Set before the Sandbox exists, constant afterwards.
  SandboxLimits limits;
  Descriptor pidfd;
  pid_t pid = 0;
  std::uint64_t id = 0;  // among the launcher's
  // Only the client's thread uses these.
  Descriptor out;
  Descriptor err;

  mutable std::mutex mutex;
  mutable std::condition_variable ended;
  Output output;
  std::vector<Excess> excesses;
  std::optional<ExitStatus> status;

  void add(Excess excess) {
    const std::lock_guard lock(mutex);
    if (std::ranges::find(excesses, excess) == excesses.end()) excesses.push_back(excess);
  }
  // pidfd_send_signal(2): never hits another process, even when this one is long gone. False if it is.
  bool send(int signal) const;
};

}  // namespace entryproof::subjects
