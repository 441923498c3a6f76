#include "reference/entrypoint.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reference/configuration.h"
#include "reference/directories.h"
#include "reference/files.h"
#include "reference/footprint.h"
#include "reference/health.h"
#include "reference/host_paths.h"
#include "reference/instances.h"
#include "reference/kubeconfig_keeper.h"
#include "reference/log.h"
#include "reference/publish.h"

namespace reference {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kSoon{200};  // while something is missing or just changing
constexpr std::chrono::milliseconds kEventGap{10};
constexpr std::chrono::seconds kPatience{30};  // with what is missing at the start
constexpr const char* kPluginName = "multus";
constexpr mode_t kSharedDirectoryMode = 0755;

// Whoever may read the kubeconfig must be able to reach it.
mode_t own_directory_mode(mode_t kubeconfig_mode) {
  return 0700 | ((kubeconfig_mode & 0040) != 0 ? 0050 : 0) | ((kubeconfig_mode & 0004) != 0 ? 0005 : 0);
}

}  // namespace

class Entrypoint::State {
 public:
  State(Host& host, Options options)
      : host_(host),
        options_(std::move(options)),
        log_(host, options_.log_format),
        publisher_(host),
        paths_(make_host_paths(host, options_)),
        directories_(host, paths_),
        instances_(host),
        keeper_(host, options_, instances_, publisher_, log_),
        footprint_(host, options_.poll_interval),
        health_(host, options_, log_),
        ready_(options_.readiness_indicator_file.empty()) {}

  Turn turn() {
    const bool by_event = host_.take_events();
    if (by_event) footprint_.disturb();
    if (footprint_.undisturbed()) {
      health_.beat(pulse(""));
      return next(by_event, options_.poll_interval);
    }
    if (!configuration_) {
      if (auto ready = prepare(); !ready) return end(ready.error(), "");
    }
    const auto done = work();
    for (const std::string& note : publisher_.take_notes()) log_.info(note);
    if (!done && !host_.stop_requested()) {
      log_.problem(done.error().text);
      if (gives_up(done.error())) return end(done.error(), "giving up after 30 s: ");
    }
    if (done && !std::exchange(installed_, true)) log_.info("everything is in place");
    if (done && options_.once) return {.exit = kExitOk, .wait_until = {}, .events_from = {}};
    const bool unsettled = !installed_ || configuration_->unsettled();
    if (done && calm_ && keeper_.calm() && !unsettled) footprint_.settled(traces());
    health_.beat(pulse(done ? "" : done.error().text));
    return next(by_event && footprint_.trusted(), unsettled ? std::min(kSoon, options_.poll_interval) : options_.poll_interval);
  }

  int stop() {
    // A newer instance lives by what stands there, whoever wrote it.
    if (options_.cleanup_config_on_exit && configuration_ && !instances_.newer().value_or(false)) configuration_->clean_up();
    return kExitOk;
  }

 private:
  // Once, before anything is touched: what can be known to be wrong is refused now.
  Result<> prepare() {
    for (const std::string& warning : options_.warnings) log_.warn(warning);
    const std::string& named = options_.multus_kubeconfig_file_host;
    const auto place = paths_.in_container(named);
    if (!place) {
      return refuse(kExitConfiguration, "cannot tell where " + named +
                                            " is in this container; it must be in the directory of the host that is" + " mounted at " +
                                            options_.cni_conf_dir + "; change --multus-kubeconfig-file-host or --cni-conf-dir");
    }
    const bool loadable = named.ends_with(".conf") || named.ends_with(".conflist") || named.ends_with(".json");
    if (loadable)
      return refuse(kExitConfiguration, "the kubeconfig " + named + " has the name of a CNI configuration; runtimes would load it");
    place_ = *place;
    if (place_ == join(options_.cni_bin_dir, kPluginName))
      return refuse(kExitConfiguration, "the kubeconfig " + named + " has the name of the plugin");

    if (options_.kubeconfig_policy != KubeconfigPolicy::kNever) {
      const auto credentials = directories_.find(directory_of(place_));
      if (auto server = keeper_.find_server(join(credentials.value_or(directory_of(place_)), name_of(place_))); !server) return server;
    }
    for (const std::string& directory : {options_.cni_conf_dir, directory_of(place_), options_.cni_bin_dir}) {
      if (const auto found = directories_.find(directory)) publisher_.sweep(*found);
    }
    const Workbench bench{.host = host_,
                          .options = options_,
                          .paths = paths_,
                          .places = places_,
                          .kubeconfig = place_,
                          .publisher = publisher_,
                          .instances = instances_,
                          .log = log_};
    configuration_ = options_.automatic() ? make_automatic_configuration(bench) : make_manual_configuration(bench);
    return {};
  }

