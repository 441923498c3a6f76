// The reference over whole histories: rotations, primaries that come and go half-written, operators who edit and delete, kills between any
// two operations, restarts. Whatever happened,
//  - the kubeconfig is there once it was published, and valid after every single operation (ReferenceStage looks);
//  - what lies on the node at the end is what a fresh start makes of the same inputs;
//  - a restart changes nothing, and neither does an idle minute, which says nothing either.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ostream>

#include "simulator/runner/reference_stage_test_support.h"

namespace entryproof::runner {
namespace {

using namespace std::chrono_literals;

// --- what can happen, as data: a counterexample is a list of these ---

enum class Happening : std::uint8_t {
  kRotate,         // a new token (1), CA (2) or both (0), as kubelet does it
  kSlowRotate,     // the same, with time between its steps
  kPrimary,        // a primary with one of the bodies, written whole by a rename
  kSlowPrimary,    // the same written in place, and time passes when half of it is there
  kDropPrimary,    // a primary is removed
  kMovePrimary,    // a primary gets another name
  kManual,         // another manual configuration, through ..data or in two halves
  kKubeconfig,     // an operator deletes, truncates, overwrites or opens up the kubeconfig, or the directory around it
  kConfiguration,  // the same with the published configuration
  kPlugin,         // the same with the plugin
  kTerm,           // TERM and a new start
  kKill,           // KILL, and a new start
  kKillAt,         // KILL before a mutation to come, and a new start
  kWait,
  kCount
};

struct Event {
  Happening what = Happening::kWait;
  unsigned a = 0;
  unsigned b = 0;
};

std::ostream& operator<<(std::ostream& out, const Event& event) {
  static constexpr std::array kNames{"rotate",     "slow-rotate",   "primary", "slow-primary", "drop-primary", "move-primary", "manual",
                                     "kubeconfig", "configuration", "plugin",  "TERM",         "KILL",         "KILL-at",      "wait"};
  return out << kNames.at(static_cast<std::size_t>(event.what)) << "(" << event.a << "," << event.b << ")";
}

constexpr int kEvents = 40;  // at most, in one history

rc::Gen<Event> any_event() {
  return rc::gen::construct<Event>(
      rc::gen::map(rc::gen::inRange(0, static_cast<int>(Happening::kCount)), [](int what) { return static_cast<Happening>(what); }),
      rc::gen::inRange(0U, 40U), rc::gen::inRange(0U, 8U));
}

constexpr std::array kPrimaryNames{"05-weave.conf", "10-flannel.conflist", "20-calico.conf", "30-big.conflist"};
constexpr std::array kSingles{
    R"({"cniVersion":"0.3.1","name":"net-a","type":"bridge"})",
    R"({ "cniVersion": "1.0.0", "name": "net-b", "type": "macvlan", "mtu": 1.50e3, "capabilities": {"ips": true} })",
    R"({"type":"host-device","name":"n","cniVersion":"0.4.0","big":9007199254740993,"text":"\u00e9\n\"x\""})"};
constexpr std::array kLists{
    R"({"cniVersion":"0.3.1","name":"list-a","plugins":[{"type":"flannel"},{"type":"portmap","capabilities":{"portMappings":true}}]})",
    R"({"name":"list-b","cniVersion":"1.0.0","plugins":[{"type":"calico","ipam":{"type":"calico-ipam"}},{"type":"tuning"}]})"};
constexpr std::array kManuals{
    R"({"cniVersion":"0.3.1","name":"m1","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig","clusterNetwork":"a"})",
    R"({"cniVersion":"0.4.0","name":"m2","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig","x":1.0})"};

bool is_list(const std::string& name) { return name.ends_with(".conflist"); }

std::string body_for(const std::string& name, unsigned choice) {
  return is_list(name) ? kLists.at(choice % kLists.size()) : kSingles.at(choice % kSingles.size());
}

// Options that change what is written, or how; none of them changes the promises.
const std::vector<std::vector<std::string>>& odd_options() {
  static const std::vector<std::vector<std::string>> kOptions{
      {},
      {"--namespace-isolation=true", "--global-namespaces=default,kube-system"},
      {"--multus-log-level=debug", "--multus-log-file=/var/log/multus.log", "--multus-log-to-stderr=false"},
      {"--additional-bin-dir=/opt/multus/bin"},
      {"--multus-cni-conf-dir=/host/etc/cni/multus/net.d"},
      {"--override-network-name=true"},
      {"--poll-interval=100ms"},
      {"--poll-interval=5s"},
      {"--skip-multus-binary-copy=false", "--skip-config-watch=false"},
      {"--api-server=https://[fd00::1]:6443"},
      {"--skip-tls-verify=true"}};
  return kOptions;
}

// One history on one node.
class History {
 public:
  explicit History(const Pod& pod) : pod_(pod), stage_(pod), manual_directory_(stage_.node_path("/tmp/multus-conf")), manual_(kManuals[0]) {
    stage_.project(account_.current());
    stage_.put(kNetDirectory + "/10-flannel.conflist", kLists[0]);
    primaries_["10-flannel.conflist"] = kLists[0];
    if (pod_.mode == oracles::Mode::kManual) publish_manual(false);
    stage_.start();
    stage_.pass(1s);
  }

