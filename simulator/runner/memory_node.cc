#include "simulator/runner/memory_node.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace entryproof::runner {

using subjects::ReferenceInProcess;

MemoryNode::MemoryNode(Site site, std::uint64_t seed, node::Observer* observer, node::Journal::Limits journal)
    : site_(std::move(site)), seed_(seed), node_(node::Tree(), clock_, journal), engine_(node_) {
  node_.set_observer(observer);
  node_.set_gate(&engine_);
  node_.set_pause([this](Duration time) { clock_.advance_to(clock_.now() + time); });
}

void MemoryNode::reset(node::Tree tree) {
  programs_.clear();  // they hold inodes of the node
  session_ = 0;
  clock_.restart();
  node_.restart(std::move(tree));
  engine_.disarm();
}

Result<> MemoryNode::start(const std::string& who, const Start& start) {
  if (!start.denied.empty()) {
    return fail(ErrorCode::kUnavailable, "a memory world has no kernel that could deny " + *start.denied.begin());
  }
  if (!start.node_program.empty())
    return fail(ErrorCode::kUnavailable, "a memory world has no kernel that could execute " + start.node_program);
  if (!start.build.in_process()) {
    return fail(ErrorCode::kUnavailable, "a memory world cannot start \"" + start.build.spec + "\": it runs the reference's own code only");
  }
  if (const auto* before = find(who); before != nullptr && before->running()) {
    return fail(ErrorCode::kInvalidInput, "starts \"" + who + "\" while it still runs");
  }
  if (!view_ || !site_.still(*view_, node_.tree())) {
    auto view = site_.view(node_.tree());
    if (!view) return std::unexpected(view.error());
    view_ = std::move(*view);
  }
  ReferenceInProcess::Start wanted;
  wanted.arguments = start.arguments;
  wanted.environment = start.environment;
  wanted.mutant = start.build.variant;
  wanted.view = *view_;
  wanted.caller = {start.actor, {}, static_cast<mode_t>(start.umask), ++session_};
  wanted.seed = seed_;
  wanted.marks = marks_;
  node_.unseal(start.actor);
  auto life = ReferenceInProcess::start(node_, clock_, std::move(wanted));
  if (!life) return std::unexpected(life.error());
  programs_[who] = Program{std::move(*life), start.actor, session_};
  return {};
}

const ReferenceInProcess* MemoryNode::find(const std::string& who) const {
  const auto found = programs_.find(who);
  return found == programs_.end() ? nullptr : found->second.life.get();
}

bool MemoryNode::running() const {
  return std::ranges::any_of(programs_, [](const auto& program) { return program.second.life->running(); });
}

Life MemoryNode::life(const std::string& who) const {
  Life told;
  const auto* program = find(who);
  if (program == nullptr) return told;
  told.running = program->running();
  told.exit_code = program->exit_code();
  told.signal = program->ended_by();
  told.output = program->output();
  if (program->output_exceeded()) told.excess.emplace_back("output limit reached");
  return told;
}

Result<> MemoryNode::signal(const std::string& who, int number) {
  const auto found = programs_.find(who);
  if (found == programs_.end()) return fail(ErrorCode::kInvalidInput, "signals \"" + who + "\", which was never started");
  found->second.life->signal(number);
  return {};
}

Result<> MemoryNode::kill(const std::string& who) {
  const auto found = programs_.find(who);
  if (found == programs_.end()) return fail(ErrorCode::kInvalidInput, "kills \"" + who + "\", which was never started");
  node_.seal(found->second.actor, found->second.session);
  found->second.life->signal(SIGKILL);
  return {};
}

void MemoryNode::arm_kill(std::uint64_t operation) {
  engine_.kill_at(session_ + 1, operation, [] {});  // the sealed node is what the program dies of
}

void MemoryNode::arm_signal(const faults::Rule& moment, int number) {
  engine_.at(moment, "signal " + std::to_string(number) + " sent", [this, number](const node::Operation& operation) {
    for (auto& [name, program] : programs_) {
      if (program.session == operation.session) program.life->signal(number);
    }
  });
}

Result<> MemoryNode::change(const std::vector<cluster::Change>& changes) {
  const auto done = cluster::apply(node_, node::Caller{}, node::kRoot, changes);
  if (!done) return fail_errno("change", "the node", static_cast<int>(done.error()));
  return {};
}

std::uint64_t MemoryNode::activity() const {
  const auto ended = std::ranges::count_if(programs_, [](const auto& program) { return !program.second.life->running(); });
  return (node_.tree().generation() << 8) + static_cast<std::uint64_t>(ended);
}

Woke MemoryNode::pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest,
                      const std::atomic<bool>* cancelled) {
  std::uint64_t seen = activity();
  if (done()) return Woke::kDone;
  Moment quiet_since = clock_.now();
  for (;;) {
    if (cancelled != nullptr && cancelled->load()) return Woke::kCancelled;
    Program* next = next_program();
    const Moment rested = rest ? quiet_since + *rest : deadline;
    const Moment limit = std::min(deadline, rested);
    if (next == nullptr || next->life->next_wake() > limit) {
      clock_.advance_to(limit);
      if (done()) return Woke::kDone;
      return limit == deadline && !(rest && rested <= deadline) ? Woke::kDeadline : Woke::kRest;
    }
    clock_.advance_to(next->life->next_wake());
    next->life->turn();
    if (const auto now = activity(); now != seen) {
      seen = now;
      quiet_since = clock_.now();
      if (done()) return Woke::kDone;
    }
  }
}

// The running program whose turn is due first; null if none runs.
MemoryNode::Program* MemoryNode::next_program() {
  Program* first = nullptr;
  for (auto& [name, program] : programs_) {
    if (!program.life->running()) continue;
    if (first == nullptr || program.life->next_wake() < first->life->next_wake()) first = &program;
  }
  return first;
}

}  // namespace entryproof::runner
