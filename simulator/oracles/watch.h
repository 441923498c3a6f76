// Watch: what of a node the live oracle looks at, as it stands after an operation: configurations, kubeconfigs, the binary.
//
// A Sight is a value; two of them, before and after, are all that a judgement needs. Looking again is cheap: what has the same inode and
// version as before is not read again, and what has the same bytes is not parsed again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "simulator/node/journal.h"
#include "simulator/node/tree.h"
#include "simulator/oracles/attach.h"
#include "simulator/oracles/facts.h"
#include "simulator/oracles/host.h"

namespace entryproof::oracles {

struct SeenConfig {
  enum class State : std::uint8_t { kAbsent, kBad, kForeign, kOwn };  // foreign: accepted, but not Multus'
  State state = State::kAbsent;
  node::InodeId inode = 0;
  std::uint64_t version = 0;
  mode_t mode = 0;
  std::shared_ptr<const CniConfig> config;

  bool own() const { return state == State::kOwn; }
};

struct SeenKubeconfig {
  PlacedKubeconfig placed;
  std::uint64_t version = 0;

  bool absent() const { return placed.state == PlacedKubeconfig::State::kAbsent; }
  bool valid() const { return placed.state == PlacedKubeconfig::State::kValid; }
};

struct SeenBinary {
  PlacedBinary placed;
  std::uint64_t version = 0;
  bool usable = false;  // a non-empty executable, be it the image's or not

  bool absent() const { return placed.state == PlacedBinary::State::kAbsent; }
  bool complete() const { return placed.state == PlacedBinary::State::kComplete; }
};

struct Sight {
  node::InodeId net_dir = 0;
  std::map<std::string, SeenConfig, std::less<>> configs;          // by name in net.d: those that runtimes load
  std::map<std::string, SeenKubeconfig, std::less<>> kubeconfigs;  // by host path: the layout's, and what own configurations name
  SeenBinary binary;
  Trail watched;  // sorted

  // Whether it may have changed anything of this.
  bool touched_by(const node::Operation& operation) const;
  const SeenConfig& config(std::string_view name) const;
  // Whether an own configuration is there at all, or one that names this kubeconfig.
  bool has_own_config() const;
  bool is_named(std::string_view kubeconfig) const;
};

// `before`: what was seen last, of an ancestor of this tree.
Sight look(const node::Tree& tree, const Layout& layout, Readers& readers, const Sight& before);

}  // namespace entryproof::oracles
