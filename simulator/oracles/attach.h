// Attach: could a Pod that is created right now be attached?
//
// The chain that a runtime and the plugin would go: configuration, plugin binary, kubeconfig. In automatic mode the configuration is the
// one that containerd selects; in manual mode the one the build published, for its place in the sort order is the user's choice (MANUAL-50
// warns).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "simulator/node/tree.h"
#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/facts.h"
#include "simulator/oracles/kubeconfig.h"
#include "simulator/oracles/runtimes.h"

namespace entryproof::oracles {

// The readers of one world, kept together for their memory.
struct Readers {
  explicit Readers(bool http_allowed = false) : kubeconfig(http_allowed) {}
  KubeconfigReader kubeconfig;
  CniConfigReader cni;
};

// What stands at bin_dir/binary.
struct PlacedBinary {
  enum class State : std::uint8_t { kAbsent, kIncomplete, kComplete };
  State state = State::kAbsent;
  std::string reason;  // why absent or incomplete
  node::InodeId inode = 0;
};
PlacedBinary read_binary(const node::Tree& tree, const Layout& layout);

// A Multus configuration in net.d.
struct Published {
  std::string file;  // name in net.d; "" = there is none
  std::string reason;
  std::shared_ptr<const CniConfig> config;
};
enum class Mode : std::uint8_t { kAutomatic, kManual };
// kAutomatic: what containerd selects, if it is Multus'. kManual: `hint` (the file the build published last, see LiveOracle::published)
// while it is one, else the selected one, else the first of Multus' own.
Published published_configuration(const node::Tree& tree, const Layout& layout, Mode mode, std::string_view hint, Readers& readers);

struct Attachment {
  Published configuration;
  PlacedBinary binary;
  std::string kubeconfig_path;
  PlacedKubeconfig kubeconfig;
  std::string obstacle;  // one line: the first thing in the way; empty if a Pod could be attached

  bool possible() const { return obstacle.empty(); }
};
Attachment attach(const node::Tree& tree, const Layout& layout, Mode mode, std::string_view hint, Readers& readers);

}  // namespace entryproof::oracles
