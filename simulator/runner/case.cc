#include "simulator/runner/case.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <utility>

#include "simulator/base/digest.h"
#include "simulator/doors/tmpfs_door.h"
#include "simulator/runner/access.h"
#include "simulator/runner/course.h"
#include "simulator/runner/demands.h"
#include "simulator/runner/features.h"
#include "simulator/runner/given.h"
#include "simulator/runner/ledger.h"
#include "simulator/runner/live_judge.h"

namespace entryproof::runner {

namespace {

using namespace std::chrono_literals;

constexpr Duration kRest = 30ms;       // DESIGN.md, decision 12
constexpr Duration kSettled = 1500ms;  // at rest for so long after its start, a build will not do by itself what it has not done
constexpr Duration kRestWithin = 10s;
constexpr Duration kEndWithin = 3s;
constexpr Duration kStopGrace = 1s;
constexpr Duration kRunWithin = 10s;
constexpr std::string_view kUrlCheck = "FRESH-18/url-form";
constexpr std::string_view kLimitsCheck = "LIFE-60/within-limits";

class Player {
 public:
  Player(const CaseRequest& request, const WorldMaker& make_world)
      : request_(request),
        make_world_(make_world),
        site_(site_for(request.scenario.given)),
        ledger_(request.suite.catalogue, request.options.profile),
        volumes_(request.seed),
        layout_(layout_of(site_)),
        judge_(layout_, http_allowed()),
        course_(request.scenario.given, site_, request.seed, wall_now(request.world), judge_),
        readers_(http_allowed()) {}

  Played play() {
    const auto begun = std::chrono::steady_clock::now();
    if (auto opened = open_world(); !opened) {
      obstacle_ = opened.error().line();
      broken_ = true;
    } else {
      for (const auto& step : request_.scenario.steps) take(step);
      conclude_live();
    }
    Played played;
    for (const auto& check : request_.scenario.checks()) {
      if (!ledger_.has(check)) ledger_.error(check, obstacle_.empty() ? "its step was never reached" : obstacle_);
    }
    if (ledger_.troubled() && world_) keep();
    if (request_.onlooker != nullptr) end_onlooking();
    played.deadline_missed = deadline_missed_;
    played.record.scenario = request_.scenario.id;
    played.record.build = request_.build.name;
    played.record.checks = ledger_.records();
    played.record.duration_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
    finish(played.record);
    return played;
  }

 private:
  // --- the world ---

  static const Site& usual_site() {
    static const Site site = Site::usual();
    return site;
  }

  static Site site_for(const Given& given) {
    Site site = usual_site().with_directories(given.net_d, given.net_d_at, given.bin, given.bin_at);
    for (const auto& path : given.read_only) {
      const auto volume = std::ranges::find(site.volumes, path, &Volume::inside);
      if (volume != site.volumes.end()) volume->read_only = true;
    }
    if (!given.read_only_root) return site;
    for (auto& volume : site.volumes) volume.read_only = volume.read_only || volume.node.starts_with(site.root + "/");
    return site;
  }

