#include "simulator/explore/crash.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>
#include <utility>

#include "simulator/durability/pick.h"
#include "simulator/explore/paths.h"
#include "simulator/explore/recording.h"
#include "simulator/explore/rig.h"
#include "simulator/explore/verdict.h"
#include "simulator/oracles/host.h"
#include "simulator/runner/play.h"

namespace entryproof::explore {
namespace {

using namespace std::chrono_literals;
using durability::Complaint;
using durability::CrashState;

constexpr Duration kPatience = 10s;
constexpr Duration kSettled = 1500ms;
constexpr std::size_t kMostBounds = 8;  // that are told by name

// One life to be taken apart.
struct Segment {
  std::size_t root = 0;  // which start of the case it goes back to
  Inputs inputs = Inputs::kSame;
  CrashAddress address;  // of the state that it began on; no steps: it is a start of the case
  node::Tree before;
  runner::Start start;
  std::vector<node::Operation> operations;
  std::vector<Acknowledged> acknowledged;
  node::Tree after;
};

using HealKey = std::tuple<std::uint64_t, std::uint64_t, std::size_t, Inputs>;  // state, root, inputs

// What is below a directory of `tree` and was not in `before`: names, the highest only.
void collect_new(const node::Tree& tree, const node::Tree& before, const std::string& directory, std::vector<cluster::Change>& removals) {
  const auto now = oracles::resolve_on_host(tree, directory);
  const auto then = oracles::resolve_on_host(before, directory);
  const auto entries = now ? tree.list(*now) : node::refuse(ENOENT);
  if (!entries || !then) return;
  for (const auto& entry : *entries) {
    const std::string path = oracles::join(directory, entry.name);
    if (before.child(*then, entry.name) == 0) {
      removals.push_back(cluster::Change::remove(path.substr(1)));
    } else if (entry.type == node::FileType::kDirectory) {
      collect_new(tree, before, path, removals);
    }
  }
}

class Explorer {
 public:
  Explorer(const runner::CaseRequest& request, const runner::WorldMaker& make_world, const CrashBounds& bounds,
           const CrashProgress& progress)
      : request_(request), make_world_(make_world), bounds_(bounds), progress_(progress), begun_(std::chrono::steady_clock::now()) {}

  CrashReport explore() {
    for (const auto model : bounds_.models) report_.models.push_back({model});
    if (!record()) return std::move(report_);
    if (bounds_.only) {
      look_at_one();
    } else {
      for (std::size_t i = 0; i < recording_.lives.size(); ++i) queue_.push_back(segment_of(i));
      while (!queue_.empty() && !over()) {
        const Segment segment = std::move(queue_.front());
        queue_.pop_front();
        take_apart(segment);
      }
    }
    if (request_.cancelled != nullptr && request_.cancelled->load()) report_.obstacle = "interrupted";
    return std::move(report_);
  }

 private:
  bool record() {
    const runner::CaseRequest wanted{request_.suite, request_.scenario, request_.build,     request_.options,
                                     request_.world, request_.seed,     request_.cancelled, nullptr};
    static_cast<void>(runner::play_case(wanted, recorded(make_world_, recording_)));
    if (!recording_.obstacle.empty()) report_.obstacle = recording_.obstacle;
    if (report_.obstacle.empty() && recording_.lives.empty()) report_.obstacle = "the build was never started";
    report_.operations = static_cast<std::uint64_t>(
        std::ranges::count_if(recording_.journal, [](const auto& operation) { return node::counts(operation.verb); }));
    report_.trace = digest_of(recording_.journal);
    if (!report_.obstacle.empty()) return false;
    const auto protocol = recording_.lives.front().start.environment.find("KUBERNETES_SERVICE_PROTOCOL");
    const bool http = protocol != recording_.lives.front().start.environment.end() && protocol->second == "http";
    readers_ = std::make_unique<oracles::Readers>(http);
    http_ = http;
    rig_ = std::make_unique<Rig>(recording_.site, runner::layout_of(recording_.site), make_world_,
                                 Rig::Options{kPatience, kSettled, http, request_.cancelled});
    return true;
  }

