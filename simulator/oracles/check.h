// Check, Level, Profile, Status, Finding: the words in which the suite judges.
//
// A check is one decidable sentence of a clause (clauses.md), addressed by an id such as "EXIST-01/manual-fresh-node". Its level and
// profile stand in scenarios/clauses.json and nowhere else. A Finding is a fact about the node that a user could observe, with the
// operation at which it became true. Pure data; everything above renders or counts it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"

namespace entryproof::oracles {

enum class Level : std::uint8_t { kMust, kShould, kMay };
enum class Profile : std::uint8_t { kCore, kDurable, kProduction };  // each includes the ones before it
enum class Status : std::uint8_t { kPass, kFail, kWarn, kKnown, kNotTested, kUnknown, kError };

std::string_view to_string(Level);    // "MUST" …
std::string_view to_string(Profile);  // "core" …
std::string_view to_string(Status);   // "pass", "fail", "warn", "known", "not-tested", "unknown", "error"
std::optional<Level> level_from(std::string_view);
std::optional<Profile> profile_from(std::string_view);
std::optional<Status> status_from(std::string_view);
// How bad a status is, to give a case the worst of its checks: error > fail > unknown > warn > known > not-tested > pass.
int severity(Status);

// Whether the text is of the frozen form ^[A-Z]+-M?[0-9]+/[a-z0-9-]+$.
bool is_check_id(std::string_view);

// What a world must offer for a check to be decided there; where it does not, the check is not-tested, by name.
enum class Need : std::uint8_t { kSeeEveryOperation, kVirtualTime, kNetwork, kProcess };
std::string_view to_string(Need);  // "see-every-operation", "virtual-time", "network", "process"
std::optional<Need> need_from(std::string_view);

// The place of a finding: {"world", "op", "path", "seq"} of DESIGN.md.
struct Place {
  std::string world;
  std::uint64_t op = 0;   // counted operation of the build's session; 0 if none
  std::string path;       // in the host's view
  std::uint64_t seq = 0;  // in the journal
};

struct Finding {
  std::string check;
  std::string expected;  // both capped by the maker at 4 KiB, printable, without token bytes
  std::string actual;
  std::optional<Place> at;
};

}  // namespace entryproof::oracles
