#include "simulator/explore/shrink.h"

#include <algorithm>
#include <utility>

namespace entryproof::explore {

namespace {

class Shrinker {
 public:
  Shrinker(History history, const std::function<bool(const History&)>& still, unsigned tries)
      : best_(std::move(history)), still_(still), tries_(tries) {}

  History shrink() {
    for (bool better = true; better && tries_ > 0;) {
      better = drop_commands();
      better = make_plainer() || better;
    }
    return best_;
  }

 private:
  bool take(History candidate) {
    if (tries_ == 0 || candidate == best_) return false;
    --tries_;
    if (!still_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  bool drop_commands() {
    bool better = false;
    for (std::size_t piece = std::max<std::size_t>(best_.commands.size() / 2, 1);; piece /= 2) {
      for (std::size_t at = 0; at < best_.commands.size() && tries_ > 0;) {
        History candidate = best_;
        const auto from = candidate.commands.begin() + static_cast<std::ptrdiff_t>(at);
        const auto left = std::min(piece, candidate.commands.size() - at);
        candidate.commands.erase(from, from + static_cast<std::ptrdiff_t>(left));
        if (take(std::move(candidate))) {
          better = true;
        } else {
          at += piece;
        }
      }
      if (piece <= 1) return better;
    }
  }

  bool make_plainer() {
    bool better = false;
    if (best_.plain) {
      History candidate = best_;
      candidate.plain = false;
      better = take(std::move(candidate));
    }
    for (std::size_t at = 0; at < best_.commands.size(); ++at) {
      for (auto number : {&Command::a, &Command::b}) better = lower(at, number) || better;
    }
    return better;
  }

  // The smallest value that will do, by trying all: they are few.
  bool lower(std::size_t at, std::uint32_t Command::* number) {
    for (std::uint32_t value = 0; value < best_.commands[at].*number; ++value) {
      History candidate = best_;
      candidate.commands[at].*number = value;
      if (take(std::move(candidate))) return true;
    }
    return false;
  }

  History best_;
  const std::function<bool(const History&)>& still_;
  unsigned tries_;
};

}  // namespace

History shrink(History history, const std::function<bool(const History&)>& still, unsigned tries) {
  return Shrinker(std::move(history), still, tries).shrink();
}

}  // namespace entryproof::explore