  void happen(const Event& event) {
    const std::string name = kPrimaryNames.at(event.a % kPrimaryNames.size());
    switch (event.what) {
      case Happening::kRotate:
        rotate(event, 0ms);
        break;
      case Happening::kSlowRotate:
        rotate(event, 300ms);
        break;
      case Happening::kPrimary:
        stage_.put(kNetDirectory + "/.new", body_for(name, event.b));
        stage_.change(cluster::Change::rename(in_net(".new"), in_net(name)));
        primaries_[name] = body_for(name, event.b);
        break;
      case Happening::kSlowPrimary:
        primaries_[name] = body_for(name, event.b);
        stage_.put(kNetDirectory + "/" + name, primaries_[name].substr(0, primaries_[name].size() * event.b / 8));
        stage_.pass(2s);
        stage_.put(kNetDirectory + "/" + name, primaries_[name]);
        break;
      case Happening::kDropPrimary:
        stage_.remove(kNetDirectory + "/" + name);
        primaries_.erase(name);
        break;
      case Happening::kMovePrimary:
        move_primary(name, kPrimaryNames.at(event.b % kPrimaryNames.size()));
        break;
      case Happening::kManual:
        manual_ = kManuals.at(event.a % kManuals.size());
        if (pod_.mode == oracles::Mode::kManual) publish_manual(event.b % 2 == 1);
        break;
      case Happening::kKubeconfig:
        damage(kKubeconfigFile, event.a);
        break;
      case Happening::kConfiguration:
        for (const std::string& own : own_configurations()) damage(kNetDirectory + "/" + own, event.a);
        break;
      case Happening::kPlugin:
        damage(kPluginFile, event.a);
        break;
      case Happening::kTerm:
        stage_.signal(SIGTERM);
        break;
      case Happening::kKill:
        stage_.signal(SIGKILL);
        break;
      case Happening::kKillAt:
        stage_.kill_after(event.a + 1);
        break;
      default:
        stage_.pass(std::chrono::milliseconds(200 * event.a));
    }
    stage_.pass(std::chrono::milliseconds(200 * event.b));
    if (!stage_.running()) stage_.start();
  }

  // Everything good again, and time to act on it: longer than anything is put off.
  void come_to_rest() {
    stage_.kill_after(0);
    if (primaries_.empty()) primaries_["10-flannel.conflist"] = kLists[0];
    for (const auto& [name, body] : primaries_) stage_.put(kNetDirectory + "/" + name, body);
    if (!stage_.running()) stage_.start();
    stage_.pass(20s);
  }

