// Boot: what a node has, and what answers, at each stage of its way from power-on to service, as data.
//
// kubelet starts static Pods before it has heard of the API server, and may start others before it has heard of services; the cluster IP
// answers only once something on the node forwards it. Installers have died or published nonsense at each of these stages, so a scenario
// walks through them in order instead of starting where all is well.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::cluster {

enum class NodeRole : std::uint8_t { kControlPlane, kWorker };

struct BootStage {
  std::string_view name;
  std::chrono::seconds after{};    // since power-on, on an ordinary node
  bool static_pods = false;        // run; they have host paths, but neither a service account nor service variables, ever
  bool api_server = false;         // answers at its own address
  bool daemon_pods = false;        // Pods of the API run, with projected volumes
  bool service_variables = false;  // Pods that start now get KUBERNETES_SERVICE_HOST and _PORT
  bool service_address = false;    // the cluster IP answers from this node
};

// The stages of a node of that role, in order. Each says what holds from then on.
const std::vector<BootStage>& boot_stages(NodeRole role);

// The variables that kubelet gives to every container of a Pod of the API once it knows the service "kubernetes".
std::map<std::string, std::string> service_variables(const std::string& host, const std::string& port);

}  // namespace entryproof::cluster