  Segment segment_of(std::size_t life) {
    auto& recorded = recording_.lives[life];
    Segment segment;
    segment.root = life;
    segment.address.life = life;
    segment.before = recorded.before;
    segment.start = recorded.start;
    segment.operations = recording_.operations_of(life);
    segment.acknowledged = recorded.acknowledged;
    segment.after = recorded.after;
    return segment;
  }

  // --- one life ---

  Condition look(const node::Tree& tree, oracles::Readers& readers) const {
    return condition_of(tree, rig_->layout(), facts_on(tree, recording_.site.service_account), readers);
  }

  Course course_of(const Segment& segment) {
    Course course{look(segment.before, *readers_), {}, look(segment.after, *readers_)};
    for (const auto& each : segment.acknowledged) course.acknowledged.push_back(look(each.tree, *readers_));
    return course;
  }

  Result<durability::Program> compile(const Segment& segment, std::uint64_t until) const {
    durability::Trace trace;
    trace.image = segment.before;
    const auto end = std::ranges::find_if(segment.operations, [&](const auto& each) { return each.seq > until; });
    trace.operations = {segment.operations.begin(), end};
    for (const auto& each : segment.acknowledged) {
      if (each.after <= until) trace.acknowledgements.push_back({each.after, "in place"});
    }
    return durability::Program::compile(trace, watched_paths(recording_.site));
  }

  void take_apart(const Segment& segment) {
    const auto program = compile(segment, UINT64_MAX);
    if (!program) {
      static_cast<void>(trouble(program.error()));
      return;
    }
    const auto course = course_of(segment);
    const durability::Bounds bounds{bounds_.states};
    if (bounds_.jobs > 1) heal_side_by_side(segment, *program, bounds);
    const auto judge = [&](const CrashState& state) { return judge_here(segment, *program, course, state); };
    const auto survey = durability::survey(*program, bounds_.models, judge, bounds);
    for (const auto& coverage : survey.coverage) add(coverage, segment);
    for (const auto& cause : survey.causes) add(cause, segment, *program);
  }

  void add(const durability::Coverage& coverage, const Segment& segment) {
    const auto model = std::ranges::find(report_.models, coverage.model, &CrashReport::Model::model);
    model->windows += coverage.windows;
    model->raw += coverage.raw;
    model->distinct += coverage.distinct;
    for (const auto& bound : coverage.bounds) bounded(fmt::format("start {} ({}): {}", segment.root, to_string(coverage.model), bound));
  }

  void add(const durability::Cause& cause, const Segment& segment, const durability::Program& program) {
    if (!causes_.insert(cause.check + "\n" + cause.key).second) return;
    auto address = segment.address;
    address.steps.push_back({cause.label, cause.after, lost_of(program, cause.lost), segment.inputs});
    report_.failures.push_back({cause, to_string(address)});
  }

  void bounded(std::string what) {
    if (report_.bounds.size() < kMostBounds) report_.bounds.push_back(std::move(what));
  }

  // --- one state ---

  std::vector<Complaint> judge_here(const Segment& segment, const durability::Program& program, const Course& course,
                                    const CrashState& state) {
    if (over()) return {};
    const auto tree = state.tree();
    auto complaints = judge_state(look(tree, *readers_), course, state.acknowledged, rig_->layout().kubeconfig_mode);
    ++states_;
    for (const auto inputs : inputs_for(segment)) {
      for (auto& complaint : heal(segment, program, state, inputs, [&] { return tree; })) complaints.push_back(std::move(complaint));
    }
    if (progress_) progress_(states_, report_.lives);
    return complaints;
  }

  // Changed inputs come with the first start; later ones find what that one found.
  std::vector<Inputs> inputs_for(const Segment& segment) const {
    return segment.address.steps.empty() ? bounds_.inputs : std::vector{segment.inputs};
  }

