#include "simulator/explore/rig.h"

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

Result<Lived> Rig::live(node::Tree tree, const runner::Start& start, std::uint64_t seed, const Content& content) const {
  Judge judge(layout_, options_.http_allowed, tree);
  Lived lived;
  std::mutex excess_mutex;
  runner::WorldRequest wanted{site_, std::move(tree), seed, nullptr, &judge, {}, options_.cancelled};
  wanted.on_excess = [&](std::string what) {
    const std::lock_guard lock(excess_mutex);
    lived.excess.push_back(std::move(what));
  };
  auto world = make_world_(std::move(wanted));
  if (!world) return std::unexpected(world.error());
  if (auto done = (*world)->start(kWho, start); !done) return std::unexpected(done.error());

  const auto is_content = [&] {
    if (!content) return false;
    const auto now = (*world)->look();
    lived.content = now && content(*now);
    return lived.content;
  };
  const Moment deadline = (*world)->clock().now() + options_.patience;
  Woke woke = (*world)->pass(deadline, is_content, content ? options_.settled : kRest);
  // What it had begun when all was there: the sync of a directory, the removal of what is in the way.
  if (woke == Woke::kDone) woke = (*world)->pass(deadline, [] { return false; }, kRest);
  if (woke == Woke::kCancelled) return fail(ErrorCode::kUnavailable, "interrupted");

  const auto life = (*world)->life(kWho);
  lived.rested = life.running && woke == Woke::kRest;
  if (!life.running) {
    lived.exit_code = life.exit_code;
    lived.signal = life.signal;
  }
  auto operations = (*world)->journal_after(0);
  if (!operations) return std::unexpected(operations.error());
  lived.operations = std::move(*operations);
  if ((lived.rested || lived.exit_code == 0) && !lived.operations.empty()) lived.acknowledged = lived.operations.back().seq;
  auto after = (*world)->look();
  if (!after) return std::unexpected(after.error());
  lived.after = std::move(*after);
  lived.findings = judge.take();
  const std::lock_guard lock(excess_mutex);
  lived.excess.insert(lived.excess.end(), life.excess.begin(), life.excess.end());
  return lived;
}

}  // namespace entryproof::explore