  static std::int64_t wall_now(WorldKind world) {
    if (world == WorldKind::kMemory) return VirtualClock::kDefaultEpochNs;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  bool http_allowed() const {
    const auto found = request_.scenario.given.environment.find("KUBERNETES_SERVICE_PROTOCOL");
    return found != request_.scenario.given.environment.end() && found->second == "http";
  }

  // One image: the digest of its plugin binary is computed once.
  static oracles::Layout layout_of(const Site& site) {
    static const oracles::SourceBinary source = [] {
      const Site& usual = usual_site();
      const auto inode = node::View().resolve(usual.image(), {}, usual.image_plugin);
      const auto bytes = inode ? usual.image().read_all(*inode) : node::refuse(ENOENT);
      return bytes ? oracles::SourceBinary{bytes->size(), sha256_hex(*bytes), std::make_shared<const std::string>(*bytes)}
                   : oracles::SourceBinary{};
    }();
    oracles::Layout made;
    made.net_dir = site.net_dir;
    made.bin_dir = site.bin_dir;
    made.binary = site.plugin;
    made.kubeconfig = site.kubeconfig;
    made.source = source;
    return made;
  }

  Result<> open_world() {
    auto image = make_node(request_.scenario, request_.suite, site_, course_.credentials(), volumes_, course_.wall_ns());
    if (!image) return std::unexpected(image.error());
    judge_.reset(*image);
    judge_.tell(request_.onlooker);
    if (request_.onlooker != nullptr) request_.onlooker->on_begin(*image);
    WorldRequest wanted{site_,
                        std::move(*image),
                        request_.seed,
                        course_.access() != nullptr ? course_.credentials().control() : nullptr,
                        &judge_,
                        [this](std::string what) {
                          const std::lock_guard lock(excess_mutex_);
                          excess_.push_back(std::move(what));
                        },
                        request_.cancelled};
    auto world = make_world_(std::move(wanted));
    if (!world) return std::unexpected(world.error());
    world_ = std::move(*world);
    course_.begin(*world_, [this] { return std::ranges::any_of(builds_, [this](const auto& who) { return world_->life(who).running; }); });
    if (request_.options.case_timeout) case_deadline_ = world_->clock().now() + *request_.options.case_timeout;
    return {};
  }

  void end_onlooking() const {
    std::vector<std::string> tokens;
    for (const auto& generation : course_.credentials().account().generations()) tokens.push_back(generation.token);
    request_.onlooker->on_end(oracles::Redactor(tokens));
  }

  // --- steps ---

  void take(const Step& step) {
    if (request_.cancelled != nullptr && request_.cancelled->load() && obstacle_.empty()) {
      obstacle_ = step.pointer + ": interrupted";
      broken_ = true;
    }
    if (const auto* expect = std::get_if<ExpectStep>(&step.action)) {
      if (obstacle_.empty()) {
        look_for(*expect);
      } else if (broken_) {
        ledger_.error(expect->check, obstacle_);
      } else {
        ledger_.not_tested(expect->check, "because of step " + obstacle_);
      }
      return;
    }
    if (!obstacle_.empty()) return;
    if (case_deadline_ && world_->clock().now() >= *case_deadline_) {
      obstacle_ = step.pointer + ": the case ran into --timeout";
      broken_ = true;
      return;
    }
    const auto done = std::visit([this](const auto& action) { return perform(action); }, step.action);
    if (done) return;
    // What this kind of world cannot do leaves checks untested; anything else is trouble, and trouble is no verdict.
    broken_ = done.error().code != ErrorCode::kUnavailable;
    obstacle_ = step.pointer + ": " + done.error().line();
  }

  Result<> perform(const StartStep& step) {
    Start start;
    if (step.what == "build") {
      start.build = request_.build;
      start.actor = node::Actor::kBuild;
      manual_ = std::ranges::any_of(step.args, [](const auto& argument) {
        return argument.starts_with("--multus-conf-file=") && argument != "--multus-conf-file=auto";
      });
      start.with = request_.options.with;
      judged_ = true;
    } else {
      auto stage = resolve_build(step.what);
      if (!stage) return std::unexpected(stage.error());
      start.build = std::move(stage->front());
      start.actor = node::Actor::kStage;
    }
    start.arguments = step.args;
    for (const auto& [feature, value] : step.features) {
      const auto words = in_words_of_the_build(feature, value);
      if (!words) return std::unexpected(words.error());
      start.arguments.insert(start.arguments.begin(), words->begin(), words->end());
    }
    start.environment = environment(request_.scenario.given, step.environment);
    if (start.actor == node::Actor::kBuild) {
      const auto& extra = request_.options.extra_args;
      start.arguments.insert(start.arguments.end(), extra.begin(), extra.end());
      for (const auto& [name, value] : request_.options.extra_environment) start.environment[name] = value;
    }
    start.umask = request_.scenario.given.umask;
    start.denied = step.deny;
    settled_start_ = true;
    if (!started_.insert(step.as).second && start.actor == node::Actor::kBuild) past_outputs_.push_back(world_->life(step.as).output);
    if (start.actor == node::Actor::kBuild) builds_.insert(step.as);
    if (auto done = world_->start(step.as, start); !done) return done;
    if (start.actor == node::Actor::kBuild) course_.build_starts();
    if (step.wait) pass(step.within.value_or(kRunWithin), [&] { return !world_->life(step.as).running; });
    return {};
  }

  // How this build spells a feature; of the reference we know, of any other we must have been told.
  Result<std::vector<std::string>> in_words_of_the_build(const std::string& feature, const std::string& value) const {
    const auto told = request_.options.features.find(feature);
    if (told != request_.options.features.end()) return spelled(told->second, value);
    if (request_.build.in_process()) return spelled(reference_spelling(feature), value);
    return fail(ErrorCode::kUnavailable, "nobody said how the build spells \"" + feature + "\": --feature '" + feature + "=--FLAG={}'");
  }

  Result<> perform(const PutStep& step) {
    auto changes = put(site_.to_node(step.path), step.object, request_.suite, step.in_place);
    if (!changes) return std::unexpected(changes.error());
    return change(*changes);
  }
  Result<> perform(const ChmodStep& step) {
    const auto tree = world_->look();
    if (!tree) return std::unexpected(tree.error());
    const auto inode = node::View().resolve(*tree, {}, site_.to_node(step.path));
    const auto bytes = inode ? tree->read_all(*inode) : node::refuse(ENOENT);
    if (!bytes) return fail(ErrorCode::kInvalidInput, "there is no file to give another mode", step.path);
    Object same;
    same.content = *bytes;
    same.mode = step.mode;
    return perform(PutStep{step.path, same});
  }

  Result<> perform(const RemoveStep& step) { return change({cluster::Change::remove(relative(step.path))}); }
  Result<> perform(const RenameStep& step) { return change({cluster::Change::rename(relative(step.from), relative(step.to))}); }
  Result<> perform(const LinkStep& step) { return change({cluster::Change::symlink(relative(step.path), step.target)}); }

  Result<> perform(const RotateStep& step) {
    settled_start_ = false;
    const auto changes = course_.rotate(step);
    return changes ? change(*changes) : std::unexpected(changes.error());
  }

  Result<> perform(const ClusterStep& step) {
    course_.hear();
    settled_start_ = false;
    course_.credentials().operate(step);
    world_->cluster_changed();
    return {};
  }

  Result<> perform(const ProjectStep& step) {
    auto changes = volumes_.update(site_.to_node(step.path), step.files, request_.suite, course_.wall_ns());
    if (!changes) return std::unexpected(changes.error());
    return change(*changes);
  }

  Result<> perform(const SignalStep& step) { return world_->signal(step.who, step.number); }

  Result<> perform(const KillStep& step) {
    if (step.at_operation) return world_->arm_kill(*step.at_operation);
    return world_->kill(step.who);
  }

  Result<> perform(const StopStep& step) {
    rest(kRestWithin);
    if (!world_->life(step.who).running) return {};
    if (auto done = world_->signal(step.who, SIGTERM); !done) return done;
    pass(kStopGrace, [&] { return !world_->life(step.who).running; });
    return world_->life(step.who).running ? world_->kill(step.who) : Result<>();
  }

  Result<> perform(const RebootStep& step) {
    for (const auto& who : started_) {
      if (!world_->life(who).running) continue;
      if (auto done = world_->kill(who); !done) return done;
    }
    const auto tree = world_->look();
    if (!tree) return std::unexpected(tree.error());
    std::vector<std::string> emptied;
    for (const auto& path : step.volatile_paths) emptied.push_back(site_.to_node(path));
    auto changes = boot(*tree, site_, emptied);
    for (auto& change : course_.credentials().reboot(*tree)) changes.push_back(std::move(change));
    return change(changes);
  }

  Result<> perform(const RestStep& step) {
    rest(step.within.value_or(kRestWithin));
    return {};
  }

  Result<> perform(const RememberStep& step) {
    auto tree = world_->look();
    if (!tree) return std::unexpected(tree.error());
    remembered_.insert_or_assign(step.name, std::move(*tree));
    return {};
  }

  Result<> perform(const ClockStep& step) {
    settled_start_ = false;
    return course_.set_clock_forward(step.forward);
  }

  Result<> perform(const WaitStep& step) {
    pass(step.duration, [] { return false; });
    return {};
  }

  Result<> perform(const ExpectStep&) { return {}; }  // take() has judged it

  std::string relative(const std::string& path) const { return site_.to_node(path).substr(1); }

  Result<> change(const std::vector<cluster::Change>& changes) {
    settled_start_ = false;  // from here on a build may be waiting for its next look at the world
    return world_->change(changes);
  }

  Moment after(Duration duration) const {
    const Moment moment = world_->clock().now() + duration;
    return case_deadline_ ? std::min(moment, *case_deadline_) : moment;
  }
  Woke pass(Duration duration, const std::function<bool()>& done) { return pass(after(duration), done, std::nullopt); }
  void rest(Duration within) {
    pass(after(within), [] { return false; }, kRest);
  }

  // Trouble in the cluster ends the case: nothing that comes after could be judged.
  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) {
    const Woke woke = course_.pass(deadline, done, rest);
    if (!course_.trouble().empty()) {
      obstacle_ = course_.trouble();
      broken_ = true;
    }
    return woke;
  }

