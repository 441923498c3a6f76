#include "simulator/runner/replay.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

namespace entryproof::runner {
namespace {

constexpr std::size_t kStates = 20'000;  // that are remembered: a finding names an operation of the case, not of long ago

// Waits for the finding, keeps the states around it, and ends the case.
class Watch final : public Onlooker {
 public:
  Watch(const ReplayRequest& request, WorldKind world, std::atomic<bool>& stop)
      : request_(request), world_(to_string(world)), stop_(stop) {}

  void on_begin(const node::Tree& image) override { image_ = image; }

  void on_operation(const node::Operation& operation, const node::Tree& now, const std::vector<oracles::Finding>& found) override {
    if (request_.interrupted.load()) stop_.store(true);
    const std::lock_guard lock(mutex_);
    if (seen_) return;
    states_.push_back({operation.seq, operation.describe(), now});
    if (states_.size() > kStates) states_.pop_front();
    for (const auto& finding : found) {
      if (wanted(finding) && !seen_) see(finding, now);
    }
  }

  void on_finding(const oracles::Finding& finding, const node::Tree& now) override {
    const std::lock_guard lock(mutex_);
    if (wanted(finding) && !seen_) see(finding, now);
  }

  void on_end(const oracles::Redactor& redactor) override {
    const std::lock_guard lock(mutex_);
    if (seen_) seen_->redactor = redactor;
  }

  std::optional<Reproduced> take() {
    const std::lock_guard lock(mutex_);
    return std::move(seen_);
  }

 private:
  struct State {
    std::uint64_t seq = 0;
    std::string operation;
    node::Tree after;
  };

  bool wanted(const oracles::Finding& finding) const { return request_.check.empty() || finding.check == request_.check; }

  void see(const oracles::Finding& finding, const node::Tree& now) {
    seen_ = Reproduced{finding, {}, image_, now, {}};
    if (seen_->finding.at && seen_->finding.at->world.empty()) seen_->finding.at->world = world_;
    const auto at = finding.at ? std::ranges::find(states_, finding.at->seq, &State::seq) : states_.end();
    if (at != states_.end()) {
      seen_->operation = at->operation;
      seen_->after = at->after;
      if (at != states_.begin()) seen_->before = std::prev(at)->after;
    }
    stop_.store(true);
  }

  const ReplayRequest& request_;
  const std::string world_;
  std::atomic<bool>& stop_;
  std::mutex mutex_;
  node::Tree image_;
  std::deque<State> states_;
  std::optional<Reproduced> seen_;
};

// Why the case says nothing about what is looked for; empty if it does.
std::string undecided(const CaseRecord& record, const std::string& check) {
  std::string why;
  for (const auto& each : record.checks) {
    if (!check.empty() && each.check != check) continue;
    const bool nothing = each.status == oracles::Status::kError || each.status == oracles::Status::kUnknown ||
                         (each.status == oracles::Status::kNotTested && !check.empty());
    if (nothing) why = each.check + ": " + each.actual;
  }
  return why;
}

}  // namespace

Result<Replayed> replay(const ReplayRequest& request, Stage& stage) {
  std::string why;
  Replayed result;
  const auto make_world = stage.maker();
  while (result.tries < request.tries && !request.interrupted.load()) {
    ++result.tries;
    std::atomic<bool> stop{false};
    Watch watch(request, stage.kind(), stop);
    const CaseRequest wanted{request.suite, request.scenario,
                             request.build, request.options,
                             stage.kind(),  case_seed(request.options.seed, request.scenario.id),
                             &stop,         &watch};
    const auto played = play_case(wanted, make_world);
    result.reproduced = watch.take();
    if (result.reproduced) return result;
    why = undecided(played.record, request.check);
    if (why.empty() && stage.kind() == WorldKind::kMemory) return result;  // another try would be the same
  }
  if (!why.empty()) return fail(ErrorCode::kUnavailable, "could not be played to a judgement: " + why);
  return result;
}

}  // namespace entryproof::runner
