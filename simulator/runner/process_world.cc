#include "simulator/runner/process_world.h"

#include <sched.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>
#include <utility>

#include "simulator/cluster/client.h"
#include "simulator/runner/engine.h"
#include "simulator/subjects/service_network.h"

namespace entryproof::runner {

namespace {

using namespace std::chrono_literals;

constexpr Duration kStartupHold = 1s;  // longest that one program may keep a start-up slot
constexpr Duration kKillWait = 5s;     // a killed container is gone in a millisecond; this is for a machine in trouble
constexpr Duration kShortestPoll = 500us;
constexpr Duration kLongestPoll = 10ms;  // while something may happen any moment
constexpr Duration kLaziestPoll = 100ms;
constexpr int kPatienceOfPolls = 20;   // who has waited for a second need not look more often than every 50 ms
constexpr Duration kTolerance = 50ms;  // oversleeping that no deadline of ours minds

subjects::Change to_agent(const cluster::Change& change) {
  subjects::Change made;
  made.path = "/" + change.path;
  switch (change.kind) {
    case cluster::Change::Kind::kMkdir:
      made.kind = subjects::Change::Kind::kMkdir;
      break;
    case cluster::Change::Kind::kWrite:
      made.kind = subjects::Change::Kind::kWrite;
      break;
    case cluster::Change::Kind::kSymlink:
      made.kind = subjects::Change::Kind::kSymlink;
      break;
    case cluster::Change::Kind::kRename:
      made.kind = subjects::Change::Kind::kRename;
      break;
    case cluster::Change::Kind::kRemove:
      made.kind = subjects::Change::Kind::kRemove;
      break;
    case cluster::Change::Kind::kFifo:
      made.kind = subjects::Change::Kind::kFifo;
      break;
  }
  made.content = change.bytes;
  made.other = change.kind == cluster::Change::Kind::kRename ? "/" + change.other : change.other;
  const bool moded = change.kind == cluster::Change::Kind::kMkdir || change.kind == cluster::Change::Kind::kWrite ||
                     change.kind == cluster::Change::Kind::kFifo;
  if (moded) made.mode = change.mode;
  return made;
}

class ProcessWorld final : public World {
 public:
  ProcessWorld(Machine& machine, WorldRequest request)
      : machine_(machine), request_(std::move(request)), processor_(machine.next_processor()) {}

  ~ProcessWorld() override {
    for (auto& [who, program] : programs_) program.sandbox->kill();
    for (auto& [who, program] : programs_) program.sandbox->wait_for(kKillWait);
    release_slot();
  }

  Result<> open(GroundKind kind) {
    GroundRequest ground{machine_.harness,
                         clock_,
                         processor_,
                         std::move(request_.image),
                         request_.observer,
                         request_.asks_at_close,
                         [this](std::string what) { exceeded(std::move(what)); }};
    auto made = kind == GroundKind::kFuse ? make_fuse_ground(std::move(ground)) : make_tmpfs_ground(std::move(ground));
    if (!made) return std::unexpected(made.error());
    ground_ = std::move(*made);
    ground_->on_fault_kill([this](std::uint32_t session) { kill_session(session); });
    on_power_cut({});
    return open_cluster();
  }

  bool offers(oracles::Need need) const override {
    if (need == oracles::Need::kNetwork) return api_ != nullptr;
    return runner::offers(ground_->sees_every_operation() ? WorldKind::kFuse : WorldKind::kTmpfs, need);
  }

  const Clock& clock() const override { return clock_; }

  Result<> start(const std::string& who, const Start& start) override {
    if (const auto found = programs_.find(who); found != programs_.end()) {
      if (!found->second.sandbox->poll()) return fail(ErrorCode::kInvalidInput, "starts \"" + who + "\" while it still runs");
      programs_.erase(found);
    }
    take_slot();
    tell_who_lives();
    {
      const std::lock_guard lock(victims_mutex_);
      ++session_;
      spawning_ = true;
    }
    ground_->set_actor(start.actor, session_);
    auto sandbox = machine_.harness.launcher().spawn(spec_for(start));
    if (!sandbox) {
      release_slot();
      const std::lock_guard lock(victims_mutex_);
      spawning_ = false;
      return std::unexpected(sandbox.error());
    }
    auto& program = programs_[who] = Program{std::shared_ptr<subjects::Sandbox>(std::move(*sandbox)), start.actor, session_};
    const std::lock_guard lock(victims_mutex_);
    spawning_ = false;
    if (std::exchange(killed_early_, false)) program.sandbox->kill();
    if (const int number = std::exchange(signalled_early_, 0); number != 0) program.sandbox->signal(number);
    victims_.emplace_back(session_, program.sandbox);
    return {};
  }