  // The node as the case left it, for --keep. It holds the world's own tokens, so nobody else may read it.
  void keep() {
    if (request_.options.keep_directory.empty()) return;
    std::string name = request_.scenario.id + " on " + request_.build.name;
    std::ranges::replace(name, '/', '-');
    const auto directory = std::filesystem::path(request_.options.keep_directory) / name;
    std::error_code error;
    std::filesystem::remove_all(directory, error);
    std::filesystem::create_directories(directory, error);
    const auto tree = world_->look();
    if (error || !tree) return;
    if (const auto written = doors::write_tree(*tree, directory.string()); !written) {
      std::ofstream(directory / "INCOMPLETE") << written.error().line() << "\n";
    }
  }

  // --- judging ---

  void look_for(const ExpectStep& step) {
    if (!ledger_.wanted(step.check)) return;
    const auto* check = request_.suite.catalogue.find_check(step.check);
    for (const auto need : check->needs) {
      if (!world_->offers(need)) {
        ledger_.not_tested(step.check, "this world does not offer " + std::string(to_string(need)));
        return;
      }
    }
    const bool remembers = step.quiet || !step.order.empty() || !step.at_most.empty() || (step.kubeconfig && step.kubeconfig->margin);
    if (remembers && !world_->offers(oracles::Need::kSeeEveryOperation)) {
      ledger_.not_tested(step.check, "this world does not see every operation");
      return;
    }
    std::optional<oracles::Mismatch> mismatch;
    const Woke woke = become_true(step, mismatch);
    if (woke == Woke::kLate || woke == Woke::kCancelled) {
      ledger_.error(step.check, woke == Woke::kLate ? "the machine was too busy: the harness overslept the deadline" : "interrupted");
      return;
    }
    if (mismatch && case_deadline_ && world_->clock().now() >= *case_deadline_) {
      ledger_.error(step.check, "the case ran into --timeout");  // its own time was not over: nothing may be concluded
      return;
    }
    if (!mismatch) mismatch = stay_true(step);
    if (!mismatch) return ledger_.pass(step.check);
    const auto owner = charged_to(step);
    violate({owner, mismatch->expected, mismatch->actual, {}});  // a state at a moment: no single operation made it
    if (owner != step.check) ledger_.not_tested(step.check, "because of what " + owner + " found");
  }

