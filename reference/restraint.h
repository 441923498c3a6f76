// Restraint: somebody who undoes our work again and again is not fought at full speed.
//
// A few times we act at once, then only now and then; after a quiet while all is forgotten. So two programs that want different things of
// one file cost the node next to nothing, and one that did it once is answered at once.
#pragma once

#include <chrono>

namespace reference {

class Restraint {
 public:
  // Is it too early to act again? `now` is monotonic time.
  bool holds(std::chrono::nanoseconds now) const { return count_ >= kAtOnce && now - last_ < kPause; }

  void acted(std::chrono::nanoseconds now) {
    count_ = now - last_ >= kCalm ? 1 : count_ + 1;
    last_ = now;
  }

 private:
  static constexpr int kAtOnce = 5;
  static constexpr std::chrono::seconds kPause{10};
  static constexpr std::chrono::minutes kCalm{1};

  int count_ = 0;
  std::chrono::nanoseconds last_{};
};

}  // namespace reference
