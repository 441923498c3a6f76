#include "simulator/oracles/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "simulator/oracles/redact.h"
#include "simulator/oracles/watch.h"

namespace entryproof::oracles {
namespace {

using node::Operation;
using node::Verb;

constexpr std::string_view kKubeconfigMissing = "ATOM-23/kubeconfig-never-missing";
constexpr std::string_view kKubeconfigPartial = "ATOM-23/kubeconfig-never-partial";
constexpr std::string_view kConfigMissing = "ATOM-23/config-never-missing";
constexpr std::string_view kConfigPartial = "ATOM-23/config-never-partial";
constexpr std::string_view kBinaryMissing = "ATOM-23/binary-never-missing";
constexpr std::string_view kBinaryPartial = "ATOM-23/binary-never-partial";
constexpr std::string_view kKubeconfigOrder = "ORDER-37/kubeconfig-before-config";
constexpr std::string_view kBinaryOrder = "ORDER-37/binary-before-config";
constexpr std::string_view kKubeconfigMode = "SECURE-53/kubeconfig-mode";
constexpr std::string_view kConfigMode = "SECURE-53/configuration-never-open";
constexpr std::string_view kSelfDelegation = "CONF-30/never-self-delegating";
constexpr std::string_view kUrlForm = "FRESH-18/url-form";

// Operations that change an object where it stands. The others (rename, link, unlink …) change what a name means, in one step.
bool works_in_place(Verb verb) {
  switch (verb) {
    case Verb::kCreate:
    case Verb::kWrite:
    case Verb::kTruncate:
    case Verb::kSetAttributes:
    case Verb::kAllocate:
      return true;
    default:
      return false;
  }
}

// An operation that will turn out to be wrong if the same session completes what it began.
struct Suspicion {
  Place place;
  std::string what;  // the operation, for people
  std::uint32_t session = 0;
  node::InodeId inode = 0;
  bool created = false;  // a torn file that began empty where readers look, and was not brought in whole
  bool counts = true;    // a torn file matters only once somebody is led to it
};

// What is open about one name.
struct Track {
  std::optional<Suspicion> missing;  // the build took it away
  std::optional<Suspicion> torn;     // the build let it appear bad
  std::optional<Suspicion> order;    // of a kubeconfig or the binary: a configuration came first
  // Of a kubeconfig or the binary: others took it from under this session, which may have seen it there a moment before.
  std::optional<std::uint32_t> taken_from;
  bool broken = false;  // of a configuration: changed in place into a bad one, and not yet good again
};

template <class Map>
std::set<std::string, std::less<>> names_of(const Map& a, const Map& b) {
  std::set<std::string, std::less<>> names;
  for (const auto* map : {&a, &b}) {
    for (const auto& [name, value] : *map) names.insert(name);
  }
  return names;
}

const SeenKubeconfig* find(const Sight& sight, std::string_view path) {
  const auto found = sight.kubeconfigs.find(path);
  return found == sight.kubeconfigs.end() ? nullptr : &found->second;
}

}  // namespace

struct LiveOracle::State {
  Layout layout;
  Readers readers;
  Sight sight;  // after the last operation
  std::string published;
  std::unordered_set<node::InodeId> made;  // by the build: what is not inherited
  std::map<std::string, Track, std::less<>> configs;
  std::map<std::string, Track, std::less<>> kubeconfigs;
  Track binary;
  std::set<std::string_view> reported;
  std::optional<std::uint32_t> session;  // the build's, of its last operation
  std::vector<Finding> findings;         // of the operation at hand

  State(Layout wanted, bool http_allowed) : layout(std::move(wanted)), readers(http_allowed) {}

  // --- the operation at hand ---

  Suspicion suspect(const Operation& operation, std::string path, node::InodeId inode = 0) const {
    Suspicion suspicion;
    suspicion.place = {"", operation.index, std::move(path), operation.seq};
    suspicion.what = operation.describe();
    suspicion.session = operation.session;
    suspicion.inode = inode;
    suspicion.created = operation.verb == Verb::kCreate;
    return suspicion;
  }

  void report(std::string_view check, const Suspicion& suspicion, std::string expected, std::string actual) {
    if (!reported.insert(check).second) return;
    findings.push_back({std::string(check), printable(expected), printable(actual), suspicion.place});
  }

  static bool of_session(const std::optional<Suspicion>& suspicion, const Operation& operation) {
    return suspicion && suspicion->session == operation.session;
  }

  // Whether the good file that is there now was torn before, by the same session.
  static bool was_torn(const Track& track, const Operation& operation, node::InodeId inode) {
    return of_session(track.torn, operation) && (track.torn->inode == inode || track.torn->created) && track.torn->counts;
  }