  void violate(const oracles::Finding& finding) {
    ledger_.violate(finding);
    if (request_.onlooker == nullptr) return;
    if (const auto tree = world_->look()) request_.onlooker->on_finding(finding, *tree);
  }

  // Each fact is charged to one clause (clauses.md, "Charging"). For the clauses that are about what a good kubeconfig says, one that is
  // missing or unusable is EXIST-01's business; an old CA beside the newest token is FRESH-13's; and a configuration that delegates to
  // Multus itself is CONF-30's, not one that lost the primary.
  std::string charged_to(const ExpectStep& step) {
    static constexpr std::array kAboutContent = {"FRESH-06/", "FRESH-08/", "FRESH-13/", "FRESH-18/", "SECURE-53/"};
    const auto tree = world_->look();
    if (!tree) return step.check;
    if (step.kubeconfig && !step.kubeconfig->path &&
        std::ranges::any_of(kAboutContent, [&](const char* c) { return step.check.starts_with(c); })) {
      const auto placed = oracles::attach(*tree, layout_, mode(), judge_.published(), readers_).kubeconfig;
      if (placed.state != oracles::PlacedKubeconfig::State::kValid)
        return manual_ ? "EXIST-01/manual-fresh-node" : "EXIST-01/auto-fresh-node";
      const auto* current = facts().current();
      const bool about_token = step.check.starts_with("FRESH-06/") || step.check.starts_with("FRESH-08/");
      if (about_token && placed.facts->token == current->token) return "FRESH-13/current-after-start";
    }
    if (step.configuration && step.check.starts_with("CONF-35/")) {
      const auto published = oracles::published_configuration(*tree, layout_, mode(), judge_.published(), readers_);
      if (published.config && published.config->self_delegating) return "CONF-30/delegates-to-primary";
    }
    return step.check;
  }

  oracles::Mode mode() const { return manual_ ? oracles::Mode::kManual : oracles::Mode::kAutomatic; }

