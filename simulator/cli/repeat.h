// Repeat: a run played several times, told as one.
//
// A build that fails one time in five is not conformant, and a suite that calls it so only sometimes is no suite. Of every check the worst
// answer counts; where the answers differ, its record says how often each was given, and there is no verdict better than incomplete.
#pragma once

#include <string>
#include <vector>

#include "simulator/runner/engine.h"

namespace entryproof::cli {

class Repeat {
 public:
  // The cases of one time.
  void add(const std::vector<runner::CaseRecord>& cases);

  // The cases as one list, in the order of the first time. A check that was missing at some time counts as an error there.
  std::vector<runner::CaseRecord> worst() const;

  // "SCENARIO on BUILD, CHECK: 4 pass, 1 fail", for every check whose answers differed.
  std::vector<std::string> differences() const;

 private:
  std::vector<std::vector<runner::CaseRecord>> times_;
};

}  // namespace entryproof::cli