  void charge(const Operation& operation, const Sight& now) {
    for (const std::string& path : names_of(sight.kubeconfigs, now.kubeconfigs)) {
      const SeenKubeconfig* before = find(sight, path);
      const SeenKubeconfig* after = find(now, path);
      if (before != nullptr && after != nullptr) charge_kubeconfig(operation, path, *before, *after, now);
    }
    charge_binary(operation, sight.binary, now.binary, now);
    for (const std::string& name : names_of(sight.configs, now.configs))
      charge_config(operation, name, sight.config(name), now.config(name), now);
    notice_who_is_led_to_torn_files(now);
  }

  // --- kubeconfigs ---

  void charge_kubeconfig(const Operation& operation, const std::string& path, const SeenKubeconfig& before, const SeenKubeconfig& after,
                         const Sight& now) {
    const bool same_inode = before.placed.inode == after.placed.inode;
    if (same_inode && before.version == after.version && before.placed.state == after.placed.state) return;
    Track& track = kubeconfigs[path];
    if (after.absent()) {
      track.torn.reset();
      if (before.valid()) track.missing = suspect(operation, path);
    } else if (before.valid() && !after.valid() && same_inode && works_in_place(operation.verb)) {
      report(kKubeconfigPartial, suspect(operation, path), path + " is whole at every moment",
             fmt::format("{} left it broken where readers look: {}", operation.describe(), after.placed.reason));
    } else if (!after.valid() && !same_inode) {
      track.torn = suspect(operation, path, after.placed.inode);
      track.torn->counts = before.valid() || of_session(track.missing, operation) || now.is_named(path);
    } else if (after.valid() && !before.valid()) {
      kubeconfig_came(operation, path, after, track);
    }
    charge_kubeconfig_values(operation, path, before, after);
  }

  void kubeconfig_came(const Operation& operation, const std::string& path, const SeenKubeconfig& after, Track& track) {
    if (was_torn(track, operation, after.placed.inode)) {
      report(kKubeconfigPartial, *track.torn, path + " is whole at every moment",
             fmt::format("it was there and not whole from {} until {}", track.torn->what, operation.describe()));
    }
    if (of_session(track.missing, operation)) {
      report(kKubeconfigMissing, *track.missing, path + " is there at every moment",
             fmt::format("it was gone from {} until {}", track.missing->what, operation.describe()));
    }
    if (of_session(track.order, operation)) {
      report(kKubeconfigOrder, *track.order, fmt::format("{} is there before a configuration names it", path),
             fmt::format("{} published a configuration; the kubeconfig came with {}", track.order->what, operation.describe()));
    }
    track = {};
  }

  void charge_kubeconfig_values(const Operation& operation, const std::string& path, const SeenKubeconfig& before,
                                const SeenKubeconfig& after) {
    const PlacedKubeconfig& placed = after.placed;
    if (placed.facts == nullptr) return;
    const bool other_inode = before.placed.inode != placed.inode;
    const bool mode_is_new = other_inode || before.placed.mode != placed.mode;
    const bool as_closed_as_can_be = placed.mode == 0600;  // fine, whatever the site allows
    if (mode_is_new && placed.mode != layout.kubeconfig_mode && !as_closed_as_can_be && made.contains(placed.inode)) {
      report(kKubeconfigMode, suspect(operation, path), fmt::format("{} has mode {:04o}", path, layout.kubeconfig_mode),
             fmt::format("mode {:04o} after {}", placed.mode, operation.describe()));
    }
    const bool content_is_new = other_inode || before.placed.facts != placed.facts;
    if (after.valid() && content_is_new && !placed.facts->form_right()) {
      report(kUrlForm, suspect(operation, path), "the server's host is in brackets if and only if it is an IPv6 address",
             fmt::format("{}: {}", placed.facts->server, placed.facts->url.form_defect));
    }
  }

  // --- the binary ---

  // What a reader could use before: the image's bytes, or whatever executable an earlier owner left.
  bool was_good(const SeenBinary& seen) const { return seen.complete() || (seen.usable && !made.contains(seen.placed.inode)); }

