#include "simulator/explore/shrink.h"

#include <algorithm>
#include <utility>

namespace entryproof::explore {

namespace {

class Shrinker {
 public:
  Shrinker(History history, const FirstThatShows& first, const ShrinkBounds& bounds)
      : best_(std::move(history)), first_(first), tries_(bounds.tries), side_by_side_(std::max<std::size_t>(bounds.side_by_side, 1)) {}

  History shrink() {
    for (bool better = true; better && tries_ > 0;) {
      better = drop_commands();
      better = make_plainer() || better;
    }
    return best_;
  }

 private:
  // The candidates 0, 1, … of `count`, as many at a time as may be: the first that shows the finding becomes the best.
  template <class Candidate>
  std::optional<std::size_t> take_first(std::size_t count, const Candidate& candidate) {
    for (std::size_t from = 0; from < count && tries_ > 0;) {
      std::vector<History> batch;
      const std::size_t most = std::min({side_by_side_, count - from, static_cast<std::size_t>(tries_)});
      for (std::size_t i = 0; i < most; ++i) batch.push_back(candidate(from + i));
      tries_ -= static_cast<unsigned>(most);
      if (const auto shows = first_(batch)) {
        best_ = std::move(batch[*shows]);
        return from + *shows;
      }
      from += most;
    }
    return std::nullopt;
  }

  bool drop_commands() {
    bool better = false;
    for (std::size_t piece = std::max<std::size_t>(best_.commands.size() / 2, 1);; piece /= 2) {
      for (std::size_t at = 0; at < best_.commands.size() && tries_ > 0;) {
        const auto without = [&](std::size_t place) {
          History candidate = best_;
          const std::size_t from = at + place * piece;
          const std::size_t left = std::min(piece, candidate.commands.size() - from);
          const auto begin = candidate.commands.begin() + static_cast<std::ptrdiff_t>(from);
          candidate.commands.erase(begin, begin + static_cast<std::ptrdiff_t>(left));
          return candidate;
        };
        const auto taken = take_first((best_.commands.size() - at + piece - 1) / piece, without);
        if (!taken) break;
        better = true;
        at += *taken * piece;  // what came before it is needed
      }
      if (piece <= 1) return better;
    }
  }

  bool make_plainer() {
    bool better = false;
    if (best_.plain) {
      better = take_first(1, [&](std::size_t) {
                 History candidate = best_;
                 candidate.plain = false;
                 return candidate;
               }).has_value();
    }
    for (std::size_t at = 0; at < best_.commands.size(); ++at) {
      for (auto number : {&Command::a, &Command::b}) better = lower(at, number) || better;
    }
    return better;
  }

  // The smallest value that will do, by trying all: they are few.
  bool lower(std::size_t at, std::uint32_t Command::* number) {
    return take_first(best_.commands[at].*number,
                      [&](std::size_t value) {
                        History candidate = best_;
                        candidate.commands[at].*number = static_cast<std::uint32_t>(value);
                        return candidate;
                      })
        .has_value();
  }

  History best_;
  const FirstThatShows& first_;
  unsigned tries_;
  const std::size_t side_by_side_;
};

}  // namespace

History shrink(History history, const FirstThatShows& first, const ShrinkBounds& bounds) {
  return Shrinker(std::move(history), first, bounds).shrink();
}

History shrink(History history, const std::function<bool(const History&)>& still) {
  return shrink(std::move(history), [&](const std::vector<History>& candidates) -> std::optional<std::size_t> {
    const auto shows = std::ranges::find_if(candidates, still);
    if (shows == candidates.end()) return std::nullopt;
    return static_cast<std::size_t>(shows - candidates.begin());
  });
}

}  // namespace entryproof::explore