  // Kubeconfig, plugin, configuration, in this order: whoever sees the last finds the others. A trouble with one of the first two stops the
  // next only if there is nothing from before to go on with.
  Result<> work() {
    configuring_ = false;
    calm_ = true;
    if (auto found = find_places(); !found) return found;
    watch();
    instances_.appear(places_.configuration);
    const auto kubeconfig = keep_kubeconfig();
    if (!kubeconfig && !(installed_ && is_file(kubeconfig_))) return kubeconfig;
    if (!kubeconfig) trouble(kubeconfig.error());
    if (host_.stop_requested()) return refuse(kExitOk, "the end was asked for");
    const auto plugin = keep_plugin();
    if (!plugin && !(plugin_stood_ && is_program(plugin_))) return plugin;
    if (!plugin) trouble(plugin.error());
    if (host_.stop_requested()) return refuse(kExitOk, "the end was asked for");
    configuring_ = true;
    if (!ready()) return refuse(kExitTimeout, "waiting for the readiness file " + options_.readiness_indicator_file);
    if (!is_below(kubeconfig_, places_.configuration)) {  // else it was made for that
      if (auto made = make_directories(places_.configuration); !made) return made;
    }
    if (options_.automatic()) places_.primaries = directories_.find(options_.multus_autoconfig_dir);
    return configuration_->keep();
  }

  // Links are followed once, so that all of a turn happens in one place.
  Result<> find_places() {
    directories_.begin_turn();
    auto configuration = directories_.find(options_.cni_conf_dir);
    if (!configuration) return std::unexpected(configuration.error());
    auto credentials = directories_.find(directory_of(place_));
    if (!credentials) return std::unexpected(credentials.error());
    places_.configuration = std::move(*configuration);
    kubeconfig_ = join(*credentials, name_of(place_));
    compare_persistence(*credentials);
    return {};
  }

  // Once. A configuration that outlives the kubeconfig that it names lets no pod start after a reboot, perhaps not even ours.
  void compare_persistence(const std::string& credentials) {
    if (persistence_compared_) return;
    const auto left = host_.stat(credentials);
    const auto right = host_.stat(places_.configuration);
    persistence_compared_ = left && right;
    if (!persistence_compared_ || left->device == right->device) return;
    log_.warn(kubeconfig_ + " and the configuration that names it are on different file systems; if only the first is lost at a reboot," +
              " no pod starts until this program has run");
  }

  Result<> keep_kubeconfig() {
    const auto wanted = keeper_.refresh(kubeconfig_);
    if (!wanted) return std::unexpected(wanted.error());
    if (!*wanted) return {};
    if (auto made = make_directories(directory_of(kubeconfig_)); !made) return made;
    return keeper_.publish(kubeconfig_);
  }

  // The volume itself may be new and empty; below it everything is ours.
  Result<> make_directories(const std::string& directory) {
    const bool shared = directory == places_.configuration || !is_below(directory, places_.configuration);
    if (!shared) {
      if (auto parent = make_directories(directory_of(directory)); !parent) return parent;
    }
    const auto made = shared ? publisher_.make_directory(directory, kSharedDirectoryMode, Publisher::Directory::kShared)
                             : publisher_.make_directory(directory, own_directory_mode(options_.kubeconfig_mode));
    return made ? Result<>{} : std::unexpected(made.error());
  }

  Result<> keep_plugin() {
    if (options_.skip_multus_binary_copy) return {};
    const auto directory = directories_.find(options_.cni_bin_dir);
    if (!directory) return std::unexpected(directory.error());
    plugin_ = join(*directory, kPluginName);
    if (!std::exchange(plugin_sought_, true)) plugin_stood_ = is_program(plugin_);
    if (auto made = make_directories(*directory); !made) return made;
    const auto installed = publisher_.install(options_.multus_bin_file, plugin_);
    if (!installed) return std::unexpected(installed.error());
    plugin_stood_ = true;
    if (*installed) log_.info("plugin installed as " + plugin_);
    calm_ = calm_ && !*installed;
    return {};
  }

  // The file's name is the host's. A place that this container cannot see is left to the plugin, which waits for the file, too.
  bool ready() {
    const std::string& file = options_.readiness_indicator_file;
    if (ready_ || file.empty()) return true;
    bool visible = false;
    for (const std::string& place : readiness_places()) {
      ready_ = ready_ || host_.stat(place).has_value();
      visible = visible || host_.stat(directory_of(place)).has_value();
    }
    if (!ready_ && !visible)
      log_.warn("cannot see the directory of the readiness file " + file + " from this container; not waiting for it");
    ready_ = ready_ || !visible;
    return ready_;
  }

  std::vector<std::string> readiness_places() const {
    const std::string& file = options_.readiness_indicator_file;
    if (!file.starts_with('/')) return {};
    if (const auto place = paths_.in_container(file)) return {*place};
    return {paths_.prefix() + file, file};
  }

