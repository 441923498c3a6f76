#include "simulator/runner/reference_stage_test_support.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "simulator/base/digest.h"
#include "simulator/node/view.h"
#include "simulator/oracles/host.h"
#include "simulator/oracles/kubeconfig.h"

namespace entryproof::runner {
namespace {

constexpr std::size_t kFileCap = std::size_t{8} << 20;

oracles::Layout layout_of(const Site& site) {
  oracles::Layout layout;
  const auto plugin = oracles::read_host_file(site.image(), site.image_plugin, kFileCap);
  layout.source = oracles::SourceBinary{plugin->size(), sha256_hex(*plugin)};
  return layout;
}

bool http(const Pod& pod) {
  const auto found = pod.environment.find("KUBERNETES_SERVICE_PROTOCOL");
  return found != pod.environment.end() && found->second == "http";
}

}  // namespace

ReferenceStage::ReferenceStage(Pod pod)
    : pod_(std::move(pod)),
      layout_(layout_of(site_)),
      node_(site_.image(), clock_),
      readers_(http(pod_)),
      oracle_(layout_, http(pod_)),
      account_directory_(site_.service_account.substr(1) + "/") {
  oracle_.reset(node_.tree());
  node_.set_observer(this);
  node_.set_gate(this);
}

ReferenceStage::~ReferenceStage() = default;

void ReferenceStage::change(const cluster::Change& change) {
  const auto done = cluster::apply(node_, node::Caller{}, node::kRoot, {change});
  if (!done) ADD_FAILURE() << "the world could not change " << change.path << ": errno " << static_cast<int>(done.error());
}

void ReferenceStage::put(const std::string& path, std::string bytes, mode_t mode) {
  change(cluster::Change::write(path.substr(1), std::move(bytes), mode));
}

void ReferenceStage::remove(const std::string& path) { change(cluster::Change::remove(path.substr(1))); }

std::optional<std::string> ReferenceStage::read(const std::string& path) const {
  return oracles::read_host_file(node_.tree(), path, kFileCap);
}

std::vector<std::string> ReferenceStage::names(const std::string& directory) const {
  std::vector<std::string> found;
  const auto inode = oracles::resolve_on_host(node_.tree(), directory);
  if (!inode) return found;
  for (const auto& entry : node_.tree().list(*inode).value_or(std::vector<node::Entry>{})) found.push_back(entry.name);
  return found;
}

void ReferenceStage::project(const cluster::Generation& generation, Duration pause) {
  cluster_.generations.push_back({generation.id, generation.token, generation.ca_pem});
  redactor_.add(generation.token);
  project(cluster::ServiceAccount::files(generation), pause);
}

void ReferenceStage::project(const cluster::Payload& payload, Duration pause) {
  for (cluster::Change step : account_volume_.update(payload, clock_.wall_ns())) {
    step.path = account_directory_ + step.path;
    if (step.kind == cluster::Change::Kind::kRename) step.other = account_directory_ + step.other;
    change(step);
    pass(pause);
  }
}

void ReferenceStage::start() {
  auto view = site_.view(node_.tree());
  ASSERT_TRUE(view) << view.error().line();
  subjects::ReferenceInProcess::Start wanted;
  wanted.arguments = pod_.arguments;
  wanted.environment = pod_.environment;
  wanted.mutant = pod_.mutant;
  wanted.view = std::move(*view);
  wanted.caller = {node::Actor::kBuild, {}, 022, ++session_};
  node_.unseal(node::Actor::kBuild);
  auto life = subjects::ReferenceInProcess::start(node_, clock_, std::move(wanted));
  ASSERT_TRUE(life) << life.error().line();
  life_ = std::move(*life);
  seen_output_ = 0;
  collect_output();
}

void ReferenceStage::signal(int number) {
  if (!running()) return;
  if (number == SIGKILL) node_.seal(node::Actor::kBuild);
  life_->signal(number);
  collect_output();
}

void ReferenceStage::kill_after(unsigned operations) { kill_in_ = operations; }

void ReferenceStage::pass(Duration time) {
  const Moment end = clock_.now() + time;
  while (running() && life_->next_wake() <= end) {
    clock_.advance_to(life_->next_wake());
    life_->turn();
    collect_output();
  }
  clock_.advance_to(end);
}

void ReferenceStage::collect_output() {
  const std::string_view fresh = std::string_view(life_->output()).substr(seen_output_);
  if (fresh.empty()) return;
  if (redactor_.leaks(fresh)) broken_.insert("a token is in the output");
  output_.append(fresh);
  seen_output_ += fresh.size();
}

void ReferenceStage::observe(const node::Operation& operation, const node::Tree& now) {
  for (const auto& finding : oracle_.judge(operation, now)) {
    broken_.insert(finding.check + ": expected " + finding.expected + ", seen " + finding.actual + ", at: " + operation.describe());
  }
  const auto kubeconfig = oracles::read_kubeconfig(now, layout_.kubeconfig, readers_.kubeconfig);
  const bool valid = kubeconfig.state == oracles::PlacedKubeconfig::State::kValid;
  if (valid_ && !valid && operation.actor == node::Actor::kBuild) {
    broken_.insert("the kubeconfig was valid until: " + operation.describe() + "; then: " + kubeconfig.reason);
  }
  valid_ = valid;
}

node::Ruling ReferenceStage::before(const node::Operation& operation) {
  if (kill_in_ == 0 || operation.actor != node::Actor::kBuild || operation.index == 0 || --kill_in_ > 0) return {};
  node_.seal(node::Actor::kBuild);
  return {.error = node::Errno{EIO}, .short_write = {}, .delay = {}};
}

oracles::Situation ReferenceStage::situation() {
  return {.tree = node_.tree(),
          .layout = layout_,
          .cluster = cluster_,
          .mode = pod_.mode,
          .published = oracle_.published(),
          .readers = readers_};
}

std::optional<std::string> ReferenceStage::trouble() {
  const auto told = [](const oracles::Mismatch& wrong) { return "expected " + wrong.expected + ", seen " + wrong.actual; };
  oracles::KubeconfigDemand current;
  current.state = "current";
  current.mode = 0600;
  if (const auto wrong = oracles::judge_kubeconfig(situation(), current)) return told(*wrong);
  if (const auto wrong = oracles::judge_attach(situation(), true)) return told(*wrong);
  return std::nullopt;
}

std::map<std::string, std::string> ReferenceStage::published() const {
  std::map<std::string, std::string> found;
  for (const std::string& directory : {kNetDirectory, kNetDirectory + "/multus.d", std::string("/opt/cni/bin")}) {
    for (const std::string& name : names(directory)) {
      const std::string path = oracles::join(directory, name);
      const auto inode = oracles::resolve_on_host(node_.tree(), path);
      const auto about = inode ? node_.tree().attributes(*inode) : node::refuse(ENOENT);
      std::string what = about ? "mode " + std::to_string(about->mode) + "\n" : "nothing\n";
      if (const auto bytes = read(path)) what += *bytes;
      found[path] = std::move(what);
    }
  }
  return found;
}

std::string first_difference(const std::map<std::string, std::string>& left, const std::map<std::string, std::string>& right) {
  for (const auto& [path, what] : left) {
    const auto other = right.find(path);
    if (other == right.end()) return path + " is only on the left: " + what.substr(0, 400);
    if (other->second != what) return path + " differs:\n" + what.substr(0, 600) + "\n---\n" + other->second.substr(0, 600);
  }
  for (const auto& [path, what] : right) {
    if (!left.contains(path)) return path + " is only on the right: " + what.substr(0, 400);
  }
  return "";
}

}  // namespace entryproof::runner
