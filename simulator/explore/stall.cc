#include "simulator/explore/stall.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>

#include "simulator/base/descriptor.h"
#include "simulator/doors/fuse_door.h"
#include "simulator/explore/warden_protocol.h"
#include "simulator/runner/engine.h"

namespace entryproof::explore {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kMostRuns = 300;             // of one stall: its journal grows with each
constexpr std::size_t kOutputCap = 4U << 20;    // as in a container of its own
constexpr std::size_t kMostWords = 900U << 10;  // arguments and variables of a run
constexpr Duration kMostRest = 250ms;
constexpr Duration kShortestPoll = 2ms;
constexpr Duration kLongestPoll = 4ms;
constexpr int kEndWithinMs = 5000;

Result<Descriptor> make_pipe(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) != 0) return fail_errno("mkfifo", path, errno);
  // Both ends are held, so that neither open nor read ever meets an end.
  Descriptor pipe(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (pipe.get() < 0) return fail_errno("open", path, errno);
  return pipe;
}

void copy(const node::Tree& image, const node::Entry& entry, node::Tree& onto, node::InodeId directory, std::int64_t now);

void copy_all(const node::Tree& image, node::InodeId from, node::Tree& onto, node::InodeId directory, std::int64_t now) {
  const auto entries = image.list(from);
  if (!entries) return;
  for (const auto& entry : *entries) copy(image, entry, onto, directory, now);
}

// An object of the image, and what is below it, where the other tree lacks it. Both began as one tree, so equal numbers are equal things.
void copy(const node::Tree& image, const node::Entry& entry, node::Tree& onto, node::InodeId directory, std::int64_t now) {
  const auto is = image.attributes(entry.inode);
  if (!is) return;
  const auto there = onto.child(directory, entry.name);
  if (there == entry.inode) return entry.type == node::FileType::kDirectory ? copy_all(image, entry.inode, onto, there, now) : void();
  node::Outcome<node::InodeId> made = node::refuse(EEXIST);
  switch (entry.type) {
    case node::FileType::kDirectory:
      made = onto.mkdir({}, directory, entry.name, is->mode, now);
      if (made) copy_all(image, entry.inode, onto, *made, now);
      break;
    case node::FileType::kSymlink:
      made = onto.symlink({}, directory, entry.name, image.readlink(entry.inode).value_or(""), now);
      break;
    case node::FileType::kFile:
      made = onto.create({}, directory, entry.name, is->mode, now);
      if (made) static_cast<void>(onto.write(*made, 0, image.read_all(entry.inode).value_or(""), now));
      break;
    default:
      made = onto.mknod({}, directory, entry.name, entry.type, is->mode, now);
      break;
  }
  if (!made || (is->uid == 0 && is->gid == 0)) return;
  node::AttributeChange owner;
  owner.uid = is->uid;
  owner.gid = is->gid;
  static_cast<void>(onto.set_attributes({}, *made, owner, now));
}

}  // namespace

// The mount, the container and the pipes between.
class Stalls::Stall {
 public:
  static Result<std::unique_ptr<Stall>> make(runner::Machine& machine, const runner::Build& build,
                                             const std::vector<std::pair<std::string, std::string>>& with) {
    auto stall = std::make_unique<Stall>();
    if (auto opened = stall->open(machine, build, with); !opened) return std::unexpected(opened.error());
    return stall;
  }

  Stall() : site_(runner::Site::usual()), node_(site_.image(), clock_) {}
  ~Stall() {
    if (!sandbox_) return;
    sandbox_->kill();
    sandbox_->wait_for(5s);
  }

  // Another run: another tree, and somebody else who looks on. Gives the last entry of the journal before it.
  std::uint64_t begin(runner::WorldRequest& request) {
    const std::lock_guard lock(door_->mutex());
    ++runs_;
    // What the kernel has seen of earlier runs must not be taken for anything of this one: new things get new numbers.
    node::Tree tree = site_.image();
    tree.follow(node_.tree());
    copy_all(request.image, node::kRoot, tree, node::kRoot, clock_.wall_ns());
    node_.replace_tree(std::move(tree), "another run");
    node_.set_observer(request.observer);
    node_.on_limit([this, told = request.on_excess](std::string what) {
      sandbox_->kill();
      if (told) told(std::move(what));
    });
    return node_.journal().operations().empty() ? 0 : node_.journal().operations().back().seq;
  }

  void end() {
    door_->set_actor(node::Actor::kWorld, 0);  // takes the mutex itself
    const std::lock_guard lock(door_->mutex());
    node_.set_observer(nullptr);
    node_.on_limit({});
  }

