// Clock: the world's time, as an interface from the first day.
//
// Memory worlds run on a VirtualClock that only advance() moves; process worlds on the RealClock. Node times (mtime, ctime), token lives,
// deadlines of scenarios: all of them ask a Clock, and nothing else in the simulator asks the machine.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace entryproof {

using Duration = std::chrono::nanoseconds;

// A moment on a world's own monotonic line: nanoseconds since the world began.
struct Moment {
  Duration since_start{};
  friend auto operator<=>(const Moment&, const Moment&) = default;
  friend Moment operator+(Moment moment, Duration d) { return {moment.since_start + d}; }
  friend Duration operator-(Moment a, Moment b) { return a.since_start - b.since_start; }
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Moment now() const = 0;
  // Wall time in nanoseconds since the epoch at now().
  virtual std::int64_t wall_ns() const = 0;
  virtual bool is_virtual() const = 0;
};

// Time that passes only when told to. Wall time starts at 2026-01-01T00:00:00Z unless told otherwise. Thread-compatible; reads are atomic.
class VirtualClock final : public Clock {
 public:
  static constexpr std::int64_t kDefaultEpochNs = 1'767'225'600'000'000'000;
  explicit VirtualClock(std::int64_t wall_start_ns = kDefaultEpochNs) : wall_start_ns_(wall_start_ns) {}
  // Somebody sets the wall clock, forwards or back; the monotonic line does not notice.
  void set_wall_forward(Duration by) { wall_start_ns_.fetch_add(by.count()); }
  Moment now() const override { return {Duration(elapsed_ns_.load(std::memory_order_relaxed))}; }
  std::int64_t wall_ns() const override {
    return wall_start_ns_.load(std::memory_order_relaxed) + elapsed_ns_.load(std::memory_order_relaxed);
  }
  bool is_virtual() const override { return true; }
  // A new world: nothing has passed, and it is this time of day.
  void restart(std::int64_t wall_start_ns = kDefaultEpochNs) {
    wall_start_ns_.store(wall_start_ns);
    elapsed_ns_.store(0);
  }
  // Moves forward to `moment`; never backwards.
  void advance_to(Moment moment) {
    if (moment.since_start.count() > elapsed_ns_.load(std::memory_order_relaxed)) elapsed_ns_.store(moment.since_start.count());
  }

 private:
  std::atomic<std::int64_t> wall_start_ns_;
  std::atomic<std::int64_t> elapsed_ns_{0};
};

class RealClock final : public Clock {
 public:
  RealClock() : start_(std::chrono::steady_clock::now()) {}
  Moment now() const override { return {std::chrono::steady_clock::now() - start_}; }
  std::int64_t wall_ns() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  bool is_virtual() const override { return false; }

 private:
  std::chrono::steady_clock::time_point start_;
};

}  // namespace entryproof
