// Crashes: every state in which a kill or a power cut may leave the node, and what the build makes of it when it starts again.
//
// Each life of a recorded case is taken apart (durability/survey.h). Each different state is judged as it lies there, and each becomes a
// node on which the build starts again, with the same inputs and with changed ones, judged live and by what it has brought about when it
// rests; its own journal is taken apart in turn, as deep as is asked. A life that nobody disturbed, with the same inputs, says what can be
// demanded: what the build does wrong without any crash is the business of other checks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/durability/survey.h"
#include "simulator/explore/inputs.h"
#include "simulator/runner/case.h"
#include "simulator/runner/explored.h"

namespace entryproof::explore {

namespace crash_checks = runner::crash_checks;  // what it decides

struct CrashBounds {
  std::vector<durability::Model> models{durability::kModels.begin(), durability::kModels.end()};
  std::vector<Inputs> inputs{kAllInputs.begin(), kAllInputs.end()};
  unsigned depth = 1;                // how many lives after one another may end in a crash
  unsigned jobs = 1;                 // lives at a time
  std::optional<Duration> max_time;  // of the machine's; past it the verdict is unknown
  std::uint64_t states = 1U << 16;   // durability::Bounds
  std::optional<std::string> only;   // an address: this one state and nothing else
};

// One cause, and how to see it again.
struct CrashFailure {
  durability::Cause cause;
  std::string address;  // of one state that shows it: a CrashAddress
};

struct CrashReport {
  struct Model {
    durability::Model model = durability::Model::kKill;
    std::uint64_t windows = 0;
    std::uint64_t raw = 0;
    std::uint64_t distinct = 0;
  };
  std::vector<Model> models;
  std::uint64_t lives = 0;          // that were started on a crash state
  std::uint64_t operations = 0;     // of the recorded case
  std::string trace;                // digest of what was taken apart: equal for equal journals
  std::vector<std::string> bounds;  // what was not looked at; empty: everything was
  std::vector<CrashFailure> failures;
  std::string obstacle;  // why nothing could be judged; empty: it could

  bool complete() const { return bounds.empty() && obstacle.empty(); }
};

// How far it is: states judged so far, lives lived. From any thread, one at a time.
using CrashProgress = std::function<void(std::uint64_t states, std::uint64_t lives)>;

// Plays the case once and takes it apart.
CrashReport explore_crashes(const runner::CaseRequest& request, const runner::WorldMaker& make_world, const CrashBounds& bounds,
                            const CrashProgress& progress = {});

// "0/posix@17-14,15:2..5": of a life, a model, the last operation before the crash, and exactly what is lost: op 14, and of op 15 some
// pages. What follows starts again on that state.
struct CrashAddress {
  // What is lost of one operation.
  struct Lost {
    std::uint64_t seq = 0;
    std::vector<std::uint32_t> places;  // durability::Program::Part; empty: all of it
  };
  struct Step {
    durability::Model model = durability::Model::kPosix;
    std::uint64_t after = 0;
    std::vector<Lost> lost;
    Inputs next = Inputs::kSame;  // with which the build started on the state before this one; of the first: not used
  };
  std::size_t life = 0;
  std::vector<Step> steps;
};
std::string to_string(const CrashAddress& address);
Result<CrashAddress> parse_address(std::string_view text);

}  // namespace entryproof::explore