  CrashAddress address_of(const Segment& segment, const durability::Program& program, const CrashState& state) const {
    auto address = segment.address;
    address.steps.push_back({state.model, state.after, lost_of(program, state.lost()), segment.inputs});
    return address;
  }

  // Micro-operations of a program by their operations; what is lost whole is told whole.
  static std::vector<CrashAddress::Lost> lost_of(const durability::Program& program, const std::vector<std::size_t>& lost) {
    const auto parts = program.parts();
    std::vector<CrashAddress::Lost> told;
    for (const auto index : lost) {
      if (told.empty() || told.back().seq != parts[index].seq) told.push_back({parts[index].seq, {}});
      told.back().places.push_back(parts[index].place);
    }
    for (auto& each : told) {
      const auto all = static_cast<std::size_t>(std::ranges::count(parts, each.seq, &durability::Program::Part::seq));
      if (each.places.size() == all) each.places.clear();
    }
    return told;
  }

  // The other way round, in a program that ends with the crash. What nobody sees there cannot be missed.
  static durability::Lose lose(const durability::Program& program, const std::vector<CrashAddress::Lost>& lost) {
    const auto parts = program.parts();
    durability::Lose chosen;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto meant = [&](const auto& each) {
        return each.seq == parts[i].seq && (each.places.empty() || std::ranges::find(each.places, parts[i].place) != each.places.end());
      };
      if (std::ranges::any_of(lost, meant)) chosen.micro_operations.push_back(i);
    }
    return chosen;
  }

