// Condition: how the things that a build publishes stand on a node: kubeconfigs, configurations, the plugin; and what else lies there.
//
// A pure look at a tree with the oracles' eyes, kept as a small value, so that two nodes (one before a crash and one after it, one that was
// healed and one that never was hurt) can be compared. Whether what differs is anybody's fault is the business of whoever compares.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulator/node/tree.h"
#include "simulator/oracles/attach.h"
#include "simulator/oracles/facts.h"

namespace entryproof::explore {

enum class Piece : std::uint8_t { kKubeconfig, kConfiguration, kPlugin };
std::string_view to_string(Piece);  // "kubeconfig", "configuration", "plugin"

// One file in its place. What is not there is not listed.
struct PlacedFile {
  bool good = false;
  std::string reason;  // why not; empty if good
  mode_t mode = 0;
  std::uint64_t content = 0;                              // a hash of the bytes: what stood there before is no news
  bool current = false;                                   // of a kubeconfig: the node's own token and CA
  std::shared_ptr<const oracles::CniConfig> config = {};  // of a good configuration
};

// Whether two configurations say the same of the network, its delegates and the kubeconfig, by value.
bool same_meaning(const PlacedFile& one, const PlacedFile& other);

struct Condition {
  std::map<std::string, PlacedFile> kubeconfigs;     // by host path: where the default flags put it, and what configurations name
  std::map<std::string, PlacedFile> configurations;  // Multus' own, and whatever no runtime could read; foreign ones are not listed
  std::map<std::string, PlacedFile> plugins;         // at most one
  std::set<std::string> names;                       // everything in the directory of configurations, at any depth, and beside the plugin

  const std::map<std::string, PlacedFile>& files(Piece piece) const;
  bool has_good(Piece piece) const;
  // Null if nothing stands there.
  const PlacedFile* find(Piece piece, const std::string& path) const;
};

// The node's own credentials: what lies in that directory of its tree.
oracles::ClusterFacts facts_on(const node::Tree& tree, const std::string& service_account);

// `readers` remembers documents over many nodes. `facts` empty: nothing is current.
Condition condition_of(const node::Tree& tree, const oracles::Layout& layout, const oracles::ClusterFacts& facts,
                       oracles::Readers& readers);

}  // namespace entryproof::explore
