#include "simulator/cluster/boot.h"

#include <fmt/format.h>

namespace entryproof::cluster {

const std::vector<BootStage>& boot_stages(NodeRole role) {
  using std::chrono::seconds;
  // The server of a control-plane node is itself a static Pod, so static Pods run for a while with no server at all; a worker may find it
  // answering already.
  static const std::vector<BootStage> control_plane = {
      {"power-on", seconds(0), false, false, false, false, false},    {"static-pods", seconds(10), true, false, false, false, false},
      {"api-server", seconds(25), true, true, false, false, false},   {"pods-before-services", seconds(30), true, true, true, false, false},
      {"services-known", seconds(31), true, true, true, true, false}, {"service-address", seconds(45), true, true, true, true, true},
  };
  static const std::vector<BootStage> worker = {
      {"power-on", seconds(0), false, true, false, false, false},
      {"static-pods", seconds(10), true, true, false, false, false},
      {"pods-before-services", seconds(12), true, true, true, false, false},
      {"services-known", seconds(13), true, true, true, true, false},
      {"service-address", seconds(30), true, true, true, true, true},
  };
  return role == NodeRole::kControlPlane ? control_plane : worker;
}

std::map<std::string, std::string> service_variables(const std::string& host, const std::string& port) {
  const std::string target = fmt::format("tcp://{}:{}", host.find(':') == std::string::npos ? host : "[" + host + "]", port);
  const std::string prefix = fmt::format("KUBERNETES_PORT_{}_TCP", port);
  return {
      {"KUBERNETES_SERVICE_HOST", host},
      {"KUBERNETES_SERVICE_PORT", port},
      {"KUBERNETES_SERVICE_PORT_HTTPS", port},
      {"KUBERNETES_PORT", target},
      {prefix, target},
      {prefix + "_PROTO", "tcp"},
      {prefix + "_PORT", port},
      {prefix + "_ADDR", host},
  };
}

}  // namespace entryproof::cluster