  void charge_binary(const Operation& operation, const SeenBinary& before, const SeenBinary& after, const Sight& now) {
    const bool same_inode = before.placed.inode == after.placed.inode;
    if (same_inode && before.version == after.version) return;
    const std::string path = join(layout.bin_dir, layout.binary);
    const bool changes_bytes = works_in_place(operation.verb) && (operation.verb != Verb::kSetAttributes || !after.usable);
    if (after.absent()) {
      if (was_good(before)) binary.missing = suspect(operation, path);
      binary.torn.reset();
    } else if (same_inode && was_good(before) && !after.complete() && changes_bytes) {
      report(kBinaryPartial, suspect(operation, path), path + " is whole at every moment",
             fmt::format("{} left it broken where runtimes look: {}", operation.describe(), after.placed.reason));
    } else if (!after.complete() && !same_inode) {
      binary.torn = suspect(operation, path, after.placed.inode);
      binary.torn->counts = was_good(before) || of_session(binary.missing, operation) || now.has_own_config();
    } else if (after.complete() && !before.complete()) {
      if (was_torn(binary, operation, after.placed.inode)) {
        report(kBinaryPartial, *binary.torn, path + " is whole at every moment",
               fmt::format("it was there and not whole from {} until {}", binary.torn->what, operation.describe()));
      }
      if (of_session(binary.missing, operation)) {
        report(kBinaryMissing, *binary.missing, path + " is there at every moment",
               fmt::format("it was gone from {} until {}", binary.missing->what, operation.describe()));
      }
      if (of_session(binary.order, operation)) {
        report(kBinaryOrder, *binary.order, fmt::format("{} is there before a configuration", path),
               fmt::format("{} published a configuration; the binary came with {}", binary.order->what, operation.describe()));
      }
      binary = {};
    }
  }

  // --- configurations ---

  void charge_config(const Operation& operation, const std::string& name, const SeenConfig& before, const SeenConfig& after,
                     const Sight& now) {
    const bool same_inode = before.inode == after.inode;
    if (same_inode && before.version == after.version && before.state == after.state) return;
    const std::string path = join(layout.net_dir, name);
    Track& track = configs[name];
    if (after.state == SeenConfig::State::kAbsent) {
      track.torn.reset();
      if (before.own() && !before.config->self_delegating) track.missing = suspect(operation, path);  // a loop is nothing to be kept
    } else if (before.own() && !after.own() && same_inode && works_in_place(operation.verb)) {
      track.broken = true;
      report(kConfigPartial, suspect(operation, path), path + " is whole at every moment",
             fmt::format("{} left it broken where runtimes look", operation.describe()));
    } else if (after.state == SeenConfig::State::kBad && !same_inode) {
      track.torn = suspect(operation, path, after.inode);
    } else if (after.own() && !before.own()) {
      config_came(operation, path, after, now, track);
    }
    if (!after.own()) return;
    published = name;
    charge_config_mode(operation, path, before, after);
    if (after.config->self_delegating && (!same_inode || before.config != after.config)) {
      report(kSelfDelegation, suspect(operation, path), "no delegate, at any depth, is Multus",
             fmt::format("{} levels of Multus in {} after {}", after.config->multus_depth, path, operation.describe()));
    }
  }

  // A site that lets a group read the kubeconfig may let it read what names it.
  void charge_config_mode(const Operation& operation, const std::string& path, const SeenConfig& before, const SeenConfig& after) {
    const bool mode_is_new = before.inode != after.inode || before.mode != after.mode || !before.own();
    if (!mode_is_new || (after.mode & ~(0600U | layout.kubeconfig_mode)) == 0 || !made.contains(after.inode)) return;
    report(kConfigMode, suspect(operation, path), path + " is open to nobody but its owner",
           fmt::format("mode {:04o} after {}", after.mode, operation.describe()));
  }

  void config_came(const Operation& operation, const std::string& path, const SeenConfig& after, const Sight& now, Track& track) {
    if (was_torn(track, operation, after.inode)) {
      report(kConfigPartial, *track.torn, path + " is whole at every moment",
             fmt::format("it was there and not whole from {} until {}", track.torn->what, operation.describe()));
    }
    const bool replaces = track.broken || of_session(track.missing, operation);
    for (auto& [name, other] : configs) {
      // Under another name it fills the gap only if there was one: no configuration of Multus' at all.
      if (!of_session(other.missing, operation) || (&other != &track && sight.has_own_config())) continue;
      report(kConfigMissing, *other.missing, "a Multus configuration is there at every moment",
             fmt::format("{} was gone from {} until {}", other.missing->place.path, other.missing->what, operation.describe()));
      other.missing.reset();
    }
    track = {};
    if (!replaces) expect_what_it_leads_to(operation, path, *after.config, now);
  }

  // Kubeconfig and binary are there before the configuration that leads to them. Only if they come later is it a matter of order.
  void expect_what_it_leads_to(const Operation& operation, const std::string& path, const CniConfig& config, const Sight& now) {
    if (const SeenKubeconfig* kubeconfig = find(now, config.kubeconfig); kubeconfig != nullptr) {
      suspect_order(kubeconfigs[config.kubeconfig], kubeconfig->absent(), operation, path);
    }
    suspect_order(binary, now.binary.absent(), operation, path);
  }