  // The same inputs on a node of its own.
  std::map<std::string, std::string> afresh() const {
    ReferenceStage fresh(pod_);
    fresh.project(account_.current());
    for (const auto& [name, body] : primaries_) fresh.put(kNetDirectory + "/" + name, body);
    if (pod_.mode == oracles::Mode::kManual) {
      fresh.put(manual_directory_ + "/70-multus.conf", manual_);
    }
    fresh.start();
    fresh.pass(20s);
    return fresh.published();
  }

  // Automatic: the first primary by name, to the last digit. Manual: the user's file.
  oracles::ConfigurationDemand wanted_configuration() const {
    oracles::ConfigurationDemand demand;
    demand.own_files = 1;
    if (pod_.mode == oracles::Mode::kManual) {
      demand.file = kNetDirectory + "/70-multus.conf";
      demand.name = manual_ == kManuals[0] ? "m1" : "m2";
    } else {
      demand.primary_json = primaries_.begin()->second;
      demand.equality = oracles::JsonEquality::kLossless;
    }
    return demand;
  }

  ReferenceStage& stage() { return stage_; }

 private:
  static std::string in_net(const std::string& name) { return (kNetDirectory + "/" + name).substr(1); }

  void rotate(const Event& event, Duration pause) {
    stage_.project(account_.rotate(event.a % 3 != 2, event.a % 3 != 1, stage_.wall_ns()), pause);
  }

  void move_primary(const std::string& from, const std::string& to) {
    if (!primaries_.contains(from) || is_list(from) != is_list(to) || from == to) return;
    stage_.change(cluster::Change::rename(in_net(from), in_net(to)));
    primaries_[to] = primaries_[from];
    primaries_.erase(from);
  }

  void publish_manual(bool slowly) {
    const std::string path = manual_directory_ + "/70-multus.conf";
    if (slowly) {
      stage_.put(path, manual_.substr(0, manual_.size() / 2));
      stage_.pass(3s);
    }
    stage_.put(path, manual_);
  }

  std::vector<std::string> own_configurations() const {
    auto names = stage_.names(kNetDirectory);
    std::erase_if(names, [](const std::string& name) { return name.find("multus.conf") == std::string::npos; });
    return names;
  }

  void damage(const std::string& path, unsigned how) {
    if (path == kKubeconfigFile && stage_.names(kNetDirectory + "/multus.d").empty()) return;  // not even the directory is there
    const auto bytes = stage_.read(path);
    switch (how % 6) {
      case 0:
        return stage_.remove(path);
      case 1:
        return stage_.put(path, bytes.value_or("").substr(0, bytes.value_or("").size() / 2));
      case 2:
        return stage_.put(path, "not what it was");
      case 3:
        return stage_.put(path, bytes.value_or("x"), 0666);
      case 4:
        stage_.remove(path);
        return stage_.change(cluster::Change::symlink(path.substr(1), "/etc/passwd"));
      default:
        if (path == kKubeconfigFile) return stage_.remove(kNetDirectory + "/multus.d");
        return stage_.put(path, "");
    }
  }

