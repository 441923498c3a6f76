// Run: a whole stored result as one value, and what the reader of a report asked about it.
//
// Every report but the console and the JSON lines is a pure function of a Run. How a check counts is decided here, once, so that a report
// is red exactly where the exit code is: a failure above the profile asked for, or of a SHOULD that was not made strict, is told but
// decides nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/runner/record.h"

namespace entryproof::reports {

struct Run {
  runner::Header header;
  std::vector<runner::CaseRecord> cases;
  std::optional<runner::Footer> footer;  // none: the run did not end
};

// Of what a verdict is asked.
struct Asked {
  oracles::Profile profile = oracles::Profile::kCore;
  bool strict = false;  // SHOULD decides, too
};

enum class Outcome : std::uint8_t {
  kPassed,
  kFailed,   // decides: not conformant
  kBroken,   // decides: no verdict (error, unknown)
  kNoted,    // failed or broken, but decides nothing: a warning, known, or above the profile asked for
  kSkipped,  // not tested
};

Outcome outcome(const runner::CheckRecord& check, const Asked& asked);

// Why a kNoted check decides nothing: "a SHOULD", "listed as known", "above the profile core".
std::string why_noted(const runner::CheckRecord& check, const Asked& asked);

// The verdict on a build in the profile asked for; incomplete if the run has none.
runner::Verdict verdict_on(const Run& run, const std::string& build, const Asked& asked);

// Whether it is a finding: neither passed nor left untested.
bool is_finding(const runner::CheckRecord& check);
// The N-th finding of a run, from 1, in the order of its cases: what RUN.jsonl#N means. Null if there are fewer.
const runner::CheckRecord* finding(const Run& run, std::size_t number);
std::size_t count_findings(const Run& run);

// "EXIST-01" of "EXIST-01/manual-fresh-node".
std::string_view clause_of(std::string_view check);

// Where the scenario's file lies; where the run does not say, what its id says: "scenarios/manual/fresh.json" of "manual/fresh#row".
std::string file_of(const runner::CaseRecord& record);

// What a person is told about a check, in order and without what is empty: "expected", "actual", "at", "replay", each with its text as
// recorded.
std::vector<std::pair<std::string_view, std::string>> facts(const runner::CheckRecord& check);

// A sentence for the place of a finding: "operation 14 on /etc/cni/net.d/00-multus.conf (fuse, journal 52)".
std::string place_text(const oracles::Place& place);

}  // namespace entryproof::reports
