// Manifest: what a cluster is deployed from, as far as an entrypoint's life depends on it.
//
// Workloads (DaemonSets, Pods, Deployments and their like) with their containers, volumes and mounts; ConfigMaps; service accounts; each
// with the line it stands on. Secrets are read for the files that they become, and nothing of them is ever shown. YAML with several
// documents and JSON (which YAML's reader reads, too), also as kubectl's Lists. What is of no concern is passed over; what is of the wrong
// type is as good as missing. Untrusted: caps on bytes, depth and nodes, no aliases.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/base/result.h"

namespace entryproof::audit {

struct Text {
  std::string value;
  std::size_t line = 0;
};

struct Mount {
  std::string volume;
  std::string path;  // the container's, without a final "/"
  std::string sub_path;
  bool read_only = false;
  std::size_t line = 0;
};

struct Volume {
  enum class Kind { kHostPath, kConfigMap, kSecret, kProjected, kEmptyDir, kOther };
  std::string name;
  Kind kind = Kind::kOther;
  std::string source;                                      // the host's path; the ConfigMap's or Secret's name
  std::string type;                                        // of the host's path, as the manifest names it: "Socket" …; usually empty
  std::vector<std::pair<std::string, std::string>> items;  // key -> path below the mount; empty: every key under its own name
  bool optional = false;
  std::size_t line = 0;
};

struct Variable {
  std::string name;
  std::optional<std::string> value;  // none: from somewhere else
  std::size_t line = 0;
};

struct Container {
  std::string name;
  Text image;
  std::vector<Text> command;
  std::vector<Text> args;
  std::vector<Variable> environment;
  std::vector<Mount> mounts;
  bool read_only_root = false;
  bool init = false;
  std::size_t line = 0;
};

struct Workload {
  std::string kind;  // "DaemonSet", "Pod" …
  std::string name;
  std::string name_space;
  std::string file;
  std::size_t line = 0;
  std::vector<Container> containers;  // init containers first, in their order
  std::vector<Volume> volumes;
  std::string service_account;
  std::optional<bool> automount;
  std::size_t automount_line = 0;
  bool static_pod = false;  // the annotation of a mirror, or a file of a kubelet's manifest directory

  const Volume* volume(std::string_view volume_name) const;
  std::string title() const;  // "DaemonSet kube-system/multus"
};

struct ConfigMap {  // or a Secret
  std::string name;
  std::string name_space;
  std::string file;
  std::map<std::string, Text> data;
};

struct ServiceAccount {
  std::string name;
  std::string name_space;
  std::string file;
  std::optional<bool> automount;
  std::size_t line = 0;
};

struct Manifests {
  std::vector<Workload> workloads;
  std::vector<ConfigMap> config_maps;
  std::vector<ConfigMap> secrets;
  std::vector<ServiceAccount> service_accounts;
  std::size_t others = 0;  // documents of no concern

  // An object of that name: of the name space if one of them has it, else of one that names none (an apply may add it).
  const ConfigMap* config_map(std::string_view name_space, std::string_view name) const;
  const ConfigMap* secret(std::string_view name_space, std::string_view name) const;
  const ServiceAccount* service_account(std::string_view name_space, std::string_view name) const;
};

// Adds what the text holds. `file` is its name in findings. kInvalidInput or kLimit with file and line; nothing of it is quoted.
Result<> read_manifest(std::string_view text, const std::string& file, Manifests& manifests);

// A file, or a folder with everything below it that ends in .yaml, .yml or .json (links are not followed; 2000 files at most).
Result<> load_manifests(const std::string& path, Manifests& manifests);

}  // namespace entryproof::audit
