// Stage: what the worlds of one kind need for as long as they are played in: for process worlds the harness and the machine.
#pragma once

#include <memory>

#include "simulator/base/result.h"
#include "simulator/runner/case.h"
#include "simulator/runner/engine.h"
#include "simulator/runner/process_world.h"
#include "simulator/subjects/harness.h"

namespace entryproof::runner {

class Stage {
 public:
  // While the process has one thread: it may fork. kUnavailable, with what to do, where this machine has no such worlds.
  static Result<std::unique_ptr<Stage>> open(WorldKind kind);

  WorldKind kind() const { return kind_; }
  // Valid as long as the stage. Any thread may make worlds.
  WorldMaker maker();

 private:
  explicit Stage(WorldKind kind) : kind_(kind) {}
  WorldKind kind_;
  std::unique_ptr<subjects::Harness> harness_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace entryproof::runner
