#include "reference/entrypoint.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "reference/configuration.h"
#include "reference/directories.h"
#include "reference/files.h"
#include "reference/host_paths.h"
#include "reference/kubeconfig.h"
#include "reference/kubeconfig_holder.h"
#include "reference/log.h"
#include "reference/publish.h"
#include "reference/service_account.h"

namespace reference {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kSoon{200};  // while something is missing or just changing
constexpr std::chrono::seconds kPatience{30};    // with what is missing at the start
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
        log_(host),
        publisher_(host),
        paths_(make_host_paths(host, options_)),
        directories_(host, paths_) {}

  Turn turn() {
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
    if (done && options_.once) return {.exit = kExitOk, .wait_until = {}};
    const bool soon = !installed_ || configuration_->unsettled();
    return {.exit = std::nullopt,
            .wait_until = host_.monotonic() + (soon ? std::min(kSoon, options_.poll_interval) : options_.poll_interval)};
  }

  int stop() {
    if (options_.cleanup_config_on_exit && configuration_) configuration_->clean_up();
    return kExitOk;
  }

 private:
  // Once, before anything is touched: what can be known to be wrong is refused now.
  Result<> prepare() {
    for (const std::string& warning : options_.warnings) log_.warn(warning);
    if (options_.kubeconfig_policy != KubeconfigPolicy::kNever) {
      endpoint_ = find_endpoint(options_);
      // Where somebody else may provide the file nobody need know the address.
      if (!endpoint_ && options_.kubeconfig_policy == KubeconfigPolicy::kAlways) return std::unexpected(endpoint_.error());
      if (endpoint_ && endpoint_->protocol == "http") log_.warn("the API server is asked for without TLS; the token travels in the clear");
    }
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

    for (const std::string& directory : {options_.cni_conf_dir, directory_of(place_), options_.cni_bin_dir}) {
      if (const auto found = directories_.find(directory)) publisher_.sweep(*found);
    }
    const Workbench bench{
        .host = host_, .options = options_, .paths = paths_, .places = places_, .kubeconfig = place_, .publisher = publisher_, .log = log_};
    configuration_ = options_.automatic() ? make_automatic_configuration(bench) : make_manual_configuration(bench);
    return {};
  }

  // Kubeconfig, plugin, configuration, in this order: whoever sees the last finds the others. A trouble with one of the first two stops the
  // next only if there is nothing from before to go on with.
  Result<> work() {
    configuring_ = false;
    if (auto found = find_places(); !found) return found;
    const auto kubeconfig = keep_kubeconfig();
    if (!kubeconfig && !(installed_ && is_file(kubeconfig_))) return kubeconfig;
    if (!kubeconfig) log_.problem(kubeconfig.error().text);
    const auto plugin = keep_plugin();
    if (!plugin && !is_program(plugin_)) return plugin;
    if (!plugin && !host_.stop_requested()) log_.problem(plugin.error().text);
    configuring_ = true;
    if (!is_below(kubeconfig_, places_.configuration)) {  // else it was made for that
      if (auto made = make_directories(places_.configuration); !made) return made;
    }
    places_.primaries = directories_.find(options_.multus_autoconfig_dir);
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
    if (options_.kubeconfig_policy != KubeconfigPolicy::kAlways) {
      const auto holder = find_holder(host_, kubeconfig_, desired_);
      if (!holder) return std::unexpected(holder.error());
      const bool never = options_.kubeconfig_policy == KubeconfigPolicy::kNever;
      if (*holder == Holder::kSomebody || (never && *holder == Holder::kUs)) return {};
      if (never) {
        return refuse(kExitNoInput, "there is no kubeconfig at " + kubeconfig_ + ", which the configuration is to name, and " +
                                        "--kubeconfig-policy=never leaves it to others");
      }
    }

    if (!endpoint_) return std::unexpected(endpoint_.error());
    const auto found = read_credentials(host_, options_.token_file, options_.skip_tls_verify ? "" : options_.ca_file);
    if (!found && desired_.empty()) return std::unexpected(found.error());
    // A trouble with the source is no reason to leave a damaged file: what was good last is better than that.
    if (!found) log_.problem(found.error().text);
    if (found) desired_ = render_kubeconfig(*endpoint_, found->token, found->ca);
    if (auto made = make_directories(directory_of(kubeconfig_)); !made) return made;
    const auto written = publisher_.publish(kubeconfig_, desired_, options_.kubeconfig_mode);
    if (!written) return std::unexpected(written.error());
    if (*written) log_.info("kubeconfig published as " + kubeconfig_ + " for " + endpoint_->url());
    return {};
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
    if (auto made = make_directories(*directory); !made) return made;
    const auto installed = publisher_.install(options_.multus_bin_file, plugin_);
    if (!installed) return std::unexpected(installed.error());
    if (*installed) log_.info("plugin installed as " + plugin_);
    return {};
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
    const bool waits = configuring_ && !options_.once && configuration_->may_wait(problem);
    if (installed_ || waits) {
      troubled_since_.reset();
      return false;
    }
    if (!troubled_since_) troubled_since_ = host_.monotonic();
    return host_.monotonic() - *troubled_since_ >= kPatience;
  }

  Turn end(const Problem& problem, const std::string& prefix) {
    host_.write_error("error: " + prefix + problem.text);
    return {.exit = problem.exit_code, .wait_until = {}};
  }

  Host& host_;
  const Options options_;
  Log log_;
  Publisher publisher_;
  const HostPaths paths_;
  Result<Endpoint> endpoint_;
  Directories directories_;
  Places places_;
  std::string place_;       // of the kubeconfig, as this container names it
  std::string kubeconfig_;  // the same without links in its directory, this turn
  std::string plugin_;      // likewise
  std::string desired_;     // the kubeconfig's content that was right last
  std::unique_ptr<Configuration> configuration_;
  std::optional<std::chrono::nanoseconds> troubled_since_;  // only at the start
  bool configuring_ = false;                                // kubeconfig and plugin are there, it is about the configuration
  bool installed_ = false;
  bool persistence_compared_ = false;
};

Entrypoint::Entrypoint(Host& host, Options options) : state_(std::make_unique<State>(host, std::move(options))) {}
Entrypoint::~Entrypoint() = default;
Turn Entrypoint::turn() { return state_->turn(); }
int Entrypoint::stop() { return state_->stop(); }

}  // namespace reference