  Result<> order(const WardenOrder& order, const std::string& texts = {}) {
    std::string bytes(reinterpret_cast<const char*>(&order), sizeof order);
    bytes += texts;
    for (std::string_view rest = bytes; !rest.empty();) {
      pollfd ready{to_.get(), POLLOUT, 0};
      if (::poll(&ready, 1, kEndWithinMs) != 1) return fail(ErrorCode::kIo, "the warden of a stall takes no orders");
      const ssize_t wrote = ::write(to_.get(), rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
      if (wrote < 0 && errno != EINTR) return fail_errno("write", "the warden's pipe", errno);
      if (wrote > 0) rest.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
  }

  // What the warden says within that time, if anything.
  std::optional<WardenReport> listen(Duration within) {
    pollfd ready{from_.get(), POLLIN, 0};
    const timespec time{within.count() / 1'000'000'000, within.count() % 1'000'000'000};
    if (::ppoll(&ready, 1, &time, nullptr) != 1) return std::nullopt;
    WardenReport report;
    if (::read(from_.get(), &report, sizeof report) != sizeof report) return std::nullopt;
    return report;
  }

  // Ends whatever lives; false if that cannot be had, and the stall is of no use any more.
  bool clear() {
    if (sandbox_->poll() || !order({WardenOrder::kEnd, 0, 0, 0})) return false;
    while (const auto report = listen(5s)) {
      if (report->kind == WardenReport::kEmpty) return true;
    }
    return false;
  }

  bool worn() {
    const std::lock_guard lock(door_->mutex());
    return runs_ >= kMostRuns || node_.journal().exceeded();
  }

  std::string output() const {
    std::string text(std::min(output_size(), kOutputCap), '\0');
    const ssize_t got = ::pread(output_.get(), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }

  std::size_t output_size() const {
    struct stat is{};
    return ::fstat(output_.get(), &is) == 0 ? static_cast<std::size_t>(is.st_size) : 0;
  }

  void act_as(node::Actor actor, std::uint32_t session) {
    {
      const std::lock_guard lock(door_->mutex());
      node_.unseal(actor);
    }
    door_->set_actor(actor, session);
  }

  node::Node& node() { return node_; }
  doors::FuseDoor& door() { return *door_; }
  subjects::Sandbox& sandbox() { return *sandbox_; }
  const Clock& clock() const { return clock_; }
  std::uint32_t next_session() { return ++session_; }

 private:
  Result<> open(runner::Machine& machine, const runner::Build& build, const std::vector<std::pair<std::string, std::string>>& with) {
    subjects::Harness& harness = machine.harness;
    processor_ = machine.next_processor();
    auto mount = harness.make_directory("node");
    if (!mount) return std::unexpected(mount.error());
    auto channel = harness.make_directory("warden");
    if (!channel) return std::unexpected(channel.error());
    doors::FuseDoor::Options options;
    options.world_pid = harness.agent().pid();
    options.processor = processor_;
    auto door = doors::FuseDoor::mount(node_, clock_, *mount, options);
    if (!door) return std::unexpected(door.error());
    door_ = std::move(*door);
    const auto output = *channel + "/output";
    output_.reset(::open(output.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!output_) return fail_errno("create", output, errno);
    for (auto [pipe, name] : {std::pair(&to_, "/to"), std::pair(&from_, "/from")}) {
      auto made = make_pipe(*channel + name);
      if (!made) return std::unexpected(made.error());
      *pipe = std::move(*made);
    }
    auto sandbox = harness.launcher().spawn(spec_for(build, with, *mount, *channel));
    if (!sandbox) return std::unexpected(sandbox.error());
    sandbox_ = std::move(*sandbox);
    if (!listen(5s)) return fail(ErrorCode::kIo, "the warden of a stall does not answer");
    return {};
  }

  subjects::SandboxSpec spec_for(const runner::Build& build, const std::vector<std::pair<std::string, std::string>>& with,
                                 const std::string& mount, const std::string& channel) const {
    subjects::SandboxSpec spec;
    spec.processor = processor_;
    spec.executable = {runner::program_directory() + "/fuzz_warden", "/warden"};
    spec.neighbours.push_back({build.executable, "/entrypoint/" + std::filesystem::path(build.executable).filename().string()});
    for (const auto& [outside, inside] : with) spec.neighbours.push_back({outside, inside});
    spec.binds.push_back({channel, "", kWardenChannel, false});
    for (const auto& volume : site_.volumes) spec.binds.push_back({mount, volume.node.substr(1), volume.inside, volume.read_only});
    return spec;
  }

  const runner::Site site_;
  RealClock clock_;
  node::Node node_;
  std::unique_ptr<doors::FuseDoor> door_;  // goes before the node it serves
  std::unique_ptr<subjects::Sandbox> sandbox_;
  Descriptor to_;
  Descriptor from_;
  Descriptor output_;   // what the build says
  int processor_ = -1;  // of the file system and the programs, for together they are cheap
  unsigned runs_ = 0;
  std::uint32_t session_ = 0;
};

class Stalls::StallWorld final : public runner::World {
 public:
  StallWorld(Stalls& stalls, std::unique_ptr<Stall> stall, runner::WorldRequest request)
      : stalls_(stalls), stall_(std::move(stall)), request_(std::move(request)) {
    begun_ = stall_->begin(request_);
  }

  ~StallWorld() override {
    const bool usable = stall_->clear();
    stall_->end();
    if (usable && !stall_->worn()) stalls_.give_back(std::move(stall_));
  }

  bool offers(oracles::Need need) const override {
    return need != oracles::Need::kNetwork && runner::offers(runner::WorldKind::kFuse, need);
  }
  const Clock& clock() const override { return stall_->clock(); }

  Result<> start(const std::string& who, const runner::Start& start) override {
    if (started_ || start.actor != node::Actor::kBuild || !start.denied.empty())
      return fail(ErrorCode::kUnavailable, "a stall starts its one build, once");
    started_ = true;
    who_ = who;
    session_ = stall_->next_session();
    const std::string inside = "/entrypoint/" + std::filesystem::path(start.build.executable).filename().string();
    std::vector<std::string> words{inside};
    if (!start.build.variant.empty()) words.push_back(start.build.variant);
    words.insert(words.end(), start.arguments.begin(), start.arguments.end());
    WardenOrder order{WardenOrder::kStart, start.umask, static_cast<std::uint32_t>(words.size()), 0};
    std::string texts;
    for (const auto& word : words) texts += word + '\0';
    for (const auto& [name, value] : start.environment) texts += name + "=" + value + '\0';
    if (texts.size() > kMostWords || words.size() + start.environment.size() > 4000)
      return fail(ErrorCode::kUnavailable, "more arguments than a stall can pass on");
    order.bytes = static_cast<std::uint32_t>(texts.size());
    stall_->act_as(node::Actor::kBuild, session_);
    running_ = true;
    return stall_->order(order, texts);
  }

  runner::Life life(const std::string& who) override {
    runner::Life life;
    if (!started_ || who != who_) return life;
    hear(Duration{});
    life.running = running_;
    if (!running_ && WIFSIGNALED(status_)) life.signal = WTERMSIG(status_);
    if (!running_ && WIFEXITED(status_)) life.exit_code = WEXITSTATUS(status_);
    life.output = stall_->output();
    life.excess = excess_;
    for (const auto excess : stall_->sandbox().excesses()) life.excess.push_back(subjects::describe(excess));
    return life;
  }

  Result<> signal(const std::string&, int number) override {
    return stall_->order({WardenOrder::kSignal, static_cast<std::uint32_t>(number), 0, 0});
  }
  Result<> kill(const std::string&) override { return signal({}, SIGKILL); }
  Result<> arm_kill(std::uint64_t) override { return unavailable(); }
  Result<> change(const std::vector<cluster::Change>& changes) override {
    if (started_) return unavailable();  // it could not be heard of by who watches
    const std::lock_guard lock(stall_->door().mutex());
    const auto done = cluster::apply(stall_->node(), node::Caller{}, node::kRoot, changes);
    if (!done) return fail_errno("change", "the node", static_cast<int>(done.error()));
    return {};
  }
  Result<> add_faults(const faults::Plan& plan, faults::Owner) override { return plan.empty() ? Result<>() : unavailable(); }
  void clear_faults(faults::Owner) override {}
  std::vector<faults::Injection> injections() override { return {}; }
  Result<> arm_change(faults::Rule, std::vector<cluster::Change>, std::function<void()>) override { return unavailable(); }
  Result<> arm_signal(const faults::Rule&, int) override { return unavailable(); }
  void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)>) override {}
  Result<> replace(node::Tree, const std::string&) override { return unavailable(); }
  cluster::Experience ask(const cluster::ClientConfig&) override { return {}; }
  void cluster_changed() override {}
  Result<> set_clock_forward(Duration) override { return unavailable(); }

  Result<node::Tree> look() override {
    const std::lock_guard lock(stall_->door().mutex());
    return stall_->node().tree();
  }

  std::uint64_t activity() override {
    hear(Duration{});
    const std::lock_guard lock(stall_->door().mutex());
    return (stall_->node().tree().generation() << 1U) + (started_ && !running_ ? 1 : 0);
  }
  std::uint64_t operations() override { return place().op; }

  oracles::Place place() override {
    const std::lock_guard lock(stall_->door().mutex());
    const auto& operations = stall_->node().journal().operations();
    for (auto newest = operations.rbegin(); newest != operations.rend(); ++newest) {
      if (newest->actor != node::Actor::kBuild || newest->index == 0) continue;
      if (newest->session != session_) break;
      return {"fuse", newest->index, newest->path, newest->seq};
    }
    return {"fuse", 0, {}, 0};
  }

  Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) override {
    const std::lock_guard lock(stall_->door().mutex());
    return stall_->node().journal().after(std::max(seq, begun_));
  }

  runner::Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) override {
    if (done()) return runner::Woke::kDone;
    const auto& clock = stall_->clock();
    const Duration wanted = std::min(rest.value_or(kMostRest), Duration(stalls_.rest_ns_.load()));
    std::uint64_t seen = activity();
    if (seen != rested_at_) quiet_since_ = clock.now();
    for (Duration poll = kShortestPoll;; poll = std::min(poll * 3 / 2, kLongestPoll)) {
      if (const auto now = activity(); now != seen) {
        seen = now;
        quiet_since_ = clock.now();
        poll = kShortestPoll;
        if (done()) return runner::Woke::kDone;
      }
      if (request_.cancelled != nullptr && request_.cancelled->load()) return runner::Woke::kCancelled;
      rested_at_ = seen;
      if (rest && (!running_ || clock.now() - quiet_since_ >= wanted)) {
        // Looking at every task costs more than all the rest of a run: done once, when nothing else speaks against it.
        if (!running_ || idle()) return done() ? runner::Woke::kDone : runner::Woke::kRest;
        quiet_since_ = clock.now();
      }
      if (clock.now() >= deadline) return done() ? runner::Woke::kDone : runner::Woke::kDeadline;
      hear(std::min(poll, deadline - clock.now()));
    }
  }

