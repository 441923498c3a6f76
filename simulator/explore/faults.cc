#include "simulator/explore/faults.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "simulator/base/digest.h"
#include "simulator/explore/condition.h"
#include "simulator/explore/paths.h"
#include "simulator/explore/recording.h"
#include "simulator/explore/rig.h"
#include "simulator/explore/verdict.h"
#include "simulator/faults/errnos.h"
#include "simulator/faults/plan.h"
#include "simulator/oracles/expectations.h"
#include "simulator/runner/play.h"

namespace entryproof::explore {
namespace {

using namespace std::chrono_literals;
using node::Verb;

constexpr Duration kPatience = 60s;  // with a call that fails for good an honest build tries less and less often
constexpr Duration kSettled = 1500ms;
constexpr std::size_t kMostBounds = 8;  // that are told by name

// One start of the case, and what its lives are measured by.
struct Ground {
  std::size_t life = 0;
  const RecordedLife* recorded = nullptr;
  Condition before;
  Course course;                  // of the life in which nothing fails
  std::vector<Control> controls;  // lives in which nothing fails
  oracles::ClusterFacts facts;    // whose tokens nobody may read
  bool tells = false;             // in those, too, it says a part of one
  // Crash states that were looked at: journals of one ground have most of them in common.
  std::map<std::pair<std::uint64_t, std::uint64_t>, Condition> states;
  std::set<std::string> usual;  // causes that a crash shows of the clean journal, too: the business of other checks
};

// Which operation fails how.
struct Fault {
  faults::Rule rule;
  std::string what;  // for people
  std::string kind;  // equal for faults that have the same cause behind them
};

class Sweep {
 public:
  Sweep(const runner::CaseRequest& request, const runner::WorldMaker& make_world, const FaultBounds& bounds, const CrashProgress& progress)
      : request_(request), make_world_(make_world), bounds_(bounds), progress_(progress), begun_(std::chrono::steady_clock::now()) {}

  CrashReport sweep() {
    for (const auto model : bounds_.models) report_.models.push_back({model});
    if (!record()) return std::move(report_);
    for (std::size_t life = 0; life < recording_.lives.size() && !over(); ++life) {
      if (only_ && only_->life != life) continue;
      if (auto ground = stand_on(life)) sweep_on(*ground);
    }
    if (request_.cancelled != nullptr && request_.cancelled->load()) report_.obstacle = "interrupted";
    return std::move(report_);
  }

 private:
  bool record() {
    if (bounds_.only) {
      auto address = parse_fault(*bounds_.only);
      if (!address) {
        report_.obstacle = address.error().line();
        return false;
      }
      only_ = std::move(*address);
    }
    const runner::CaseRequest wanted{request_.suite, request_.scenario, request_.build,     request_.options,
                                     request_.world, request_.seed,     request_.cancelled, nullptr};
    static_cast<void>(runner::play_case(wanted, recorded(make_world_, recording_)));
    report_.obstacle = recording_.obstacle;
    if (report_.obstacle.empty() && recording_.lives.empty()) report_.obstacle = "the build was never started";
    report_.operations = static_cast<std::uint64_t>(
        std::ranges::count_if(recording_.journal, [](const auto& operation) { return node::counts(operation.verb); }));
    report_.trace = digest_of(recording_.journal);
    if (!report_.obstacle.empty()) return false;
    const auto& environment = recording_.lives.front().start.environment;
    const auto protocol = environment.find("KUBERNETES_SERVICE_PROTOCOL");
    http_ = protocol != environment.end() && protocol->second == "http";
    if (only_ && only_->life >= recording_.lives.size()) {
      report_.obstacle = fmt::format("the case starts the build {} times", recording_.lives.size());
      return false;
    }
    rig_ = std::make_unique<Rig>(recording_.site, runner::layout_of(recording_.site), make_world_,
                                 Rig::Options{kPatience, kSettled, http_, request_.cancelled, true, end_of_real_time()});
    return true;
  }

