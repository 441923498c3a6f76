// OddSearch: looks for configuration inputs that a build does not stand.
//
// Inputs are made in batches, played side by side (in stalls, or in memory for the code that lives there), judged as any scenario is, and
// kept to be varied further when the build behaved as it had not before: another end, another kind of message, other operations, another
// shape of output. What fails a check is played again in a world of its own; only what fails there too is a finding. It is shrunk and told
// as the text of an ordinary scenario.
//
// A batch depends on the seed and on what earlier batches showed, never on the clock: equal seeds find equal things, as far as they get.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/explore/odd_input.h"
#include "simulator/runner/build.h"
#include "simulator/runner/engine.h"
#include "simulator/runner/suite.h"

namespace entryproof::explore {

struct OddSearchOptions {
  std::vector<OddPart> parts;  // empty: all
  Duration max_time = std::chrono::minutes(10);
  std::optional<std::uint64_t> runs;  // end after so many, to the next batch
  std::uint64_t seed = 1;
  unsigned jobs = 0;                                   // 0: as many as help
  runner::WorldKind world = runner::WorldKind::kFuse;  // memory for what lives there; tmpfs sees too little
  std::vector<std::pair<std::string, std::string>> with;
  std::vector<std::string> extra_args;
  std::map<std::string, std::string> extra_environment;
};

struct OddFinding {
  std::string check;
  std::string expected;
  std::string actual;
  std::uint64_t run = 0;  // which, from 1
  OddInput input;         // the least that was found
  std::string scenario;   // the file's text
};

struct OddSearchResult {
  std::uint64_t runs = 0;
  double seconds = 0;             // of these runs, without what findings took
  std::size_t behaviours = 0;     // different ones
  std::uint64_t unconfirmed = 0;  // failures that a world of their own did not show
  std::vector<OddFinding> findings;
};

class OddListener {
 public:
  virtual ~OddListener() = default;
  virtual void on_progress(const OddSearchResult& /*so_far*/) {}
  virtual void on_finding(const OddFinding&) {}
};

// While the process has one thread: it may fork. Errors: no such worlds here, or no run could be judged.
Result<OddSearchResult> search_odd_inputs(const runner::Suite& suite, const runner::Build& build, const OddSearchOptions& options,
                                          OddListener& listener, const std::atomic<bool>& interrupted);

}  // namespace entryproof::explore
