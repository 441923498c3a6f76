#include "simulator/explore/rig.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

#include "simulator/oracles/live.h"

namespace entryproof::explore {
namespace {

using namespace std::chrono_literals;
using runner::Woke;

constexpr Duration kRest = 30ms;  // DESIGN.md, decision 12
constexpr const char* kWho = "build";

// Longest, and at rest for so long nothing more is hoped for.
struct Stretch {
  Duration patience{};
  Duration settled{};
};

// The live oracles; observe() runs on the thread that serves the file system.
class Judge final : public node::Observer {
 public:
  Judge(const oracles::Layout& layout, bool http_allowed, const node::Tree& tree) : oracle_(layout, http_allowed) { oracle_.reset(tree); }

  void observe(const node::Operation& operation, const node::Tree& now) override {
    const std::lock_guard lock(mutex_);
    auto found = oracle_.judge(operation, now);
    std::ranges::move(found, std::back_inserter(findings_));
  }

  std::vector<oracles::Finding> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(findings_, {});
  }

 private:
  std::mutex mutex_;
  oracles::LiveOracle oracle_;
  std::vector<oracles::Finding> findings_;
};

}  // namespace

std::string Lived::end() const {
  if (exit_code) return "ended with status " + std::to_string(*exit_code);
  if (signal) return "was ended by signal " + std::to_string(*signal);
  return rested ? "is at rest" : "is still at work";
}

Rig::Rig(runner::Site site, oracles::Layout layout, runner::WorldMaker make_world, Options options)
    : site_(std::move(site)), layout_(std::move(layout)), make_world_(std::move(make_world)), options_(options) {}

// One life, in as many stretches as somebody wants to look at it.
class Rig::Session {
 public:
  Session(const Rig& rig, node::Tree tree, std::uint64_t seed) : rig_(rig), judge_(rig.layout_, rig.options_.http_allowed, tree) {
    request_.site = rig.site_;
    request_.image = std::move(tree);
    request_.seed = seed;
    request_.observer = &judge_;
    request_.on_excess = [this](std::string what) {
      const std::lock_guard lock(excess_mutex_);
      excess_.push_back(std::move(what));
    };
    request_.cancelled = rig.options_.cancelled;
    request_.asks_at_close = rig.options_.asks_at_close;
  }

  Result<> open() {
    auto world = rig_.make_world_(std::move(request_));
    if (!world) return std::unexpected(world.error());
    world_ = std::move(*world);
    return {};
  }

  runner::World& world() { return *world_; }
  Result<> start(const runner::Start& start) { return world_->start(kWho, start); }
  bool running() { return world_->life(kWho).running; }

  // Until what is asked for has come about and all is at rest, or nothing more can be hoped for.
  Result<Lived> go_on(const Content& content, const Stretch& stretch) {
    Lived lived;
    const auto is_content = [&] {
      if (!content) return false;
      const auto now = world_->look();
      lived.content = now && content(*now);
      return lived.content;
    };
    const Moment deadline = world_->clock().now() + within_limits(stretch.patience);
    Woke woke = world_->pass(deadline, is_content, content ? stretch.settled : kRest);
    // What it had begun when all was there: the sync of a directory, the removal of what is in the way.
    if (woke == Woke::kDone) woke = world_->pass(deadline, [] { return false; }, kRest);
    if (woke == Woke::kCancelled) return fail(ErrorCode::kUnavailable, "interrupted");
    return describe(std::move(lived), woke);
  }

  // Until it has finished what it had to do, or that time is over.
  Result<Lived> finish(const std::function<bool(const Lived&)>& unfinished, Duration patience) {
    const auto finished = [&] {
      const auto now = describe({}, Woke::kRest);
      return now && !unfinished(*now);
    };
    const Woke woke = world_->pass(world_->clock().now() + within_limits(patience), finished, patience);
    if (woke == Woke::kCancelled) return fail(ErrorCode::kUnavailable, "interrupted");
    return describe({}, Woke::kRest);
  }

 private:
  Duration within_limits(Duration patience) const {
    if (!rig_.options_.until) return patience;
    return std::clamp<Duration>(*rig_.options_.until - std::chrono::steady_clock::now(), Duration{}, patience);
  }

  Result<Lived> describe(Lived lived, Woke woke) {
    auto life = world_->life(kWho);
    lived.rested = life.running && woke == Woke::kRest;
    if (!life.running) {
      lived.exit_code = life.exit_code;
      lived.signal = life.signal;
    }
    lived.acknowledged = lived.rested || lived.exit_code == 0;
    lived.output = std::move(life.output);
    auto operations = world_->journal_after(0);
    if (!operations) return std::unexpected(operations.error());
    lived.operations = std::move(*operations);
    auto after = world_->look();
    if (!after) return std::unexpected(after.error());
    lived.after = std::move(*after);
    lived.findings = judge_.take();
    const std::lock_guard lock(excess_mutex_);
    lived.excess = excess_;
    lived.excess.insert(lived.excess.end(), life.excess.begin(), life.excess.end());
    return lived;
  }

  const Rig& rig_;
  Judge judge_;
  std::mutex excess_mutex_;
  std::vector<std::string> excess_;
  runner::WorldRequest request_;
  std::unique_ptr<runner::World> world_;  // ends first: its threads use what is above
};

Result<Lived> Rig::live(node::Tree tree, const runner::Start& start, std::uint64_t seed, const Content& content) const {
  Session session(*this, std::move(tree), seed);
  if (auto opened = session.open(); !opened) return std::unexpected(opened.error());
  if (auto started = session.start(start); !started) return std::unexpected(started.error());
  return session.go_on(content, {options_.patience, options_.settled});
}

Result<Troubled> Rig::live_with(const faults::Plan& plan, node::Tree tree, const runner::Start& start, std::uint64_t seed,
                                const Content& content, const Healing& healing) const {
  Session session(*this, std::move(tree), seed);
  if (auto opened = session.open(); !opened) return std::unexpected(opened.error());
  if (auto set = session.world().add_faults(plan, faults::Owner::kScenario); !set) return std::unexpected(set.error());
  if (auto started = session.start(start); !started) return std::unexpected(started.error());
  auto during = session.go_on(content, {options_.patience, kRest});
  if (!during) return std::unexpected(during.error());
  session.world().clear_faults(faults::Owner::kScenario);
  Troubled troubled{*during, *during, std::move(*during)};
  if (!content) return troubled;
  const auto go_on = [&](const Stretch& stretch) -> Result<> {
    auto lived = session.go_on(content, stretch);
    if (!lived) return std::unexpected(lived.error());
    troubled.healed = std::move(*lived);
    return {};
  };
  // Nobody asks it to be quick, so nothing but its time ends a wait.
  if (session.running() && !troubled.during.content) {
    if (auto waited = go_on({healing.patience, healing.patience}); !waited) return std::unexpected(waited.error());
  }
  troubled.first = troubled.healed;
  if (session.running() && healing.unfinished && healing.unfinished(troubled.first)) {
    auto finished = session.finish(healing.unfinished, healing.patience);
    if (!finished) return std::unexpected(finished.error());
    troubled.first = troubled.healed = std::move(*finished);
    troubled.healed.content = content(troubled.healed.after);
  }
  if (session.running() && healing.again && !troubled.healed.content) {
    if (auto killed = session.world().kill(kWho); !killed) return std::unexpected(killed.error());
  }
  if (session.running()) return troubled;
  if (auto again = session.start(start); !again) return std::unexpected(again.error());
  if (auto waited = go_on({options_.patience, options_.settled}); !waited) return std::unexpected(waited.error());
  return troubled;
}

}  // namespace entryproof::explore