  std::optional<std::chrono::steady_clock::time_point> end_of_real_time() const {
    if (!bounds_.max_time || request_.world == runner::WorldKind::kMemory) return std::nullopt;
    return begun_ + *bounds_.max_time;
  }

  Condition look(const node::Tree& tree, oracles::Readers& readers) const {
    return condition_of(tree, rig_->layout(), facts_on(tree, recording_.site.service_account), readers);
  }

  // A life on the ground in which nothing fails: what can be demanded, and which operations there are.
  std::unique_ptr<Ground> stand_on(std::size_t life) {
    auto ground = std::make_unique<Ground>();
    ground->life = life;
    ground->recorded = &recording_.lives[life];
    auto clean = rig_->live_with(about_everything(), ground->recorded->before, ground->recorded->start, request_.seed + 1, {}, {});
    if (!clean) {
      trouble(clean.error());
      return nullptr;
    }
    const auto& lived = clean->during;
    oracles::Readers readers(http_);
    ground->before = look(ground->recorded->before, readers);
    const auto end = look(lived.after, readers);
    ground->course = {ground->before, {end}, end};
    ground->controls.push_back({end, lived.findings, lived.acknowledged});
    ground->facts = facts_on(ground->recorded->before, recording_.site.service_account);
    ground->tells = told_in(*ground, lived).has_value();
    for (const auto& cause : survey(*ground, lived, end, lived.acknowledged, readers).causes) ground->usual.insert(cause.key);
    operations_ = std::move(clean->during.operations);
    return ground;
  }

  // Rules that never hit; but while there is one, doors ask about closes and lookups, which then stand in the journal.
  static faults::Plan about_everything() {
    return {faults::fail_nth(Verb::kClose, UINT64_MAX, EIO, false), faults::fail_nth(Verb::kLookup, UINT64_MAX, EIO, false)};
  }

  // --- what fails ---

  // The rule that hits the operation at this place of the clean run: the N-th of those that it fits.
  void add(std::vector<Fault>& found, std::size_t at, faults::Rule rule, std::string_view how) const {
    const auto& operation = operations_[at];
    rule.path = realm_of(operation);
    rule.operation = node::to_string(operation.verb);
    rule.nth = static_cast<std::uint64_t>(
        std::ranges::count_if(operations_.begin(), operations_.begin() + static_cast<long>(at) + 1,
                              [&](const auto& each) { return each.actor == node::Actor::kBuild && faults::matches(rule, each); }));
    const auto slash = operation.path.rfind('/');
    const std::string where = slash == std::string::npos ? operation.path : operation.path.substr(0, slash);
    const std::string verb(node::to_string(operation.verb));
    const std::string onto = operation.path2.empty() ? "" : " -> " + operation.path2;
    found.push_back(
        {std::move(rule), fmt::format("{} {}{} with {}", verb, operation.path, onto, how), fmt::format("{} in {}", verb, where)});
  }

  static bool looks(Verb verb) {
    return verb == Verb::kLookup || verb == Verb::kGetAttributes || verb == Verb::kAccess || verb == Verb::kReadlink;
  }

  // Where the rule about an operation holds; empty if it is not swept. Whoever starts the container asks what a path leads to as well, up
  // to the volumes, and a kernel takes a mount away when the name it stands on cannot be looked up: neither says anything about a build.
  std::string realm_of(const node::Operation& operation) const {
    if (operation.actor != node::Actor::kBuild || operation.verb == Verb::kMark) return "";
    if (!looks(operation.verb)) return "**";
    for (const auto& volume : recording_.site.volumes) {
      if (!volume.node.starts_with(recording_.site.root) && operation.path.starts_with(volume.node + "/")) return volume.node + "/**";
    }
    return "";
  }

  // No file system says of a name that is there that it is not, and a build may do what it likes about a file that is not there.
  static bool is_a_lie(const node::Operation& operation, int error) {
    return error == ENOENT && (operation.verb == Verb::kLookup || operation.verb == Verb::kOpen);
  }