  Life life(const std::string& who) override {
    Life life;
    const auto found = programs_.find(who);
    if (found == programs_.end()) return life;
    const auto& sandbox = *found->second.sandbox;
    if (const auto status = sandbox.poll()) {
      if (status->signal != 0) life.signal = status->signal;
      if (status->signal == 0) life.exit_code = status->code;
    } else {
      life.running = true;
    }
    const auto output = sandbox.output();
    life.output = output.out + output.err;
    for (const auto excess : sandbox.excesses()) life.excess.push_back(subjects::describe(excess));
    return life;
  }

  Result<std::size_t> open_descriptors(const std::string& who) override {
    const auto found = programs_.find(who);
    return found == programs_.end() ? 0 : found->second.sandbox->open_descriptors();
  }

  Result<> signal(const std::string& who, int number) override {
    const auto found = programs_.find(who);
    if (found == programs_.end()) return fail(ErrorCode::kInvalidInput, "signals \"" + who + "\", which was never started");
    found->second.sandbox->signal(number);
    return {};
  }

  Result<> kill(const std::string& who) override {
    const auto found = programs_.find(who);
    if (found == programs_.end()) return fail(ErrorCode::kInvalidInput, "kills \"" + who + "\", which was never started");
    ground_->seal(found->second.actor, found->second.session);
    found->second.sandbox->kill();
    if (!found->second.sandbox->wait_for(kKillWait)) return fail(ErrorCode::kIo, "a killed container is still there after 5 s");
    return {};
  }

  Result<> deny(const std::set<std::string>& what) override {
    const subjects::Denial denial{what.contains("inotify"), what.contains("watches")};
    for (const auto& [who, program] : programs_) {
      if (program.sandbox->poll()) continue;
      if (auto done = machine_.harness.launcher().deny(*program.sandbox, denial); !done) return done;
    }
    return {};
  }

  Result<> remount(const std::string& inside) override {
    for (const auto& bind : binds()) {
      if (bind.inside != inside) continue;
      for (const auto& [who, program] : programs_) {
        if (program.sandbox->poll()) continue;
        if (auto done = machine_.harness.launcher().remount(*program.sandbox, bind); !done) return done;
      }
    }
    return {};
  }

  Result<> arm_kill(std::uint64_t operation) override {
    return ground_->arm_kill(session_ + 1, operation, [this, next = session_ + 1] { kill_session(next); });
  }

  Result<> change(const std::vector<cluster::Change>& changes) override {
    const bool watched = std::ranges::any_of(programs_, [](const auto& each) { return !each.second.sandbox->poll().has_value(); });
    if (!watched && ground_->sees_every_operation()) return ground_->change_directly(changes);
    std::vector<subjects::Change> batch;
    batch.reserve(changes.size());
    for (const auto& change : changes) batch.push_back(to_agent(change));
    return machine_.harness.agent().apply(ground_->mount_point(), batch);
  }

  Result<> arm_change(faults::Rule moment, std::vector<cluster::Change> changes, std::function<void()> done) override {
    moment.phase = faults::Phase::kAfter;
    return ground_->arm_change(moment, std::move(changes), std::move(done));
  }

  Result<> arm_signal(const faults::Rule& moment, int number) override {
    return ground_->arm_deed(moment, "signal " + std::to_string(number) + " sent", [this, number](std::uint32_t session) {
      const std::lock_guard lock(victims_mutex_);
      for (const auto& [victim_session, victim] : victims_) {
        if (victim_session == session) victim->signal(number);
      }
      if (spawning_ && session_ == session) signalled_early_ = number;
    });
  }

  Result<> add_faults(const faults::Plan& plan, faults::Owner owner) override { return ground_->add_faults(plan, owner); }
  void clear_faults(faults::Owner owner) override { ground_->clear_faults(owner); }
  std::vector<faults::Injection> injections() override { return ground_->injections(); }
  void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)> cut) override {
    ground_->on_power_cut([this, cut = std::move(cut)](const faults::Rule& rule, const node::Operation& operation) {
      kill_all();
      if (cut) cut(rule, operation);
    });
  }

  // With a client of our own, from inside the containers' network, every time anew.
  cluster::Experience ask(const cluster::ClientConfig& client) override {
    auto contact = client_->ask(client);
    return {contact.kind, std::move(contact.cause)};
  }

