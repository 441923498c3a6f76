#include "simulator/runner/stage.h"

#include <utility>

#include "simulator/doors/fuse_door.h"
#include "simulator/runner/memory_world.h"

namespace entryproof::runner {

Result<std::unique_ptr<Stage>> Stage::open(WorldKind kind) {
  std::unique_ptr<Stage> stage(new Stage(kind));
  if (kind == WorldKind::kMemory) return stage;
  auto entered = subjects::Harness::enter();
  if (!entered) return std::unexpected(entered.error());
  stage->harness_ = std::move(*entered);
  if (kind == WorldKind::kFuse) {
    if (auto fuse = doors::fuse_available(); !fuse) {
      return fail(ErrorCode::kUnavailable, fuse.error().line() + "; --world tmpfs needs no FUSE, and says what it cannot see");
    }
  }
  stage->machine_ = std::make_unique<Machine>(*stage->harness_);
  return stage;
}

WorldMaker Stage::maker() {
  if (kind_ == WorldKind::kMemory) return make_memory_world;
  const GroundKind ground = kind_ == WorldKind::kFuse ? GroundKind::kFuse : GroundKind::kTmpfs;
  return [this, ground](WorldRequest request) { return make_process_world(*machine_, ground, std::move(request)); };
}

}  // namespace entryproof::runner
