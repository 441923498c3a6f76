// ReferenceStage: a node, a Pod and the reference in process, for properties over whole lives of the program.
//
// The world changes the node between two turns, as kubelet and operators do; the reference lives in virtual time. Every operation of it is
// judged while it happens, by the live oracles and by one rule of our own: a kubeconfig that is valid stays there and stays valid. What was
// broken is kept as text, so that a counterexample says what went wrong and where.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/cluster/change.h"
#include "simulator/cluster/service_account.h"
#include "simulator/cluster/volume.h"
#include "simulator/node/node.h"
#include "simulator/oracles/expectations.h"
#include "simulator/oracles/live.h"
#include "simulator/oracles/redact.h"
#include "simulator/runner/site.h"
#include "simulator/subjects/in_process/reference_in_process.h"

namespace entryproof::runner {

struct Pod {
  oracles::Mode mode = oracles::Mode::kAutomatic;
  std::string mutant = {};  // of the reference, to see that a promise can be broken
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
};

inline const std::string kNetDirectory = "/etc/cni/net.d";
inline const std::string kKubeconfigFile = kNetDirectory + "/multus.d/multus.kubeconfig";
inline const std::string kPluginFile = "/opt/cni/bin/multus";
inline const std::string kManualSource = "/tmp/multus-conf/70-multus.conf";
inline const std::string kManualFlag = "--multus-conf-file=" + kManualSource;

class ReferenceStage final : public node::Observer, public node::Gate {
 public:
  explicit ReferenceStage(Pod pod);
  ~ReferenceStage() override;

  // --- the world; paths of the host ---
  void change(const cluster::Change& change);  // its paths without the leading "/"
  void put(const std::string& path, std::string bytes, mode_t mode = 0644);
  void remove(const std::string& path);
  std::optional<std::string> read(const std::string& path) const;
  std::vector<std::string> names(const std::string& directory) const;
  // The service account's volume, step by step as kubelet does it, with this time between two steps: a token and CA that the cluster
  // issued, or any other files.
  void project(const cluster::Generation& generation, Duration pause = {});
  void project(const cluster::Payload& payload, Duration pause = {});
  std::string node_path(std::string_view in_container) const { return site_.to_node(in_container); }

  // --- the program ---
  void start();
  void signal(int number);               // KILL too
  void kill_after(unsigned operations);  // before its n-th mutation from now on, in this life or a later one; 0: not at all
  void pass(Duration time);
  bool running() const { return life_ != nullptr && life_->running(); }
  std::optional<int> exit_code() const { return life_ == nullptr ? std::nullopt : life_->exit_code(); }
  const std::string& output() const { return output_; }  // of all lives
  std::uint64_t generation() const { return node_.tree().generation(); }

  // --- judging ---
  const node::Tree& tree() const { return node_.tree(); }
  Moment now() const { return clock_.now(); }
  std::int64_t wall_ns() const { return clock_.wall_ns(); }
  // What was promised and not kept so far, one line each.
  const std::set<std::string>& broken() const { return broken_; }
  // nullopt, or why a Pod that is made now could not be attached, with the current token and CA.
  std::optional<std::string> trouble();
  oracles::Situation situation();
  // Everything that is the reference's own on this node: "path mode bytes" of kubeconfig, configurations and plugin, and every name beside.
  std::map<std::string, std::string> published() const;

 private:
  void observe(const node::Operation& operation, const node::Tree& now) override;
  node::Ruling before(const node::Operation& operation) override;
  void collect_output();

  Pod pod_;
  Site site_ = Site::usual();
  oracles::Layout layout_;
  VirtualClock clock_;
  node::Node node_;
  oracles::ClusterFacts cluster_;
  oracles::Readers readers_;
  oracles::LiveOracle oracle_;
  oracles::Redactor redactor_;
  std::string account_directory_;
  cluster::AtomicVolume account_volume_{1};
  std::unique_ptr<subjects::ReferenceInProcess> life_;
  std::uint32_t session_ = 0;
  std::size_t seen_output_ = 0;
  std::string output_;
  unsigned kill_in_ = 0;
  bool valid_ = false;  // the kubeconfig, after the last operation
  std::set<std::string> broken_;
};

// The first of the differences of two such maps, or "".
std::string first_difference(const std::map<std::string, std::string>& left, const std::map<std::string, std::string>& right);

}  // namespace entryproof::runner