  // Asks for events before anything is looked at, so that no change falls in between; again in every full look, since what was replaced is
  // watched no more.
  void watch() {
    std::set<std::string> directories{places_.configuration, directory_of(kubeconfig_), options_.cni_bin_dir,
                                      directory_of(options_.token_file), directory_of(options_.ca_file)};
    directories.insert(options_.automatic() ? options_.multus_autoconfig_dir : directory_of(options_.multus_conf_file));
    for (const std::string& place : ready_ ? std::vector<std::string>{} : readiness_places()) directories.insert(directory_of(place));
    for (const std::string& directory : directories) {
      const auto watched = host_.watch(directory);
      const bool absent = !watched && (watched.error() == Errno{ENOENT} || watched.error() == Errno{ENOTDIR});
      if (watched || absent || watched.error() == Errno{ENOTSUP}) continue;
      if (!std::exchange(blind_, true))
        log_.warn("cannot watch " + directory + " for changes (" + error_name(watched.error()) + "); they are found by looking every " +
                  std::to_string(options_.poll_interval.count()) + " ms");
      return;
    }
  }

  std::vector<Trace> traces() const {
    std::vector<Trace> all = configuration_->traces();
    all.insert(all.end(), {{.path = options_.token_file},
                           {.path = options_.cni_conf_dir},
                           {.path = place_, .follow = false},
                           {.path = directory_of(place_)}});
    if (!options_.skip_tls_verify) all.push_back({.path = options_.ca_file});
    if (options_.automatic() && options_.multus_autoconfig_dir != options_.cni_conf_dir)
      all.push_back({.path = options_.multus_autoconfig_dir});
    if (options_.skip_multus_binary_copy) return all;
    all.push_back({.path = options_.multus_bin_file});
    all.push_back({.path = join(options_.cni_bin_dir, kPluginName), .follow = false});
    return all;
  }

  void trouble(const Problem& problem) {
    calm_ = false;
    if (!host_.stop_requested()) log_.problem(problem.text);
  }

  Pulse pulse(const std::string& problem) const {
    return {.in_place = installed_ && problem.empty(),
            .problem = problem,
            .published = keeper_.published_at(),
            .token_expires = keeper_.token_expires()};
  }

  // Events that change nothing are answered ever later, up to the time at which we look anyway.
  Turn next(bool idle_event, std::chrono::nanoseconds wait) {
    event_gap_ = idle_event ? std::min<std::chrono::nanoseconds>(event_gap_ * 2, options_.poll_interval) : kEventGap;
    const auto now = host_.monotonic();
    const bool unsettled = wait < options_.poll_interval;
    return {.exit = std::nullopt, .wait_until = now + wait, .events_from = now + (unsettled ? wait : std::min(event_gap_, wait))};
  }

  bool is_file(const std::string& path) {
    const auto status = host_.lstat(path);
    return status && S_ISREG(status->mode) && status->size > 0;
  }

  bool is_program(const std::string& path) {
    const auto status = host_.stat(path);
    return status && S_ISREG(status->mode) && status->size > 0 && (status->mode & 0111) != 0;
  }

  // Once everything has been in place nothing makes us leave: a node with old credentials is better off than one without a keeper. Nor does
  // a primary that is late.
  bool gives_up(const Problem& problem) {
    const bool waits = configuring_ && !options_.once && (!ready_ || configuration_->may_wait(problem));
    if (installed_ || waits) {
      troubled_since_.reset();
      return false;
    }
    if (!troubled_since_) troubled_since_ = host_.monotonic();
    return host_.monotonic() - *troubled_since_ >= kPatience;
  }

  Turn end(const Problem& problem, const std::string& prefix) {
    log_.error(prefix + problem.text);
    return {.exit = problem.exit_code, .wait_until = {}, .events_from = {}};
  }

  Host& host_;
  const Options options_;
  Log log_;
  Publisher publisher_;
  const HostPaths paths_;
  Directories directories_;
  Instances instances_;
  KubeconfigKeeper keeper_;
  Footprint footprint_;
  Health health_;
  Places places_;
  std::string place_;       // of the kubeconfig, as this container names it
  std::string kubeconfig_;  // the same without links in its directory, this turn
  std::string plugin_;      // likewise
  bool plugin_sought_ = false;
  bool plugin_stood_ = false;  // it was there before, or is durably now: one whose name may be lost yet is nothing to go on with
  std::unique_ptr<Configuration> configuration_;
  std::optional<std::chrono::nanoseconds> troubled_since_;  // only at the start
  bool configuring_ = false;                                // kubeconfig and plugin are there, it is about the configuration
  bool installed_ = false;
  bool persistence_compared_ = false;
  bool calm_ = false;   // this turn had nothing to do
  bool ready_;          // the readiness file has been there, or is not waited for
  bool blind_ = false;  // it has been told that there are no events
  std::chrono::nanoseconds event_gap_{kEventGap};
};

Entrypoint::Entrypoint(Host& host, Options options) : state_(std::make_unique<State>(host, std::move(options))) {}
Entrypoint::~Entrypoint() = default;
Turn Entrypoint::turn() { return state_->turn(); }
int Entrypoint::stop() { return state_->stop(); }

}  // namespace reference