  std::vector<Fault> faults_of_the_clean_run() const {
    std::vector<Fault> faults;
    for (std::size_t at = 0; at < operations_.size(); ++at) {
      const auto& operation = operations_[at];
      if (realm_of(operation).empty()) continue;
      for (const int error : faults::errnos_for(operation)) {
        if (is_a_lie(operation, error)) continue;
        for (const bool sticky : {false, true}) {
          faults::Rule rule;
          rule.error = error;
          rule.sticky = sticky;
          add(faults, at, std::move(rule), std::string(faults::errno_name(error)) + (sticky ? " from then on" : ""));
        }
      }
      if (operation.verb != Verb::kWrite || operation.length < 2) continue;
      faults::Rule rule;
      rule.short_write = operation.length / 2;
      add(faults, at, std::move(rule), "half of it written");
    }
    return faults;
  }

  void sweep_on(Ground& ground) {
    std::vector<Fault> faults;
    if (only_) {
      faults.push_back({only_->rule, faults::to_string(only_->rule), "asked for"});
    } else {
      faults = faults_of_the_clean_run();
    }
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      oracles::Readers readers(http_);
      for (std::size_t i = next++; i < faults.size() && !over(); i = next++) live_through(ground, faults[i], readers);
    };
    std::vector<std::thread> workers;
    for (unsigned i = 1; i < std::min<std::size_t>(bounds_.jobs, faults.size()); ++i) workers.emplace_back(work);
    work();
    for (auto& worker : workers) worker.join();
  }

  // --- one fault ---

  void live_through(Ground& ground, const Fault& fault, oracles::Readers& readers) {
    const auto complaints_of = [&](const node::Tree& tree) {
      return judge_recovery(look(tree, readers), ground.before, ground.controls, "the fault is over");
    };
    const auto healed = [&](const node::Tree& tree) { return complaints_of(tree).empty(); };
    Rig::Healing healing;
    // What others have shown by waiting in vain is not waited for again.
    healing.patience = is_reported(fault_checks::kHeals, fault.kind) ? kSettled : kPatience;
    // Who cannot remove a file now does so later: at its next start at the latest.
    healing.again = fault.rule.operation == "unlink" || fault.rule.operation == "rmdir";
    std::vector<durability::Cause> causes;
    std::size_t known_until = SIZE_MAX;  // so many operations are in them
    healing.unfinished = [&](const Lived& first) {
      causes = causes_of(ground, first, readers);
      known_until = first.operations.size();
      return std::ranges::any_of(causes, [&](const auto& cause) { return !is_reported(fault_checks::kWhole, cause.key); });
    };
    auto lived = rig_->live_with({fault.rule}, ground.recorded->before, ground.recorded->start, request_.seed + 1, healed, healing);
    if (!lived) return trouble(lived.error());
    if (over()) return;  // it may have been cut short
    judge_during(ground, fault, lived->during, readers);
    judge_closes(ground, fault, lived->during);
    for (const auto* life : {&lived->first, &lived->healed}) {
      if (const auto told = told_in(ground, *life); told && !ground.tells) report(fault_checks::kSilent, ground, fault, told->actual);
    }
    // A failed sync loses more than it says, and whoever goes on as if nothing had been publishes what the next crash takes away.
    if (known_until != lived->first.operations.size()) causes = causes_of(ground, lived->first, readers);
    for (const auto& cause : causes) {
      const std::string words = cause.words.empty() ? "" : "; " + cause.words;
      report(fault_checks::kWhole, ground, fault, fmt::format("then a crash: {}{}", cause.what, words), cause.label, cause.key);
    }
    for (const auto& complaint : complaints_of(lived->healed.after)) {
      report(complaint.check == crash_checks::kSwept ? fault_checks::kSwept : fault_checks::kHeals, ground, fault, complaint.what);
    }
    const std::lock_guard lock(mutex_);
    ++report_.lives;
    if (progress_) progress_(states_, report_.lives);
  }