  // Waits until all demands are met, or at most `within`; an unmet one stays in `mismatch`.
  Woke become_true(const ExpectStep& step, std::optional<oracles::Mismatch>& mismatch) {
    const auto met = [&] {
      mismatch = judge_now(step);
      return !mismatch;
    };
    if (!step.within) {
      met();
      return Woke::kDone;
    }
    const auto rest = settled_start_ ? std::optional(kSettled) : std::nullopt;
    const Woke woke = pass(after(*step.within), met, rest);
    deadline_missed_ = deadline_missed_ || woke == Woke::kDeadline || woke == Woke::kLate;
    if (mismatch) mismatch->actual += woke == Woke::kRest ? " (the build is at rest)" : " (at the deadline)";
    return woke;
  }

  std::optional<oracles::Mismatch> stay_true(const ExpectStep& step) {
    if (!step.hold_for) return std::nullopt;
    std::optional<oracles::Mismatch> mismatch;
    const std::uint64_t before = world_->operations();
    const bool quiet = step.quiet.value_or(false);
    pass(*step.hold_for, [&] {
      mismatch = judge_now(step);
      if (!mismatch && quiet && world_->operations() != before) {
        mismatch = oracles::Mismatch{"no operation that changes anything", "the build made " + world_->place().path + " change"};
      }
      return mismatch.has_value();
    });
    return mismatch;
  }

  std::optional<oracles::Mismatch> judge_now(const ExpectStep& step) {
    auto tree = world_->look();
    if (!tree) return oracles::Mismatch{"a node that can be looked at", tree.error().line()};
    const auto* check = request_.suite.catalogue.find_check(step.check);
    const Evidence evidence{{*tree, layout_, facts(), mode(), judge_.published(), readers_},
                            site_,
                            remembered_,
                            [this](const std::string& who) { return world_->life(who); },
                            [this] { return outputs_of_builds(); },
                            course_.access(),
                            [this] { return judge_.arrivals(); },
                            check != nullptr && check->profile > oracles::Profile::kCore};
    return judge(step, evidence);
  }

  std::vector<std::string> outputs_of_builds() {
    auto outputs = past_outputs_;
    for (const auto& who : builds_) outputs.push_back(world_->life(who).output);
    return outputs;
  }

  const oracles::ClusterFacts& facts() {
    const auto& generations = course_.credentials().account().generations();
    if (facts_.generations.size() != generations.size()) {
      facts_.generations.clear();
      for (const auto& generation : generations) facts_.generations.push_back({generation.id, generation.token, generation.ca_pem});
    }
    return facts_;
  }

  // --- the invariants that hold everywhere ---

  void conclude_live() {
    if (!judged_) return;
    rest(kEndWithin);  // what the build had begun when the last step was over belongs to the case, however fast the steps were
    course_.hear();
    std::vector<std::string> excess;
    for (const auto& who : builds_) {
      for (auto& what : world_->life(who).excess) excess.push_back(std::move(what));
    }
    {
      const std::lock_guard lock(excess_mutex_);
      excess.insert(excess.end(), excess_.begin(), excess_.end());
    }
    const auto tree = world_->look();
    auto findings = judge_.findings(tree ? *tree : node::Tree());
    if (const auto* access = course_.access()) {
      findings.insert(findings.end(), access->findings().begin(), access->findings().end());
    }
    auto checks = request_.suite.catalogue.live_checks();
    if (const auto* limits = request_.suite.catalogue.find_check(kLimitsCheck)) checks.push_back(limits);
    for (const auto* check : checks) {
      if (course_.access() == nullptr && Access::judges(check->id)) continue;  // nobody can be asked in this scenario
      if (const auto exception = request_.scenario.except.find(check->id); exception != request_.scenario.except.end()) {
        ledger_.not_tested(check->id, "excepted: " + exception->second);
        continue;
      }
      conclude_live(*check, findings, excess);
    }
  }

  void conclude_live(const oracles::Check& check, const std::vector<oracles::Finding>& findings, const std::vector<std::string>& excess) {
    if (check.id == kLimitsCheck) {
      for (const auto& what : excess) violate({check.id, "the build stays within its limits", what, world_->place()});
      if (excess.empty()) ledger_.pass(check.id);
      return;
    }
    if (!world_->offers(oracles::Need::kSeeEveryOperation)) {
      if (check.id == kUrlCheck) return conclude_url_at_rest();
      ledger_.not_tested(check.id, "this world does not see every operation");
      return;
    }
    const auto found = std::ranges::find_if(findings, [&](const auto& finding) { return finding.check == check.id; });
    if (found == findings.end()) {
      ledger_.pass(check.id);
      return;
    }
    auto finding = *found;
    if (finding.at) finding.at->world = to_string(request_.world);
    violate(finding);
  }

