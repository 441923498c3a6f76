// Expectations: what an `expect` step demands, as pure questions to the node. nullopt = the demand is met.
//
// The structs mirror the scenario format (simulator/runner/scenario.h) one floor below it; unset members are not demanded. Texts in a
// Mismatch are printable, capped and free of the tokens of `cluster`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/tree.h"
#include "simulator/node/view.h"
#include "simulator/oracles/attach.h"
#include "simulator/oracles/facts.h"

namespace entryproof::oracles {

// What every question needs to know about the case.
struct Situation {
  const node::Tree& tree;
  const Layout& layout;
  const ClusterFacts& cluster;
  Mode mode = Mode::kAutomatic;
  std::string published;  // LiveOracle::published(), where there is one
  Readers& readers;
};

struct KubeconfigDemand {
  std::string state = {};                  // "valid", "current", "absent", "invalid"; "" = do not care
  std::optional<std::string> server = {};  // exact URL
  std::optional<mode_t> mode = {};
  std::optional<bool> insecure = {};
  std::optional<std::string> path = {};  // host path; default: what the published configuration names, else the layout's
};
std::optional<Mismatch> judge_kubeconfig(const Situation&, const KubeconfigDemand&);

struct ConfigurationDemand {
  std::optional<std::string> delegate = {};      // type of the first (or only) plugin delegated to
  std::optional<std::string> primary_json = {};  // text of the primary whose value the only delegate must equal
  JsonEquality equality = JsonEquality::kValue;
  std::optional<unsigned> own_files = {};  // how many files in net.d are Multus' own
  std::optional<bool> self_delegating = {};
  std::optional<std::string> name = {};
  std::optional<std::string> cni_version = {};
  std::optional<std::string> file = {};         // host path of the file that is meant; default: the one published
  std::vector<std::string> no_path_below = {};  // directories that no text of it, the delegates' apart, may begin with
};
std::optional<Mismatch> judge_configuration(const Situation&, const ConfigurationDemand&);

struct RuntimeDemand {
  std::optional<std::string> containerd = {};  // name of the file it would load; "" = NotReady
  std::optional<std::string> crio = {};
};
std::optional<Mismatch> judge_runtimes(const Situation&, const RuntimeDemand&);

std::optional<Mismatch> judge_attach(const Situation&, bool possible);

// What shall be at a path of a view (the container's, or View() for the host); the object's own type is that of a symlink not followed
// where `type` or `target` ask for one.
struct ObjectDemand {
  std::optional<std::string> type = {};    // "file", "directory", "symlink", "fifo", "absent"
  std::optional<std::string> json = {};    // JSON text; objects match as subsets, arrays exactly
  std::optional<std::string> yaml = {};    // JSON text, matched against the file read as YAML
  std::optional<std::string> equals = {};  // exact bytes
  std::optional<std::string> contains = {};
  std::optional<std::string> same_as = {};      // path in the same view
  const node::Tree* unchanged_since = nullptr;  // same inode, bytes and mtime as in this earlier snapshot
  std::optional<mode_t> mode = {};
  std::optional<uid_t> uid = {};
  std::optional<std::string> target = {};
  std::optional<std::vector<std::string>> only = {};  // a directory that holds these names and no others ("closed")
  const node::Tree* same_names_since = nullptr;       // a directory that holds the names it held in this earlier snapshot
};
std::optional<Mismatch> judge_object(const node::Tree& tree, const node::View& view, std::string_view path, const ObjectDemand& demand,
                                     const ClusterFacts& cluster);

// Whether any 8 bytes of a token's signature stand where they must not. `published` is the one file that may hold a token, beside those
// below `volume` (host paths).
std::optional<Mismatch> judge_secret_in_text(std::string_view text, std::string_view what, const ClusterFacts& cluster);
std::optional<Mismatch> judge_secret_in_files(const node::Tree& tree, std::string_view published, std::string_view volume,
                                              const ClusterFacts& cluster);

// A few lines for people: what is in net.d, its multus.d, and bin; with mode, size and what each file is. No token bytes.
std::string summary(const node::Tree& tree, const Layout& layout, const ClusterFacts& cluster);

}  // namespace entryproof::oracles
