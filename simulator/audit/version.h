// Version: which entrypoint an image holds, and what every version makes of a flag or a variable.
//
// The tables are those of the field: 3.9.3 (bash), 4.0.x, 4.1 and later, and the reference. What decides is the tag of the image where it
// is a version, else the command, else flags that only the reference has; where nothing tells, the family is unknown and nothing is
// concluded that does not hold for every one of them.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "simulator/audit/manifest.h"

namespace entryproof::audit {

enum class Family : std::uint8_t {
  kUnknown,  // nothing tells
  kThick,    // a daemon and its shim: no entrypoint, no generated kubeconfig
  k3,        // bash, as 3.9.3
  k4,        // some 4.x
  k40,       // 4.0.x: no kubeconfig in manual mode
  k41,       // 4.1 and later
  kReference,
};

struct Version {
  Family family = Family::kUnknown;
  std::string text;  // "4.0.2", "4.x", "unknown"
  bool upstream() const { return family == Family::k3 || family == Family::k4 || family == Family::k40 || family == Family::k41; }
};

Version version_of(const Container& container);
// By a version's text alone ("v4.0.2-thick", "snapshot").
Version version_of_tag(std::string_view tag);

struct KnownFlag {
  const char* name;
  bool text;  // takes a value of its own; else a switch
  bool in_3;
  bool in_40;
  bool in_41;
  bool in_reference;
  const char* fallback;  // of 4.x
};
std::span<const KnownFlag> known_flags();
const KnownFlag* find_flag(std::string_view name);
// Whether the family understands the flag; of an unknown one, whether anybody does; of some 4.x, whether 4.1 does.
bool understands(Family family, const KnownFlag& flag);

}  // namespace entryproof::audit