 private:
  static std::unexpected<Error> unavailable() { return fail(ErrorCode::kUnavailable, "a stall cannot do that"); }

  bool idle() {
    const auto& door = stall_->door();
    return !door.busy() && stall_->sandbox().idle() && !door.busy();
  }

  void hear(Duration within) {
    if (!running_) return;
    const auto report = stall_->listen(std::max(within, Duration{}));
    if (report && report->kind == WardenReport::kEnded) {
      running_ = false;
      status_ = report->status;
    } else if (stall_->sandbox().poll()) {  // killed for a cap, or by a hostile build
      running_ = false;
      status_ = SIGKILL;
    } else if (stall_->output_size() > kOutputCap && excess_.empty()) {
      excess_.push_back(subjects::describe(subjects::Excess::kOutput));
      stall_->sandbox().kill();
    }
  }

  Stalls& stalls_;
  std::unique_ptr<Stall> stall_;
  runner::WorldRequest request_;
  std::uint64_t begun_ = 0;  // the last entry of the journal before this run
  bool started_ = false;
  bool running_ = false;
  std::string who_;
  int status_ = 0;
  std::uint32_t session_ = 0;
  std::vector<std::string> excess_;
  Moment quiet_since_;
  std::uint64_t rested_at_ = 0;
};

Stalls::Stalls(runner::Machine& machine, runner::Build build, std::vector<std::pair<std::string, std::string>> with)
    : machine_(machine), build_(std::move(build)), with_(std::move(with)) {}
Stalls::~Stalls() = default;

runner::WorldMaker Stalls::maker() {
  return [this](runner::WorldRequest request) -> Result<std::unique_ptr<runner::World>> {
    if (request.control) return fail(ErrorCode::kUnavailable, "a stall has no cluster");
    auto stall = take();
    if (!stall) {
      auto made = Stall::make(machine_, build_, with_);
      if (!made) return std::unexpected(made.error());
      stall = std::move(*made);
    }
    return std::make_unique<StallWorld>(*this, std::move(stall), std::move(request));
  };
}

void Stalls::be_patient() { rest_ns_.store(std::min(rest_ns_.load() * 2, kMostRest.count())); }

std::unique_ptr<Stalls::Stall> Stalls::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return nullptr;
  auto stall = std::move(free_.back());
  free_.pop_back();
  return stall;
}

void Stalls::give_back(std::unique_ptr<Stall> stall) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(stall));
}

}  // namespace entryproof::explore
