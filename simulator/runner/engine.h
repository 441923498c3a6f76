// Engine: plays scenarios against builds in worlds, and gives records.
//
// One case = one scenario × one build, in a fresh world. Cases run side by side up to `jobs`; the records come in the order of selection
// and builds all the same, so that two runs with one seed differ in nothing but durations.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/faults/plan.h"
#include "simulator/runner/build.h"
#include "simulator/runner/record.h"
#include "simulator/runner/suite.h"

namespace entryproof::runner {

enum class WorldKind : std::uint8_t { kMemory, kFuse, kTmpfs };
std::string_view to_string(WorldKind);  // "memory", "fuse", "tmpfs"
std::optional<WorldKind> world_from(std::string_view);
// What a check may need and worlds of this kind have.
bool offers(WorldKind kind, oracles::Need need);

class World;
struct WorldRequest;
struct CaseRequest;
class FaultDesk;

struct RunOptions {
  std::optional<WorldKind> world;  // nullopt = auto: fuse where it works, else an error that says why and names --world tmpfs
  oracles::Profile profile = oracles::Profile::kCore;
  unsigned jobs = 0;  // 0 = as many as help
  std::uint64_t seed = 1;
  std::optional<std::string> shard;
  std::optional<Duration> case_timeout;
  std::optional<Duration> max_time;
  bool fail_fast = false;
  bool strict = false;                                    // SHOULD decides, too
  std::string keep_directory;                             // where to keep the node of a failed case; empty = nowhere
  std::vector<std::pair<std::string, std::string>> with;  // neighbours bound read-only: outside, inside
  std::vector<std::string> extra_args;
  std::map<std::string, std::string> features;  // how the build spells what each does by a flag of its own: "api-server" -> "--server={}"
  std::map<std::string, std::string> extra_environment;
  faults::Plan faults;              // calls of the build that fail in every case, beside what a scenario says
  FaultDesk* fault_desk = nullptr;  // where somebody may set more of them while cases are played; process worlds only
  std::string command_prefix;       // how a replay command begins: "entryproof replay"
  // Which of the cases (scenarios × builds) are played; none: all.
  std::function<bool(const Scenario&, const Build&)> wanted;
  // Takes the case of a scenario tagged "crash" apart, from profile durable on; its records join those of the case. None: not tested.
  std::function<std::vector<CheckRecord>(const CaseRequest&, const std::function<Result<std::unique_ptr<World>>(WorldRequest)>&)>
      take_apart;
  // The reason why a failed or warning check of a case is known and decides nothing (it may be empty); nullopt where it is not known.
  std::function<std::optional<std::string>(const CaseRecord&, const CheckRecord&)> known;
};

class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_header(const Header&) {}
  // Progress, in any order, from any thread but one at a time: how many cases are done, running, in all.
  virtual void on_progress(std::size_t /*done*/, std::size_t /*running*/, std::size_t /*total*/) {}
  virtual void on_case(const CaseRecord&) {}
  virtual void on_footer(const Footer&) {}
};

// Plays everything. An error means that no verdict could be had at all (no sandbox, no FUSE device). `interrupted` may become true at any
// moment: running cases are ended, no footer is given, and the result is the footer of what was done with every verdict incomplete.
Result<Footer> play(const Suite& suite, const std::vector<const Scenario*>& scenarios, const std::vector<Build>& builds,
                    const RunOptions& options, Listener& listener, const std::atomic<bool>& interrupted);

// The first line of a stored result.
Header header_of(const Suite& suite, const std::vector<Build>& builds, const RunOptions& options, WorldKind world);
// kUsage for a build that cannot live in a world of this kind, and for options that such a world cannot honour.
Result<> check_worlds(const std::vector<Build>& builds, const RunOptions& options, WorldKind world);

// Counts and verdicts of a list of cases (also of stored ones: `report` merges shards with it). MUST decides; with `strict`, SHOULD too.
Footer conclude(const std::vector<CaseRecord>& cases, const std::vector<std::string>& builds, bool strict);

// The worst status of its checks; a case without one keeps what it has.
oracles::Status worst_status(const CaseRecord& record);

// 0 conformant, 1 not conformant (or an entry of the baseline is stale), 2 incomplete, over all builds, for the profile asked for.
int exit_code(const Footer& footer, oracles::Profile profile);

}  // namespace entryproof::runner