  // The form of the URL is as wrong at rest as it was when it was published: this one invariant needs no operations to be seen.
  void conclude_url_at_rest() {
    const auto tree = world_->look();
    if (!tree) return ledger_.error(kUrlCheck, tree.error().line());
    const auto placed = oracles::read_kubeconfig(*tree, layout_.kubeconfig, readers_.kubeconfig);
    if (placed.state == oracles::PlacedKubeconfig::State::kValid && !placed.facts->form_right()) {
      violate({std::string(kUrlCheck), "a host in brackets if and only if it is an IPv6 address",
               placed.facts->server + ": " + placed.facts->url.form_defect, world_->place()});
    } else {
      ledger_.pass(kUrlCheck);
    }
  }

  // The lowest profile of what the scenario itself asks: an invariant that odd input trips belongs to the profile of that input.
  oracles::Profile lowest_profile() const {
    auto lowest = oracles::Profile::kProduction;
    for (const auto& id : request_.scenario.checks()) {
      if (const auto* check = request_.suite.catalogue.find_check(id)) lowest = std::min(lowest, check->profile);
    }
    return lowest;
  }

  void finish(CaseRecord& record) const {
    const auto lowest = lowest_profile();
    for (auto& check : record.checks) {
      check.profile = std::max(check.profile, lowest);
      if (check.status == oracles::Status::kPass || check.status == oracles::Status::kNotTested) continue;
      if (check.at && check.at->world.empty()) check.at->world = to_string(request_.world);
      check.replay =
          request_.options.command_prefix + " '" + record.scenario + "' --check " + check.check + " --build '" + request_.build.spec +
          "' --world " + std::string(to_string(request_.world)) + " --seed " + std::to_string(request_.options.seed) +
          (request_.options.profile == oracles::Profile::kCore ? "" : " --profile " + std::string(to_string(request_.options.profile)));
    }
    record.status = worst_status(record);
    locate(record, request_.scenario);
  }

  const CaseRequest& request_;
  const WorldMaker& make_world_;
  const Site site_;
  Ledger ledger_;
  ProjectedVolumes volumes_;
  const oracles::Layout layout_;
  LiveJudge judge_;
  Course course_;
  oracles::Readers readers_;
  oracles::ClusterFacts facts_;
  std::mutex excess_mutex_;
  std::vector<std::string> excess_;
  std::map<std::string, node::Tree> remembered_;
  std::vector<std::string> past_outputs_;  // of builds that were started again under their name
  std::set<std::string> started_;          // every program's name
  std::set<std::string> builds_;           // the names under which the build was started
  std::string obstacle_;                   // why the steps could not go on
  std::optional<Moment> case_deadline_;
  bool broken_ = false;  // … and it is nothing that this world merely lacks
  bool manual_ = false;
  bool judged_ = false;         // the build under test has been started
  bool settled_start_ = false;  // nothing has changed around the build since its start
  bool deadline_missed_ = false;
  std::unique_ptr<World> world_;  // ends first: its threads use what is above
};

}  // namespace

bool judged_everywhere(const oracles::Check& check) { return check.live || check.id == kLimitsCheck; }

void locate(CaseRecord& record, const Scenario& scenario) {
  std::error_code error;
  const auto here = std::filesystem::proximate(scenario.file, error);
  record.file = error || here.empty() || here.string().starts_with("..") ? scenario.file : here.string();
  for (auto& check : record.checks) {
    for (const auto& step : scenario.steps) {
      const auto* expect = std::get_if<ExpectStep>(&step.action);
      if (expect != nullptr && expect->check == check.check && check.line == 0) check.line = step.line;
    }
  }
}

std::uint64_t case_seed(std::uint64_t run_seed, const std::string& scenario) {
  return std::stoull(sha256_hex(std::to_string(run_seed) + "\n" + scenario).substr(0, 15), nullptr, 16);
}

Played play_case(const CaseRequest& request, const WorldMaker& make_world) { return Player(request, make_world).play(); }

}  // namespace entryproof::runner
