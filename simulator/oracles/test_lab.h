// For the oracles' own tests: documents as real entrypoints write them (formats observed, never copied), and a node to write them on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/node/node.h"
#include "simulator/oracles/facts.h"
#include "simulator/oracles/live.h"

namespace entryproof::oracles::lab {

extern const std::string kCa;       // a self-signed certificate, PEM
extern const std::string kOtherCa;  // another one
inline const std::string kToken = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtdWx0dXMifQ.c2lnbmF0dXJlLW9uZS1vZi1tYW55";
inline const std::string kOtherToken = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtdWx0dXMifQ.YW5vdGhlci1zaWduYXR1cmUtYWx0b2c";

// As 3.9.3 and every 4.x write it; `tls` replaces the line with the CA.
std::string kubeconfig(std::string_view server = "https://10.96.0.1:443", std::string_view token = kToken, std::string_view tls = "");
// A Multus configuration in the form of 4.x (.conf) and of 3.9.3 (one line).
std::string multus_conf(std::string_view delegate);
std::string multus_conf_3_9_3(std::string_view delegate);
std::string multus_conflist(std::string_view delegate);
inline const std::string kFlannel =
    R"({"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel","delegate":{"hairpinMode":true,"isDefaultGateway":true}},)"
    R"({"type":"portmap","capabilities":{"portMappings":true}}]})";

// Two generations: the second is current.
ClusterFacts two_generations();

// A node that a build, a stage and the world can act on by host paths. Every operation is judged.
class Lab : public node::Observer {
 public:
  explicit Lab(Layout layout = {});
  void observe(const node::Operation& operation, const node::Tree& now) override;

  // Who acts from now on; a new session each time.
  Lab& as(node::Actor actor);
  // What the world does to a path in the middle of the acting one's session.
  void taken_by_others(const std::string& path);

  // Elementary operations by path; each must succeed.
  void make_directories(const std::string& path);
  void create(const std::string& path, mode_t mode = 0600);
  void write(const std::string& path, std::string_view bytes, std::uint64_t offset = 0);
  void truncate(const std::string& path);
  void chmod(const std::string& path, mode_t mode);
  void unlink(const std::string& path);
  void rename(const std::string& from, const std::string& to);
  void fsync(const std::string& path);

  // The three ways of the field: temp and rename; open with O_TRUNC and write in two parts; unlink and copy.
  void replace(const std::string& path, std::string_view bytes, mode_t mode = 0600);
  void overwrite(const std::string& path, std::string_view bytes);
  void unlink_and_copy(const std::string& path, std::string_view bytes, mode_t mode = 0600);

  const node::Tree& tree() const { return node_.tree(); }
  std::uint64_t sequence() const { return node_.journal().operations().size(); }
  LiveOracle& oracle() { return oracle_; }
  const std::vector<Finding>& findings() const { return findings_; }
  // The checks that were found violated, in the order found.
  std::vector<std::string> charged() const;

 private:
  node::InodeId parent_of(const std::string& path);
  node::InodeId at(const std::string& path);

  VirtualClock clock_;
  node::Node node_;
  LiveOracle oracle_;
  node::Caller caller_;
  std::vector<Finding> findings_;
};

// A node with a flannel primary, the image's binary as source, and nothing of Multus'.
inline const std::string kBinary =
    "\x7f"
    "ELF the plugin, all of it";
Layout layout_with_source();
inline const std::string kNetDir = "/etc/cni/net.d";
inline const std::string kConf = kNetDir + "/00-multus.conf";
inline const std::string kManualConf = kNetDir + "/70-multus.conf";
inline const std::string kKubeconfig = kNetDir + "/multus.d/multus.kubeconfig";
inline const std::string kPlugin = "/opt/cni/bin/multus";

}  // namespace entryproof::oracles::lab
