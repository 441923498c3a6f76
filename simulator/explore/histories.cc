#include "simulator/explore/histories.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace entryproof::explore {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Of each kind of happening one that is different from all others.
constexpr std::array<Command, 12> kSmall{{{Letter::kQuiet, 0, 0},
                                          {Letter::kStart, 0, 0},
                                          {Letter::kStart, 8, 0},
                                          {Letter::kStop, 0, 0},
                                          {Letter::kStartToKill, 4, 0},
                                          {Letter::kRotate, 2, 0},
                                          {Letter::kVolumeAway, 0, 0},
                                          {Letter::kPrimary, 3, 0},
                                          {Letter::kPrimaryHalf, 0, 0},
                                          {Letter::kPrimaryGone, 0, 0},
                                          {Letter::kKubeconfig, 0, 0},
                                          {Letter::kConfiguration, 1, 0}}};

constexpr unsigned kBelievers = 4;     // that play again side by side
constexpr unsigned kMostSuspects = 3;  // histories that are played again for one check

// A history that is to be played again, and what it showed.
struct Doubt {
  History history;
  Trial trial;
};

class Hunt {
 public:
  Hunt(const Bench& bench, const Search& search, const std::atomic<bool>& interrupted,
       const std::function<void(std::uint64_t, std::size_t)>& progress)
      : bench_(bench), search_(search), interrupted_(interrupted), progress_(progress), next_(search.first), end_(end_of(search)) {}

  Searched run() {
    const auto begun = SteadyClock::now();
    if (search_.max_time) deadline_ = begun + *search_.max_time;
    do {
      enough_ = false;
      side_by_side(search_.jobs, [this] { work(); });
      side_by_side(kBelievers, [this] { believe(); });
    } while (search_.first_only && searched_.found.empty() && next_.load() < end_ && !late());
    searched_.took = SteadyClock::now() - begun;
    searched_.complete = next_.load() >= end_ && !interrupted_.load();
    return std::move(searched_);
  }

 private:
  static std::uint64_t end_of(const Search& search) {
    if (search.exhaustive) return exhaustive_histories(*search.exhaustive);
    if (search.histories) return search.first + *search.histories;
    return std::numeric_limits<std::uint64_t>::max();
  }

  bool late() const { return interrupted_.load() || (deadline_ && SteadyClock::now() >= *deadline_); }

  void work() {
    while (!enough_.load() && !late()) {
      const std::uint64_t index = next_.fetch_add(1);
      if (index >= end_) {
        next_ = end_;
        return;
      }
      const History history =
          search_.exhaustive ? exhaustive_history(index) : random_history(search_.seed, index, search_.commands, bench_.world);
      play(index, history);
    }
  }

  static void side_by_side(unsigned many, const std::function<void()>& work) {
    std::vector<std::jthread> workers;
    for (unsigned worker = 1; worker < many; ++worker) workers.emplace_back(work);
    work();
  }

  void play(std::uint64_t index, const History& history) {
    Trial trial = try_history(bench_, history);
    if (!in_real_time_ && !trial.deadline_missed) return tell(index, history, std::move(trial));
    if (doubt(index, history, trial)) return;
    trial.findings.clear();  // others show the same
    tell(index, history, std::move(trial));
  }

  // Whether it is to be played again: it came too late for a verdict, or shows what few others have shown.
  bool doubt(std::uint64_t index, const History& history, const Trial& trial) {
    const std::lock_guard lock(mutex_);
    bool wanted = trial.deadline_missed;
    for (const auto& finding : trial.findings) wanted = ++suspected_[finding.check] <= kMostSuspects || wanted;
    if (!wanted) return false;
    doubts_.emplace(index, Doubt{history, trial});
    if (search_.first_only) enough_ = true;
    return true;
  }

  // With few beside it, so that nobody is late for want of a processor. What one of them has shown meanwhile, the others need not.
  void believe() {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (doubts_.empty() || interrupted_.load()) return;
      const auto first = doubts_.extract(doubts_.begin());
      const auto index = first.key();
      Doubt doubt = std::move(first.mapped());
      const bool known =
          std::ranges::all_of(doubt.trial.findings, [&](const auto& finding) { return searched_.found.contains(finding.check); });
      lock.unlock();
      if (doubt.trial.deadline_missed || !known) doubt.trial = try_history(bench_, doubt.history);
      tell(index, doubt.history, std::move(doubt.trial));
    }
  }

  void tell(std::uint64_t index, const History& history, Trial trial) {
    const std::lock_guard lock(mutex_);
    if (interrupted_.load()) return;
    ++searched_.histories;
    searched_.commands += history.commands.size();
    if (!trial.trouble.empty()) {
      auto& trouble = searched_.troubles.try_emplace(trial.trouble, Trouble{0, index, history}).first->second;
      ++trouble.times;
      if (index < trouble.index) trouble.index = index, trouble.history = history;
    }
    for (auto& finding : trial.findings) {
      const auto known = searched_.found.find(finding.check);
      if (known != searched_.found.end() && (in_real_time_ || known->second.index < index)) continue;
      searched_.found.insert_or_assign(finding.check, Found{index, history, finding});
      if (search_.first_only) enough_ = true;
    }
    progress_(searched_.histories, searched_.found.size());
  }

  const Bench& bench_;
  const Search& search_;
  const std::atomic<bool>& interrupted_;
  const std::function<void(std::uint64_t, std::size_t)>& progress_;
  std::atomic<std::uint64_t> next_;
  const std::uint64_t end_;
  const bool in_real_time_ = bench_.world != runner::WorldKind::kMemory;
  std::optional<SteadyClock::time_point> deadline_;
  std::atomic<bool> enough_{false};
  std::mutex mutex_;  // guards all below
  std::map<std::uint64_t, Doubt> doubts_;
  std::map<std::string, unsigned> suspected_;  // how often each check was
  Searched searched_;
};

}  // namespace

std::uint64_t exhaustive_histories(std::size_t commands) {
  std::uint64_t all = 0;
  for (std::uint64_t length = 0, of_length = kSmall.size(); length < commands; ++length, of_length *= kSmall.size()) all += of_length;
  return all;
}

History exhaustive_history(std::uint64_t index) {
  std::uint64_t of_length = kSmall.size();
  std::size_t length = 1;
  for (; index >= of_length; ++length, of_length *= kSmall.size()) index -= of_length;
  History history;
  for (; length > 0; --length, index /= kSmall.size()) history.commands.push_back(kSmall.at(index % kSmall.size()));
  std::ranges::reverse(history.commands);
  return history;
}

Searched search(const Bench& bench, const Search& search, const std::atomic<bool>& interrupted,
                const std::function<void(std::uint64_t, std::size_t)>& progress) {
  return Hunt(bench, search, interrupted, progress).run();
}

}  // namespace entryproof::explore