  void suspect_order(Track& track, bool absent, const Operation& operation, const std::string& path) const {
    if ((!absent && !track.torn) || track.order) return;
    // No build can look and publish in one step: the first configuration after somebody took the file away says nothing.
    if (std::exchange(track.taken_from, std::nullopt) == operation.session) return;
    track.order = suspect(operation, path);
  }

  void notice_who_is_led_to_torn_files(const Sight& now) {
    for (auto& [path, track] : kubeconfigs) {
      if (track.torn && !track.torn->counts) track.torn->counts = now.is_named(path);
    }
    if (binary.torn && !binary.torn->counts) binary.torn->counts = now.has_own_config();
  }

  // --- what others do ---

  // The world or an earlier stage changed something: what the build began there is no longer its own affair.
  void absorb(const Operation& operation, const Sight& now) {
    for (const std::string& path : names_of(sight.kubeconfigs, now.kubeconfigs)) {
      const SeenKubeconfig* before = find(sight, path);
      const SeenKubeconfig* after = find(now, path);
      const bool same =
          before != nullptr && after != nullptr && before->placed.inode == after->placed.inode && before->version == after->version;
      if (same) continue;
      kubeconfigs.erase(path);
      if (before != nullptr && !before->absent() && (after == nullptr || after->absent())) kubeconfigs[path].taken_from = session;
    }
    if (sight.binary.placed.inode != now.binary.placed.inode || sight.binary.version != now.binary.version) {
      binary = {};
      if (!sight.binary.absent() && now.binary.absent()) binary.taken_from = session;
    }
    bool gave_a_reason = operation.parent == sight.net_dir || operation.parent2 == sight.net_dir;
    for (const std::string& name : names_of(sight.configs, now.configs)) {
      const SeenConfig& before = sight.config(name);
      const SeenConfig& after = now.config(name);
      if (before.inode == after.inode && before.version == after.version) continue;
      configs.erase(name);
      gave_a_reason = true;
    }
    // Whoever changes net.d, or a configuration in it where it stands, gives the build a reason to publish anew: what it took away before
    // is not "being replaced" any more.
    if (gave_a_reason) {
      for (auto& [name, track] : configs) track.missing.reset();
    }
  }
};

LiveOracle::LiveOracle(Layout layout, bool http_allowed) : state_(std::make_unique<State>(std::move(layout), http_allowed)) {}
LiveOracle::~LiveOracle() = default;
LiveOracle::LiveOracle(LiveOracle&&) noexcept = default;
LiveOracle& LiveOracle::operator=(LiveOracle&&) noexcept = default;

const std::vector<std::string_view>& LiveOracle::checks() {
  static const std::vector<std::string_view> kChecks{kKubeconfigMissing, kKubeconfigPartial, kConfigMissing,   kConfigPartial,
                                                     kBinaryMissing,     kBinaryPartial,     kKubeconfigOrder, kBinaryOrder,
                                                     kKubeconfigMode,    kConfigMode,        kSelfDelegation,  kUrlForm};
  return kChecks;
}

void LiveOracle::reset(const node::Tree& tree) {
  state_->configs.clear();
  state_->kubeconfigs.clear();
  state_->binary = {};
  state_->made.clear();
  state_->sight = look(tree, state_->layout, state_->readers, {});
}

void LiveOracle::restart(const node::Tree& tree) {
  state_->published.clear();
  state_->reported.clear();
  reset(tree);
}

std::vector<Finding> LiveOracle::judge(const Operation& operation, const node::Tree& now) {
  State& state = *state_;
  if (operation.verb == Verb::kFsync || operation.verb == Verb::kFsyncDirectory || !operation.succeeded()) return {};
  const bool by_build = operation.actor == node::Actor::kBuild;
  if (by_build) state.session = operation.session;
  if (by_build && operation.verb == Verb::kCreate) state.made.insert(operation.inode);
  const Sight& before = state.sight;
  if (!before.touched_by(operation)) return {};

  Sight after = look(now, state.layout, state.readers, before);
  if (by_build) {
    state.charge(operation, after);
  } else {
    state.absorb(operation, after);
  }
  state.sight = std::move(after);
  return std::exchange(state.findings, {});
}

const std::string& LiveOracle::published() const { return state_->published; }

std::shared_ptr<const KubeconfigFacts> LiveOracle::kubeconfig() const {
  const State& state = *state_;
  const SeenConfig& config = state.sight.config(state.published);
  const SeenKubeconfig* seen = config.own() ? find(state.sight, config.config->kubeconfig) : nullptr;
  if (seen == nullptr) seen = find(state.sight, state.layout.kubeconfig);
  return seen != nullptr && seen->valid() ? seen->placed.facts : nullptr;
}

void LiveOracle::expect_kubeconfig_mode(mode_t mode) { state_->layout.kubeconfig_mode = mode; }

}  // namespace entryproof::oracles