  const Pod pod_;
  ReferenceStage stage_;
  cluster::ServiceAccount account_{1, VirtualClock::kDefaultEpochNs};
  const std::string manual_directory_;
  std::map<std::string, std::string> primaries_;  // what they are when all of it is written
  std::string manual_;
};

Pod any_pod(oracles::Mode mode) {
  Pod pod;
  pod.mode = mode;
  pod.arguments = *rc::gen::elementOf(odd_options());
  pod.arguments.push_back(mode == oracles::Mode::kManual ? kManualFlag : "--multus-conf-file=auto");
  return pod;
}

// The first promise that was not kept over these events and the rest after them, or "".
std::string complaint(const Pod& pod, const std::vector<Event>& events) {
  History history(pod);
  for (const Event& event : events) history.happen(event);
  history.come_to_rest();
  ReferenceStage& stage = history.stage();
  const auto told = [&](const std::string& what) { return what + "\nit said:\n" + stage.output(); };
  const auto broken = [&]() -> std::string {
    if (!stage.broken().empty()) return told(*stage.broken().begin());
    if (!stage.running()) return told("it ended");
    if (const auto trouble = stage.trouble()) return told(*trouble);
    return "";
  };
  if (auto what = broken(); !what.empty()) return what;
  if (const auto wrong = oracles::judge_configuration(stage.situation(), history.wanted_configuration())) {
    return told("expected " + wrong->expected + ", seen " + wrong->actual);
  }
  if (const auto difference = first_difference(stage.published(), history.afresh()); !difference.empty()) {
    return told("a fresh start makes something else of the same inputs: " + difference);
  }

  for (const int number : {SIGTERM, SIGKILL}) {
    const auto generation = stage.generation();
    stage.signal(number);
    stage.start();
    stage.pass(20s);
    if (stage.generation() != generation) return told("a restart changed something");
  }
  const auto generation = stage.generation();
  const std::size_t said = stage.output().size();
  stage.pass(60s);
  if (stage.generation() != generation) return told("idle, it changed something");
  if (stage.output().size() != said) return told("idle, it spoke");
  return broken();
}

void live_through(oracles::Mode mode) {
  const Pod pod = any_pod(mode);
  const auto what = complaint(pod, *rc::gen::resize(kEvents, rc::gen::container<std::vector<Event>>(any_event())));
  if (!what.empty()) RC_FAIL(what);
}

// EXIST-03, ATOM-22, ATOM-23, FRESH-06, CONF-31, UPGRADE-M8, LIFE-60
RC_GTEST_PROP(ReferenceProperty, AutomaticModeKeepsItsPromisesInAnyHistory, ()) { live_through(oracles::Mode::kAutomatic); }

// EXIST-01, FRESH-08, ATOM-29, MANUAL-50
RC_GTEST_PROP(ReferenceProperty, ManualModeKeepsItsPromisesInAnyHistory, ()) { live_through(oracles::Mode::kManual); }

// One history with everything in it. The reference has no defect that shows in it, and each of these mutants has.
const std::vector<Event>& eventful() {
  using enum Happening;
  static const std::vector<Event> kEventful{{kRotate, 0, 2},     {kPrimary, 0, 5},     {kKubeconfig, 0, 5},    {kTerm, 0, 5},
                                            {kSlowRotate, 1, 5}, {kPlugin, 1, 5},      {kConfiguration, 0, 5}, {kKill, 0, 5},
                                            {kRotate, 2, 5},     {kDropPrimary, 0, 7}, {kManual, 1, 7},        {kKillAt, 3, 0},
                                            {kTerm, 0, 5},       {kKubeconfig, 3, 5},  {kWait, 4, 0}};
  return kEventful;
}

TEST(ReferenceProperty, AMutantBreaksAPromise) {
  const auto lived = [](oracles::Mode mode, const std::string& mutant) {
    Pod pod;
    pod.mode = mode;
    pod.mutant = mutant;
    pod.arguments = {mode == oracles::Mode::kManual ? kManualFlag : "--multus-conf-file=auto"};
    return complaint(pod, eventful());
  };
  EXPECT_EQ(lived(oracles::Mode::kAutomatic, ""), "");
  EXPECT_EQ(lived(oracles::Mode::kManual, ""), "");
  for (const char* mutant :
       {"binary-in-place", "binary-unlinked-first", "configuration-before-kubeconfig", "configuration-in-place", "configuration-sorts-last",
        "kubeconfig-elsewhere", "kubeconfig-in-place", "kubeconfig-mode-0644", "kubeconfig-unlinked-first", "kubeconfig-written-once",
        "litter", "lossy-delegate", "no-binary", "no-ca", "old-token", "output-differs", "self-delegating", "wrong-delegate"}) {
    EXPECT_NE(lived(oracles::Mode::kAutomatic, mutant), "") << mutant;
  }
  for (const char* mutant : {"manual-configuration-omitted", "no-kubeconfig-in-manual", "old-ca", "unknown-context"}) {
    EXPECT_NE(lived(oracles::Mode::kManual, mutant), "") << mutant;
  }
}

}  // namespace
}  // namespace entryproof::runner
