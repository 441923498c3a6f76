// ProcessWorld: a world whose programs are real processes in sandboxes, on a fuse or a tmpfs ground, in real time.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <semaphore>
#include <vector>

#include "simulator/cluster/api_server.h"
#include "simulator/runner/ground.h"
#include "simulator/runner/world.h"
#include "simulator/subjects/harness.h"

namespace entryproof::runner {

// What all process worlds of a run share. At most as many programs start up at once as there are cores: deadlines run from exec, and a
// crowd at the door would make honest builds late.
class Machine {
 public:
  explicit Machine(subjects::Harness& used);
  subjects::Harness& harness;
  std::counting_semaphore<> startup_slots;
  // The API server of all worlds; its thread begins when the first world needs it.
  cluster::ApiServer& api_server();
  // The processor for the next world: its file system and its programs stay together on one, which is what makes their calls cheap.
  int next_processor() { return processors_[next_++ % processors_.size()]; }

 private:
  explicit Machine(subjects::Harness& used, std::vector<int> processors);
  std::once_flag api_once_;
  std::unique_ptr<cluster::ApiServer> api_server_;
  std::vector<int> processors_;
  std::atomic<std::size_t> next_{0};
};

enum class GroundKind : std::uint8_t { kFuse, kTmpfs };

Result<std::unique_ptr<World>> make_process_world(Machine& machine, GroundKind kind, WorldRequest request);

}  // namespace entryproof::runner