  void cluster_changed() override {
    if (api_) api_->refresh();
  }

  Result<> replace(node::Tree tree, const std::string& why) override { return ground_->replace(std::move(tree), why); }

  Result<> set_clock_forward(Duration) override {
    return fail(ErrorCode::kUnavailable, "the clock of real processes is the machine's; only a memory world can set it");
  }

  Result<node::Tree> look() override { return ground_->look(); }

  std::uint64_t activity() override {
    std::uint64_t ended = 0;
    for (const auto& [who, program] : programs_) ended += program.sandbox->poll().has_value() ? 1 : 0;
    return (ground_->changes() << 8) + ended;
  }

  std::uint64_t operations() override { return ground_->operations(); }
  oracles::Place place() override { return ground_->place(); }

  Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) override { return ground_->journal_after(seq); }

  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) override {
    const Moment begun = clock_.now();
    std::uint64_t seen = activity();
    if (done()) return Woke::kDone;
    Moment quiet_since = begun;
    Moment seen_at = begun;
    Duration poll = kShortestPoll;
    Duration judging = clock_.now() - begun;  // the last judgement took so long: a slow API server is no busy machine
    for (;;) {
      const std::uint64_t activity_now = activity();
      const Moment now = clock_.now();
      const Duration judged = std::exchange(judging, Duration{});
      if (activity_now != seen) {
        seen = activity_now;
        quiet_since = seen_at = now;
        poll = kShortestPoll;
        if (done()) return Woke::kDone;
        judging = clock_.now() - now;
      }
      if (request_.cancelled != nullptr && request_.cancelled->load()) return Woke::kCancelled;
      if (slot_held_ && now - slot_taken_ > kStartupHold) release_slot();
      if (now >= deadline) return finish(begun, deadline + judged, now, done);
      if (rest || slot_held_) {
        if (!all_idle()) quiet_since = clock_.now();
        if (slot_held_ && clock_.now() - quiet_since > 10ms) release_slot();
        if (rest && (nobody_lives() || clock_.now() - quiet_since >= *rest)) return done() ? Woke::kDone : Woke::kRest;
      }
      doze(std::min(poll, deadline - now));
      poll = std::min(poll * 3 / 2, std::clamp((now - seen_at) / kPatienceOfPolls, kLongestPoll, kLaziestPoll));
    }
  }

 private:
  struct Program {
    std::shared_ptr<subjects::Sandbox> sandbox;
    node::Actor actor = node::Actor::kBuild;
    std::uint32_t session = 0;
  };

  Result<> open_cluster() {
    if (!request_.control) return {};
    auto network = subjects::ServiceNetwork::make(machine_.harness.launcher());
    if (!network) return std::unexpected(network.error());
    network_ = std::move(*network);
    if (!network_->has_ipv6()) {
      request_.control->set_endpoints({cluster::Endpoint{std::string(cluster::kServiceAddress), cluster::kServicePort}});
    }
    api_ = machine_.api_server().attach(*request_.control, network_->take_listeners());
    const auto connect = [this](const std::string& host, std::uint16_t port, Duration timeout) {
      return network_->connect(host, port, timeout);
    };
    client_.emplace(connect, [this] { return clock_.wall_ns(); });
    return {};
  }

  // Before a further program comes: those that live go on as who they are.
  void tell_who_lives() {
    std::vector<Ground::Living> living;
    for (const auto& [who, program] : programs_) {
      if (!program.sandbox->poll()) living.push_back({program.sandbox->pid(), program.actor, program.session});
    }
    ground_->set_living(living);
  }

  Woke finish(Moment begun, Moment deadline, Moment now, const std::function<bool()>& done) {
    if (done()) return Woke::kDone;
    const Duration late = now - deadline;
    return late > kTolerance && late > (deadline - begun) / 10 ? Woke::kLate : Woke::kDeadline;
  }

  // Sleeps, but wakes up at once when the program that runs ends.
  void doze(Duration duration) {
    for (const auto& [who, program] : programs_) {
      if (program.sandbox->poll()) continue;
      program.sandbox->wait_for(duration);
      return;
    }
    std::this_thread::sleep_for(duration);
  }

  // Asked in this order: a request that arrives between the two questions is seen by the last.
  bool all_idle() {
    const bool idle = ground_->quiet() && std::ranges::all_of(programs_, [](const auto& each) { return each.second.sandbox->idle(); });
    return idle && ground_->quiet();
  }

  bool nobody_lives() {
    return std::ranges::all_of(programs_, [](const auto& each) { return each.second.sandbox->poll().has_value(); });
  }

  void take_slot() {
    release_slot();
    machine_.startup_slots.acquire();
    slot_held_ = true;
    slot_taken_ = clock_.now();
  }

  void release_slot() {
    if (std::exchange(slot_held_, false)) machine_.startup_slots.release();
  }

  // On the serving thread: a program went past a cap of the journal. Nothing that comes after could be judged, so all of them end.
  void exceeded(std::string what) {
    kill_all();
    if (request_.on_excess) request_.on_excess(std::move(what));
  }

  void kill_all() {
    const std::lock_guard lock(victims_mutex_);
    for (const auto& [session, victim] : victims_) victim->kill();
    killed_early_ = spawning_;
  }

  void kill_session(std::uint32_t killed) {
    const std::lock_guard lock(victims_mutex_);
    for (const auto& [session, victim] : victims_) {
      if (session == killed) victim->kill();
    }
    killed_early_ = killed_early_ || (spawning_ && session_ == killed);
  }

  std::vector<subjects::Bind> binds() const {
    std::vector<subjects::Bind> binds;
    for (const auto& volume : request_.site.volumes) {
      binds.push_back({ground_->mount_point(), volume.node.substr(1), volume.inside, volume.read_only});
    }
    return binds;
  }

  subjects::SandboxSpec spec_for(const Start& start) {
    subjects::SandboxSpec spec;
    const std::string inside = start.node_program.empty()
                                   ? "/entrypoint/" + std::filesystem::path(start.build.executable).filename().string()
                                   : request_.site.to_container(start.node_program);
    spec.executable = {start.build.executable, inside};
    spec.argv.push_back(inside);
    if (!start.build.variant.empty()) spec.argv.push_back(start.build.variant);
    spec.argv.insert(spec.argv.end(), start.arguments.begin(), start.arguments.end());
    for (const auto& [name, value] : start.environment) spec.environment.push_back(name + "=" + value);
    spec.binds = binds();
    for (const auto& [outside, where] : start.with) spec.neighbours.push_back({outside, where});
    spec.umask = static_cast<mode_t>(start.umask);
    spec.deny_inotify = start.denied.contains("inotify");
    spec.deny_watches = start.denied.contains("watches");
    spec.deny_network = start.denied.contains("network");
    spec.can_be_denied = start.can_be_denied;
    spec.processor = processor_;
    if (network_) spec.network = network_->name_space();
    return spec;
  }

  Machine& machine_;
  WorldRequest request_;
  RealClock clock_;
  const int processor_;
  std::unique_ptr<Ground> ground_;
  std::unique_ptr<subjects::ServiceNetwork> network_;  // where a cluster answers
  std::unique_ptr<cluster::ApiServer::Attachment> api_;
  std::optional<cluster::Client> client_;
  std::map<std::string, Program> programs_;
  std::uint32_t session_ = 0;
  bool slot_held_ = false;
  Moment slot_taken_;
  std::mutex victims_mutex_;                                                           // the serving thread kills through it
  std::vector<std::pair<std::uint32_t, std::shared_ptr<subjects::Sandbox>>> victims_;  // all that were started, by the number of the start
  bool spawning_ = false;
  bool killed_early_ = false;  // while spawn() had not come back
  int signalled_early_ = 0;    // likewise
};

// Those that this process may run on: a container or a batch system may have given it a few only.
std::vector<int> usable_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> processors;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(static_cast<std::size_t>(i), &allowed)) processors.push_back(i);
    }
  }
  if (processors.empty()) processors.push_back(-1);
  return processors;
}

}  // namespace

Machine::Machine(subjects::Harness& used) : Machine(used, usable_processors()) {}

Machine::Machine(subjects::Harness& used, std::vector<int> processors)
    : harness(used), startup_slots(static_cast<std::ptrdiff_t>(processors.size())), processors_(std::move(processors)) {}

cluster::ApiServer& Machine::api_server() {
  std::call_once(api_once_, [this] { api_server_ = std::make_unique<cluster::ApiServer>(); });
  return *api_server_;
}

Result<std::unique_ptr<World>> make_process_world(Machine& machine, GroundKind kind, WorldRequest request) {
  auto world = std::make_unique<ProcessWorld>(machine, std::move(request));
  if (auto opened = world->open(kind); !opened) return std::unexpected(opened.error());
  return world;
}

}  // namespace entryproof::runner