  void judge_during(const Ground& ground, const Fault& fault, const Lived& during, oracles::Readers& readers) {
    const auto then = look(during.after, readers);
    for (const auto& complaint : judge_state(then, ground.course, 0, rig_->layout().kubeconfig_mode)) {
      report(fault_checks::kNoWorse, ground, fault, complaint.what);
    }
    for (const auto& finding : during.findings) {
      const auto usual = [&](const auto& other) { return other.check == finding.check; };
      if (std::ranges::any_of(ground.controls.front().findings, usual)) continue;
      report(fault_checks::kNoWorse, ground, fault, finding.check + ": " + finding.actual);
    }
    if (during.exit_code != 0) return;
    for (const auto& complaint : judge_state(then, ground.course, 1, rig_->layout().kubeconfig_mode)) {
      report(fault_checks::kNoFalseSuccess, ground, fault, "the build ended with status 0: " + complaint.what);
    }
  }

  // A token, or a part of one, in what it said.
  static std::optional<oracles::Mismatch> told_in(const Ground& ground, const Lived& lived) {
    return oracles::judge_secret_in_text(lived.output, "what the build says", ground.facts);
  }

  // What close(2) said could not be written, and no sync had said was, is not to be published.
  void judge_closes(const Ground& ground, const Fault& fault, const Lived& during) {
    if (fault.rule.operation != "close") return;
    std::set<node::InodeId> unsynced;  // written since the last sync that succeeded
    std::set<node::InodeId> doubtful;  // of these, closed with an error
    for (const auto& operation : during.operations) {
      if (operation.actor != node::Actor::kBuild) continue;
      const bool done = operation.succeeded();
      if (operation.verb == Verb::kWrite && done) unsynced.insert(operation.inode);
      if (operation.verb == Verb::kFsync && done) unsynced.erase(operation.inode);
      if (operation.verb == Verb::kClose && !done && unsynced.contains(operation.inode)) doubtful.insert(operation.inode);
      if ((operation.verb == Verb::kWrite || operation.verb == Verb::kFsync) && done) doubtful.erase(operation.inode);
      if (operation.verb != Verb::kRename || !done || !doubtful.contains(operation.inode)) continue;
      report(fault_checks::kClosed, ground, fault, fmt::format("the file was renamed to {} all the same", operation.path2));
    }
  }