  std::vector<Complaint> heal(const Segment& segment, const durability::Program& program, const CrashState& state, Inputs inputs,
                              const std::function<node::Tree()>& tree) {
    const HealKey key{state.hash.high, state.hash.low, segment.root, inputs};
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = healed_.find(key); found != healed_.end()) return found->second;
    }
    auto complaints = live_on(segment, tree(), inputs, address_of(segment, program, state), *readers_);
    const std::lock_guard lock(mutex_);
    return healed_.emplace(key, std::move(complaints)).first->second;
  }

  // Starts the build again on a crash state. Safe from several threads, each with its own readers.
  std::vector<Complaint> live_on(const Segment& segment, node::Tree tree, Inputs inputs, const CrashAddress& address,
                                 oracles::Readers& readers) {
    forget_container(segment, tree);
    auto start = segment.start;
    const bool first = segment.address.steps.empty();
    if (const auto done = first ? apply(inputs, recording_.site, tree, start) : Result<>(); !done) return trouble(done.error());
    const auto* controls = controls_of(segment, inputs, readers);
    if (controls == nullptr) return {};
    const std::string with = inputs == Inputs::kSame ? "with the same inputs" : fmt::format("with other inputs: {}", to_string(inputs));
    const auto before = look(tree, readers);
    // Asked for here: who judges a life that starts up holds one of the machine's slots, and must not wait for whoever lives the controls.
    const Condition& root = root_before(segment);
    const auto verdict = [&](const node::Tree& now) { return judge_recovery(look(now, readers), root, *controls, with); };
    const auto begun_on = tree;
    auto lived = rig_->live(std::move(tree), start, request_.seed + 1, [&](const node::Tree& now) { return verdict(now).empty(); });
    if (!lived) return trouble(lived.error());
    auto complaints = judge_life(*lived, *controls, with);
    for (auto& complaint : verdict(lived->after)) complaints.push_back(std::move(complaint));
    const std::lock_guard lock(mutex_);
    ++report_.lives;
    if (address.steps.size() < bounds_.depth) {
      Segment next{segment.root, inputs, address, begun_on, std::move(start), std::move(lived->operations), {}, lived->after};
      if (lived->acknowledged && !next.operations.empty()) next.acknowledged.push_back({next.operations.back().seq, lived->after});
      if (!next.operations.empty()) queue_.push_back(std::move(next));
    }
    return complaints;
  }

  std::vector<Complaint> trouble(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (report_.obstacle.empty()) report_.obstacle = error.line();
    stopped_ = true;
    return {};
  }

  // A new container has a new root: what the crashed one wrote there is gone with it.
  void forget_container(const Segment& segment, node::Tree& tree) const {
    std::vector<cluster::Change> removals;
    for (const auto& volume : recording_.site.volumes) {
      if (volume.node.starts_with(recording_.site.root + "/")) collect_new(tree, segment.before, volume.node, removals);
    }
    if (!removals.empty()) static_cast<void>(cluster::apply(tree, node::kRoot, removals, VirtualClock::kDefaultEpochNs));
  }

  const Condition& root_before(const Segment& segment) {
    const std::lock_guard lock(control_mutex_);
    const auto found = befores_.find(segment.root);
    if (found != befores_.end()) return found->second;
    return befores_.emplace(segment.root, look(recording_.lives[segment.root].before, *control_readers_)).first->second;
  }

  // Lives that nobody disturbed; null when one could not be lived.
  const std::vector<Control>* controls_of(const Segment& segment, Inputs inputs, oracles::Readers& readers) {
    const std::lock_guard lock(control_mutex_);
    const auto key = std::pair(segment.root, inputs);
    if (const auto found = controls_.find(key); found != controls_.end()) return &found->second;
    const auto& life = recording_.lives[segment.root];
    std::vector<Control> controls;
    for (const auto* tree : {&life.before, &life.after}) {
      auto begun = *tree;
      auto start = life.start;
      auto applied = apply(inputs, recording_.site, begun, start);
      auto lived = applied ? rig_->live(std::move(begun), start, request_.seed + 1, {}) : std::unexpected(applied.error());
      if (!lived) {
        trouble(lived.error());
        return nullptr;
      }
      controls.push_back({look(lived->after, readers), std::move(lived->findings), lived->acknowledged});
    }
    return &controls_.emplace(key, std::move(controls)).first->second;
  }

  // --- many at once ---

  // Lives on all states that are new, so that the survey finds them in the memory.
  void heal_side_by_side(const Segment& segment, const durability::Program& program, const durability::Bounds& bounds) {
    struct Item {
      HealKey key;
      node::Tree tree;
      CrashAddress address;
    };
    std::vector<Item> items;
    std::set<HealKey> taken;
    for (const auto model : bounds_.models) {
      durability::visit(
          program, model,
          [&](const CrashState& state) {
            for (const auto inputs : inputs_for(segment)) {
              const HealKey key{state.hash.high, state.hash.low, segment.root, inputs};
              if (!healed_.contains(key) && taken.insert(key).second)
                items.push_back({key, state.tree(), address_of(segment, program, state)});
            }
            return !over();
          },
          bounds);
    }
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      oracles::Readers readers(http_);
      for (std::size_t i = next++; i < items.size() && !over(); i = next++) {
        auto complaints = live_on(segment, std::move(items[i].tree), std::get<Inputs>(items[i].key), items[i].address, readers);
        const std::lock_guard lock(mutex_);
        healed_.emplace(items[i].key, std::move(complaints));
        if (progress_) progress_(states_, report_.lives);
      }
    };
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < std::min<std::size_t>(bounds_.jobs, items.size()); ++i) workers.emplace_back(work);
    for (auto& worker : workers) worker.join();
  }

  // --- one state by its address ---

  void look_at_one() {
    const auto address = parse_address(*bounds_.only);
    if (!address || address->life >= recording_.lives.size()) {
      report_.obstacle = address ? fmt::format("the case starts the build {} times", recording_.lives.size()) : address.error().line();
      return;
    }
    Segment segment = segment_of(address->life);
    for (std::size_t i = 0; i < address->steps.size(); ++i) {
      const auto& step = address->steps[i];
      auto state = state_at(segment, step);
      if (!state) return;
      if (i + 1 == address->steps.size()) return judge_one(segment, step, *state, *address);
      if (!live_one(segment, std::move(*state), address->steps[i + 1].next)) return;
    }
  }

  std::optional<node::Tree> state_at(const Segment& segment, const CrashAddress::Step& step) {
    const auto program = compile(segment, step.after);
    auto picked = program ? durability::pick(*program, step.model, lose(*program, step.lost)) : std::unexpected(program.error());
    if (!picked) {
      report_.obstacle = picked.error().line();
      return std::nullopt;
    }
    return std::move(picked->tree);
  }

  void judge_one(const Segment& segment, const CrashAddress::Step& step, const node::Tree& tree, const CrashAddress& address) {
    const auto acknowledged =
        static_cast<std::size_t>(std::ranges::count_if(segment.acknowledged, [&](const auto& each) { return each.after <= step.after; }));
    auto complaints = judge_state(look(tree, *readers_), course_of(segment), acknowledged, rig_->layout().kubeconfig_mode);
    ++states_;
    for (const auto inputs : inputs_for(segment)) {
      for (auto& complaint : live_on(segment, tree, inputs, address, *readers_)) complaints.push_back(std::move(complaint));
    }
    for (auto& complaint : complaints) {
      durability::Cause cause;
      cause.check = complaint.check;
      cause.what = complaint.what;
      cause.label = step.model;
      cause.after = step.after;
      cause.states = 1;
      report_.failures.push_back({std::move(cause), to_string(address)});
    }
  }

  bool live_one(Segment& segment, node::Tree tree, Inputs inputs) {
    forget_container(segment, tree);
    if (segment.address.steps.empty()) {
      segment.inputs = inputs;
      if (const auto done = apply(inputs, recording_.site, tree, segment.start); !done) {
        report_.obstacle = done.error().line();
        return false;
      }
    }
    auto lived = rig_->live(tree, segment.start, request_.seed + 1, {});
    if (!lived) {
      report_.obstacle = lived.error().line();
      return false;
    }
    segment.address.steps.emplace_back();
    segment.before = std::move(tree);
    segment.operations = std::move(lived->operations);
    segment.after = lived->after;
    segment.acknowledged.clear();
    if (lived->acknowledged && !segment.operations.empty()) segment.acknowledged.push_back({segment.operations.back().seq, lived->after});
    return true;
  }

  bool over() {
    const bool cancelled = request_.cancelled != nullptr && request_.cancelled->load();
    const bool late = bounds_.max_time && std::chrono::steady_clock::now() - begun_ > *bounds_.max_time;
    if (late && !late_.exchange(true)) {
      const std::lock_guard lock(mutex_);
      bounded("the time that was given is over: not every state was looked at");
    }
    return cancelled || late || stopped_;
  }

  const runner::CaseRequest& request_;
  const runner::WorldMaker& make_world_;
  const CrashBounds& bounds_;
  const CrashProgress& progress_;
  const std::chrono::steady_clock::time_point begun_;
  CrashReport report_;
  Recording recording_;
  bool http_ = false;
  std::unique_ptr<oracles::Readers> readers_;  // of this thread
  std::unique_ptr<Rig> rig_;
  std::deque<Segment> queue_;
  std::set<std::string> causes_;  // that were told
  std::uint64_t states_ = 0;
  std::atomic<bool> late_{false};
  std::atomic<bool> stopped_{false};  // there is an obstacle
  std::mutex mutex_;                  // guards what the workers share: the memory, the queue, the report
  std::map<HealKey, std::vector<Complaint>> healed_;
  std::mutex control_mutex_;
  std::unique_ptr<oracles::Readers> control_readers_ = std::make_unique<oracles::Readers>();
  std::map<std::pair<std::size_t, Inputs>, std::vector<Control>> controls_;
  std::map<std::size_t, Condition> befores_;
};

}  // namespace

CrashReport explore_crashes(const runner::CaseRequest& request, const runner::WorldMaker& make_world, const CrashBounds& bounds,
                            const CrashProgress& progress) {
  return Explorer(request, make_world, bounds, progress).explore();
}

}  // namespace entryproof::explore
