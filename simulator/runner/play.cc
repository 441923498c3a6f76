#include "simulator/runner/play.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <utility>

#include "simulator/base/digest.h"
#include "simulator/doors/tmpfs_door.h"
#include "simulator/runner/power.h"

namespace entryproof::runner {

namespace {

const Site& usual_site() {
  static const Site site = Site::usual();
  return site;
}

Site site_for(const Given& given) {
  Site site = usual_site().with_directories(given.net_d, given.net_d_at, given.bin, given.bin_at);
  for (const auto& [inside, node] : given.volumes) site.mount(inside, node);
  for (const auto& path : given.read_only) {
    const auto volume = std::ranges::find(site.volumes, path, &Volume::inside);
    if (volume != site.volumes.end()) volume->read_only = true;
  }
  // What kubelet fills is a mount of its own; below a volume of the usual Pod it is part of that, as ever.
  const auto add = [&site](const std::string& path) {
    if (path.empty() || site.to_node(path) != site.root + path) return;
    const auto within = [&path](const Volume& volume) { return path == volume.inside || path.starts_with(volume.inside + "/"); };
    if (std::ranges::none_of(site.volumes, within)) site.volumes.push_back({path, site.root + path, true});
  };
  for (const auto& [path, files] : given.projected) add(path);
  add(given.credentials_at);
  if (!given.read_only_root) return site;
  for (auto& volume : site.volumes) volume.read_only = volume.read_only || volume.node.starts_with(site.root + "/");
  return site;
}

std::int64_t wall_now(WorldKind world) {
  if (world == WorldKind::kMemory) return VirtualClock::kDefaultEpochNs;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool http_allowed(const Given& given) {
  const auto found = given.environment.find("KUBERNETES_SERVICE_PROTOCOL");
  return found != given.environment.end() && found->second == "http";
}

// A site may ask for another mode of the kubeconfig by 3.9.3's variable.
oracles::Layout layout_for(const Site& site, const Given& given) {
  auto layout = layout_of(site);
  const auto found = given.environment.find("KUBECONFIG_MODE");
  if (found == given.environment.end() || !found->second) return layout;
  const auto& text = *found->second;
  std::from_chars(text.data(), text.data() + text.size(), layout.kubeconfig_mode, 8);
  return layout;
}

// Whether a call of close(2) may be made to fail in this case.
bool asks_at_close(const CaseRequest& request) {
  const auto about_close = [](const faults::Rule& rule) { return faults::concerns(rule, node::Verb::kClose); };
  if (request.options.fault_desk != nullptr || std::ranges::any_of(request.options.faults, about_close)) return true;
  return std::ranges::any_of(request.scenario.steps, [&](const Step& step) {
    const auto* fault = std::get_if<FaultStep>(&step.action);
    return fault != nullptr && std::ranges::any_of(fault->plan, about_close);
  });
}

// A journal caps what builds do; what a scenario itself does thousands of times has to fit in as well.
node::Journal::Limits journal_for(const Scenario& scenario) {
  constexpr std::uint64_t kOperationsOfARotation = 300;  // kubelet's, and the publication that answers it
  node::Journal::Limits limits;
  for (const auto& step : scenario.steps) {
    const auto* rotate = std::get_if<RotateStep>(&step.action);
    if (rotate != nullptr && rotate->times > 1) limits.operations += rotate->times * kOperationsOfARotation;
  }
  return limits;
}

}  // namespace

oracles::Layout layout_of(const Site& site) {
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

Play::Play(const CaseRequest& played)
    : request(played),
      site(site_for(request.scenario.given)),
      ledger(request.suite.catalogue, request.options.profile),
      volumes(request.seed),
      layout(layout_for(site, request.scenario.given)),
      judge(layout, http_allowed(request.scenario.given)),
      course(request.scenario.given, site, request.seed, wall_now(request.world), judge),
      readers(http_allowed(request.scenario.given)) {}

Result<> Play::open(const WorldMaker& make_world) {
  auto image = make_node(request.scenario, request.suite, site, course.credentials(), volumes, course.wall_ns());
  if (!image) return std::unexpected(image.error());
  judge.reset(*image);
  judge.tell(request.onlooker);
  if (request.onlooker != nullptr) request.onlooker->on_begin(*image);
  WorldRequest wanted{site,
                      std::move(*image),
                      request.seed,
                      course.access() != nullptr ? course.credentials().control() : nullptr,
                      &judge,
                      [this](std::string what) {
                        const std::lock_guard lock(excess_mutex);
                        excess.push_back(std::move(what));
                      },
                      request.cancelled,
                      asks_at_close(request),
                      journal_for(request.scenario)};
  auto made = make_world(std::move(wanted));
  if (!made) return std::unexpected(made.error());
  world = std::move(*made);
  world->on_power_cut([this](const faults::Rule& rule, const node::Operation&) {
    const std::lock_guard lock(cut_mutex);
    cut = rule.power_cut;
  });
  if (world->offers(oracles::Need::kSeeEveryOperation)) {
    auto begun = world->look();
    if (!begun) return std::unexpected(begun.error());
    booted = std::move(*begun);
  }
  if (auto set = world->add_faults(request.options.faults, faults::Owner::kRun); !set) return set;
  if (request.options.fault_desk != nullptr) seat = FaultDesk::Seat(*request.options.fault_desk, *world);
  course.begin(*world, [this] { return std::ranges::any_of(builds, [this](const auto& who) { return running(who); }); });
  if (request.options.case_timeout) case_deadline = world->clock().now() + *request.options.case_timeout;
  return {};
}

void Play::keep() const {
  if (request.options.keep_directory.empty()) return;
  std::string name = request.scenario.id + " on " + request.build.name;
  std::ranges::replace(name, '/', '-');
  const auto directory = std::filesystem::path(request.options.keep_directory) / name;
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  std::filesystem::create_directories(directory, error);
  const auto tree = world->look();
  if (error || !tree) return;
  if (const auto written = doors::write_tree(*tree, directory.string()); !written) {
    std::ofstream(directory / "INCOMPLETE") << written.error().line() << "\n";
  }
}

Moment Play::after(Duration duration) const {
  const Moment moment = world->clock().now() + duration;
  return case_deadline ? std::min(moment, *case_deadline) : moment;
}

Result<std::size_t> Play::open_descriptors() const {
  std::size_t open = 0;
  for (const auto& who : builds) {
    const auto held = world->open_descriptors(who);
    if (!held) return held;
    open += *held;
  }
  return open;
}

std::vector<std::string> Play::outputs_of_builds() const {
  auto outputs = past_outputs;
  for (const auto& who : builds) outputs.push_back(world->life(who).output);
  return outputs;
}

Woke Play::pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) {
  const auto power_is_cut = [this] {
    const std::lock_guard lock(cut_mutex);
    return cut.has_value();
  };
  Woke woke = course.pass(deadline, [&] { return power_is_cut() || done(); }, rest);
  while (power_is_cut() && obstacle.empty()) {
    if (auto settled = settle_power(); !settled) {
      obstacle = settled.error().line();
      broken = settled.error().code != ErrorCode::kUnavailable;
    }
    woke = course.pass(deadline, [&] { return power_is_cut() || done(); }, rest);
  }
  if (!course.trouble().empty()) {
    obstacle = course.trouble();
    broken = true;
  }
  return woke;
}

Result<> Play::kill_all() {
  for (const auto& who : started) {
    if (!running(who)) continue;
    if (auto done = world->kill(who); !done) return done;
  }
  return {};
}

Result<> Play::boot(const std::vector<std::string>& volatile_paths) {
  settled_start = false;
  const auto tree = world->look();
  if (!tree) return std::unexpected(tree.error());
  std::vector<std::string> emptied;
  for (const auto& path : volatile_paths) emptied.push_back(site.to_node(path));
  auto changes = runner::boot(*tree, site, emptied);
  for (auto& change : course.credentials().reboot(*tree)) changes.push_back(std::move(change));
  return world->change(changes);
}

Result<> Play::cut_power(const faults::PowerCut& wanted, const std::vector<std::string>& volatile_paths) {
  {
    const std::lock_guard lock(cut_mutex);
    cut.reset();
  }
  if (auto done = kill_all(); !done) return done;
  if (!booted) return fail(ErrorCode::kUnavailable, "this world does not see operations, so it cannot know what a power cut takes away");
  const auto operations = world->journal_after(booted_at);
  if (!operations) return std::unexpected(operations.error());
  auto left = what_survives(*booted, *operations, wanted);
  if (!left) return std::unexpected(left.error());
  judge.reset(left->tree);
  if (auto done = world->replace(std::move(left->tree), left->what); !done) return done;
  if (!operations->empty()) booted_at = operations->back().seq;
  auto begun = world->look();
  if (!begun) return std::unexpected(begun.error());
  booted = std::move(*begun);
  return boot(volatile_paths);
}

Result<> Play::settle_power() {
  std::optional<faults::PowerCut> wanted;
  {
    const std::lock_guard lock(cut_mutex);
    wanted = std::exchange(cut, std::nullopt);
  }
  return wanted ? cut_power(*wanted, {}) : Result<>();
}

void Play::rest(Duration within) {
  pass(after(within), [] { return false; }, kRest);
}

}  // namespace entryproof::runner
