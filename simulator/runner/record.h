// Records: the stored result of a run, as values: header, cases, footer.
//
// The JSON lines form (DESIGN.md, "Stored result") is the truth; every report is rendered from these values, live or later. The names of
// its keys are frozen.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/oracles/check.h"

namespace entryproof::runner {

struct BuildRecord {
  std::string name;
  std::string path;    // as given; for built-in ones "predecessor:4.0.2" …
  std::string sha256;  // of the executable
};

struct Header {
  int format = 1;
  std::string tool;   // "entryproof 0.1.0"
  std::string suite;  // digest of catalogue and scenarios
  std::uint64_t seed = 0;
  std::optional<std::string> shard;  // "I/N"
  std::string world;                 // "memory", "fuse", "tmpfs"
  std::vector<BuildRecord> builds;
};

struct CheckRecord {
  std::string check;
  oracles::Level level = oracles::Level::kMust;
  oracles::Profile profile = oracles::Profile::kCore;
  oracles::Status status = oracles::Status::kPass;
  std::string expected;
  std::string actual;
  std::optional<oracles::Place> at;
  std::string replay;  // a command line
  int line = 0;        // of the scenario's file, where it is expected; 0: nowhere in particular
};

struct CaseRecord {
  std::string scenario;  // a vary row is "path#key"
  std::string build;
  oracles::Status status = oracles::Status::kPass;  // the worst of its checks
  double duration_ms = 0;
  std::vector<CheckRecord> checks;
  std::string file = {};  // the scenario's, as seen from the directory of the run; empty: not known
};

enum class Verdict : std::uint8_t { kConformant, kNotConformant, kIncomplete };
std::string_view to_string(Verdict);  // "conformant", "not-conformant", "incomplete"

struct Footer {
  std::map<std::string, std::uint64_t> totals;                     // "cases", "checks", then one per status that occurred
  std::vector<std::string> not_tested;                             // names of checks, sorted, once each
  std::map<std::string, std::map<std::string, Verdict>> verdicts;  // build -> profile -> verdict
  std::vector<std::string> stale;                                  // entries of the baseline that no failure answers to, in words
};

}  // namespace entryproof::runner
