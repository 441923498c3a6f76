// Deployment: the entrypoint in a workload: its container, version, mode, flags, and where its paths lead.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/audit/manifest.h"
#include "simulator/audit/version.h"

namespace entryproof::audit {

// A path of the container, followed through its mounts.
struct Reached {
  const Mount* mount = nullptr;    // the innermost that holds it; null: the image's own file
  const Volume* volume = nullptr;  // null too if the workload has none of that name
  std::string below;               // the path below the volume's root: "/multus.d", or ""

  // On the host; empty unless the volume is one of the host's directories.
  std::string host() const { return volume != nullptr && volume->kind == Volume::Kind::kHostPath ? volume->source + below : std::string(); }
};

class Deployment {
 public:
  const Workload* workload = nullptr;
  const Container* container = nullptr;
  Version version;
  std::map<std::string, Text, std::less<>> given;  // flags with their values; switches have "true" or "false"
  std::vector<Text> strangers;                     // flags that no entrypoint knows
  std::vector<std::string> arguments;              // all flags as they stand there, with what belongs to them, in order

  // The value given, else what this version takes in its place.
  Text flag(std::string_view name) const;
  bool on(std::string_view name) const { return flag(name).value == "true"; }
  bool has(std::string_view name) const { return given.contains(name); }
  bool automatic() const { return flag("--multus-conf-file").value == "auto"; }
  // Where a place in the manifest is that speaks of the flag: its own line, else the container's.
  std::size_t line_of(std::string_view name) const;

  Reached reach(std::string_view path) const;
  // The value of a variable that the manifest itself gives.
  std::optional<std::string> variable(std::string_view name) const;
};

// The entrypoints of a workload: recognised by command, flags or image. The thick plugin's daemon counts, too (Family::kThick).
std::vector<Deployment> deployments_of(const Workload& workload);

// Absolute, without empty parts, "." and "..".
std::string normal_path(std::string_view path);

}  // namespace entryproof::audit