  const Condition& seen(Ground& ground, const durability::CrashState& state, oracles::Readers& readers) {
    const std::pair key{state.hash.high, state.hash.low};
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = ground.states.find(key); known != ground.states.end()) return known->second;
    }
    auto condition = look(state.tree(), readers);
    const std::lock_guard lock(mutex_);
    return ground.states.emplace(key, std::move(condition)).first->second;
  }

  durability::Survey survey(Ground& ground, const Lived& lived, const Condition& end, bool in_place, oracles::Readers& readers) {
    durability::Trace trace;
    trace.image = ground.recorded->before;
    trace.operations = lived.operations;
    Course course{ground.before, {}, end};
    if (in_place && !lived.operations.empty()) {
      trace.acknowledgements.push_back({lived.operations.back().seq, "in place"});
      course.acknowledged.push_back(end);
    }
    const auto program = durability::Program::compile(trace, watched_paths(recording_.site));
    if (!program) {
      trouble(program.error());
      return {};
    }
    const auto judge = [&](const durability::CrashState& state) {
      return judge_state(seen(ground, state, readers), course, state.acknowledged, rig_->layout().kubeconfig_mode);
    };
    auto found = durability::survey(*program, bounds_.models, judge);
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < found.coverage.size(); ++i) {
      const auto& coverage = found.coverage[i];
      const auto model = std::ranges::find(report_.models, coverage.model, &CrashReport::Model::model);
      model->windows += coverage.windows;
      model->raw += coverage.raw;
      model->distinct += coverage.distinct;
      states_ += coverage.distinct;
      if (!coverage.bounds.empty() && report_.bounds.size() < kMostBounds) {
        report_.bounds.push_back(fmt::format("start {} ({}): {}", ground.life, to_string(coverage.model), coverage.bounds.front()));
      }
    }
    return found;
  }

  // What a crash after all this shows, and one of a life without faults does not.
  std::vector<durability::Cause> causes_of(Ground& ground, const Lived& lived, oracles::Readers& readers) {
    const bool in_place = lived.acknowledged && judge_recovery(look(lived.after, readers), ground.before, ground.controls, "").empty();
    auto causes = survey(ground, lived, look(lived.after, readers), in_place, readers).causes;
    std::erase_if(causes, [&](const auto& cause) { return ground.usual.contains(cause.key); });
    return causes;
  }

  // One for each check and cause; where the cause is the call itself, for each kind of operation: the first, in the order of the
  // operations.
  void report(std::string_view check, const Ground& ground, const Fault& fault, const std::string& what,
              durability::Model label = durability::Model::kKill, const std::string& cause = {}) {
    const std::lock_guard lock(mutex_);
    const auto key = key_of(check, cause.empty() ? fault.kind : cause);
    const auto known = reported(key);
    if (known != report_.failures.end()) {
      ++known->cause.states;
      return;
    }
    CrashFailure failure;
    failure.cause.check = check;
    failure.cause.what = fault.what + ": " + what;
    failure.cause.key = key;
    failure.cause.label = label;
    failure.cause.states = 1;
    failure.address = to_string(FaultAddress{ground.life, fault.rule});
    report_.failures.push_back(std::move(failure));
  }

  static std::string key_of(std::string_view check, const std::string& cause) { return std::string(check) + "\n" + cause; }

  std::vector<CrashFailure>::iterator reported(const std::string& key) {
    return std::ranges::find(report_.failures, key, [](const CrashFailure& failure) -> const std::string& { return failure.cause.key; });
  }

  bool is_reported(std::string_view check, const std::string& cause) {
    const std::lock_guard lock(mutex_);
    return reported(key_of(check, cause)) != report_.failures.end();
  }

  void trouble(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (report_.obstacle.empty()) report_.obstacle = error.line();
  }

  bool over() {
    const bool cancelled = request_.cancelled != nullptr && request_.cancelled->load();
    const bool late = bounds_.max_time && std::chrono::steady_clock::now() - begun_ > *bounds_.max_time;
    const std::lock_guard lock(mutex_);
    if (late && !std::exchange(late_, true)) report_.bounds.emplace_back("the time that was given is over: not every fault was tried");
    return cancelled || late || !report_.obstacle.empty();
  }

  const runner::CaseRequest& request_;
  const runner::WorldMaker& make_world_;
  const FaultBounds& bounds_;
  const CrashProgress& progress_;
  const std::chrono::steady_clock::time_point begun_;
  Recording recording_;
  std::unique_ptr<Rig> rig_;
  std::vector<node::Operation> operations_;  // of the clean life on the ground at hand
  std::optional<FaultAddress> only_;
  bool http_ = false;
  std::mutex mutex_;  // guards the report and what is counted
  std::uint64_t states_ = 0;
  CrashReport report_;
  bool late_ = false;
};

}  // namespace

std::string to_string(const FaultAddress& address) { return std::to_string(address.life) + " " + faults::to_string(address.rule); }

Result<FaultAddress> parse_fault(std::string_view text) {
  const auto blank = text.find(' ');
  FaultAddress address;
  const auto read = std::from_chars(text.data(), text.data() + std::min(blank, text.size()), address.life);
  if (blank == std::string_view::npos || read.ec != std::errc{} || read.ptr != text.data() + blank) {
    return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no fault of a start: one looks like '0 write ** nth=3 errno=ENOSPC'", text));
  }
  auto rule = faults::parse_rule(text.substr(blank + 1));
  if (!rule) return std::unexpected(rule.error());
  address.rule = std::move(*rule);
  return address;
}

CrashReport explore_faults(const runner::CaseRequest& request, const runner::WorldMaker& make_world, const FaultBounds& bounds,
                           const CrashProgress& progress) {
  return Sweep(request, make_world, bounds, progress).sweep();
}

}  // namespace entryproof::explore
