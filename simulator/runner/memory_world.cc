#include "simulator/runner/memory_world.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "simulator/runner/engine.h"
#include "simulator/runner/kill_gate.h"
#include "simulator/subjects/in_process/reference_in_process.h"

namespace entryproof::runner {

namespace {

using subjects::ReferenceInProcess;

class MemoryWorld final : public World {
 public:
  explicit MemoryWorld(WorldRequest request) : request_(std::move(request)), node_(std::move(request_.image), clock_), gate_(node_) {
    node_.set_observer(request_.observer);
    node_.set_gate(&gate_);
    node_.on_limit(request_.on_excess);
  }

  bool offers(oracles::Need need) const override { return runner::offers(WorldKind::kMemory, need); }

  const Clock& clock() const override { return clock_; }

  Result<> start(const std::string& who, const Start& start) override {
    if (!start.denied.empty()) {
      return fail(ErrorCode::kUnavailable, "a memory world has no kernel that could deny " + *start.denied.begin());
    }
    if (!start.build.in_process()) {
      return fail(ErrorCode::kUnavailable,
                  "a memory world cannot start \"" + start.build.spec + "\": it runs the reference's own code only");
    }
    if (const auto found = programs_.find(who); found != programs_.end() && found->second.life->running()) {
      return fail(ErrorCode::kInvalidInput, "starts \"" + who + "\" while it still runs");
    }
    auto view = request_.site.view(node_.tree());
    if (!view) return std::unexpected(view.error());
    ReferenceInProcess::Start wanted;
    wanted.arguments = start.arguments;
    wanted.environment = start.environment;
    wanted.mutant = start.build.variant;
    wanted.view = std::move(*view);
    wanted.caller = {start.actor, {}, static_cast<mode_t>(start.umask), ++session_};
    wanted.seed = request_.seed;
    node_.unseal(start.actor);
    auto life = ReferenceInProcess::start(node_, clock_, std::move(wanted));
    if (!life) return std::unexpected(life.error());
    programs_[who] = Program{std::move(*life), start.actor, session_};
    return {};
  }

  Life life(const std::string& who) override {
    Life told;
    const auto found = programs_.find(who);
    if (found == programs_.end()) return told;
    const auto& program = *found->second.life;
    told.running = program.running();
    told.exit_code = program.exit_code();
    told.signal = program.ended_by();
    told.output = program.output();
    if (program.output_exceeded()) told.excess.emplace_back("output limit reached");
    return told;
  }

  Result<> signal(const std::string& who, int number) override {
    const auto found = programs_.find(who);
    if (found == programs_.end()) return fail(ErrorCode::kInvalidInput, "signals \"" + who + "\", which was never started");
    found->second.life->signal(number);
    return {};
  }

  Result<> kill(const std::string& who) override {
    const auto found = programs_.find(who);
    if (found == programs_.end()) return fail(ErrorCode::kInvalidInput, "kills \"" + who + "\", which was never started");
    node_.seal(found->second.actor, found->second.session);
    found->second.life->signal(SIGKILL);
    return {};
  }

  Result<> arm_kill(std::uint64_t operation) override {
    gate_.arm(session_ + 1, operation, [] {});  // the sealed node is what the program dies of
    return {};
  }

  Result<> change(const std::vector<cluster::Change>& changes) override {
    const auto done = cluster::apply(node_, node::Caller{}, node::kRoot, changes);
    if (!done) return fail_errno("change", "the node", static_cast<int>(done.error()));
    return {};
  }

  Result<> arm_change(const std::string& directory, std::vector<cluster::Change> changes, std::function<void()> done) override {
    gate_.arm_change(directory, [this, changes = std::move(changes), done = std::move(done)] {
      static_cast<void>(change(changes));
      done();
    });
    return {};
  }

  cluster::Experience ask(const cluster::ClientConfig& client) override { return cluster::attempt(client, *request_.control); }

  void cluster_changed() override {}  // what is asked is computed at that moment

  Result<> set_clock_forward(Duration by) override {
    clock_.set_wall_forward(by);
    return {};
  }

  Result<node::Tree> look() override { return node_.tree(); }

  std::uint64_t activity() override {
    std::uint64_t ended = 0;
    for (const auto& [who, program] : programs_) ended += program.life->running() ? 0 : 1;
    return (node_.tree().generation() << 8) + ended;
  }

  std::uint64_t operations() override { return place().op; }

  oracles::Place place() override {
    const auto& operations = node_.journal().operations();
    for (auto newest = operations.rbegin(); newest != operations.rend(); ++newest) {
      if (newest->actor == node::Actor::kBuild && newest->index != 0) return {"memory", newest->index, newest->path, newest->seq};
    }
    return {"memory", 0, {}, 0};
  }

  Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) override { return node_.journal().after(seq); }

  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) override {
    std::uint64_t seen = activity();
    if (done()) return Woke::kDone;
    const Moment begun = clock_.now();
    Moment quiet_since = begun;
    for (;;) {
      if (request_.cancelled != nullptr && request_.cancelled->load()) return Woke::kCancelled;
      const auto next = next_program();
      const Moment rested = rest ? quiet_since + *rest : deadline;
      const Moment limit = std::min(deadline, rested);
      if (next == programs_.end() || next->second.life->next_wake() > limit) {
        clock_.advance_to(limit);
        if (done()) return Woke::kDone;
        return limit == deadline && !(rest && rested <= deadline) ? Woke::kDeadline : Woke::kRest;
      }
      clock_.advance_to(next->second.life->next_wake());
      next->second.life->turn();
      if (const auto now = activity(); now != seen) {
        seen = now;
        quiet_since = clock_.now();
        if (done()) return Woke::kDone;
      }
    }
  }

 private:
  struct Program {
    std::unique_ptr<ReferenceInProcess> life;
    node::Actor actor = node::Actor::kBuild;
    std::uint32_t session = 0;
  };

  // The running program whose turn is due first.
  std::map<std::string, Program>::iterator next_program() {
    auto first = programs_.end();
    for (auto it = programs_.begin(); it != programs_.end(); ++it) {
      if (!it->second.life->running()) continue;
      if (first == programs_.end() || it->second.life->next_wake() < first->second.life->next_wake()) first = it;
    }
    return first;
  }

  WorldRequest request_;
  VirtualClock clock_;
  node::Node node_;
  KillGate gate_;
  std::map<std::string, Program> programs_;  // they use the node
  std::uint32_t session_ = 0;
};

}  // namespace

Result<std::unique_ptr<World>> make_memory_world(WorldRequest request) { return std::make_unique<MemoryWorld>(std::move(request)); }

}  // namespace entryproof::runner
