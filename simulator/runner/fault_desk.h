// FaultDesk: where somebody sets faults while cases are played, for the worlds that there are and for those that come.
//
// Thread contract: everything may be called from any thread; a world leaves before it ends.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/faults/plan.h"
#include "simulator/runner/world.h"

namespace entryproof::runner {

class FaultDesk {
 public:
  // A world's place at the desk, for as long as it lives; it begins with the rules that are set.
  class Seat {
   public:
    Seat() = default;
    Seat(FaultDesk& desk, World& world) : desk_(&desk), world_(&world) { desk.join(world); }
    Seat(Seat&& other) noexcept : desk_(std::exchange(other.desk_, nullptr)), world_(other.world_) {}
    Seat& operator=(Seat&& other) noexcept {
      std::swap(desk_, other.desk_);
      std::swap(world_, other.world_);
      return *this;
    }
    ~Seat() {
      if (desk_ != nullptr) desk_->leave(*world_);
    }

   private:
    FaultDesk* desk_ = nullptr;
    World* world_ = nullptr;
  };

  // kLimit when there are too many.
  Result<> add(const faults::Plan& rules);
  // Also those that a case began with from the command line.
  void clear();
  faults::Plan rules() const;

 private:
  void join(World& world);
  void leave(World& world);

  mutable std::mutex mutex_;
  faults::Plan rules_;
  std::vector<World*> worlds_;
};

}  // namespace entryproof::runner
