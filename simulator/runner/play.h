// Play: one case while it is played: the world, its clock, what the cluster does and what is remembered of the programs.
//
// What the steps (steps.h) and the judgement (judgement.h) share, and how time passes for both. Driven by one thread; only what the world
// itself tells comes from others.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/oracles/expectations.h"
#include "simulator/runner/case.h"
#include "simulator/runner/course.h"
#include "simulator/runner/fault_desk.h"
#include "simulator/runner/given.h"
#include "simulator/runner/ledger.h"
#include "simulator/runner/live_judge.h"

namespace entryproof::runner {

inline constexpr Duration kRest = std::chrono::milliseconds(30);  // DESIGN.md, decision 12
// At rest for so long after its start, a build will not do by itself what it has not done.
inline constexpr Duration kSettled = std::chrono::milliseconds(1500);

// Where the oracles look on a node of that site. One image: the digest of its plugin binary is computed once.
oracles::Layout layout_of(const Site& site);

struct Play {
  explicit Play(const CaseRequest& played);

  // The node as the scenario wants it, and the world around it; once, first of all.
  Result<> open(const WorldMaker& make_world);
  // The node as the case left it, for --keep. It holds the world's own tokens, so nobody else may read it.
  void keep() const;

  // The moment in so long, or the end of the case.
  Moment after(Duration duration) const;
  bool out_of_time() const { return case_deadline && world->clock().now() >= *case_deadline; }
  // How many files the build's programs hold open.
  Result<std::size_t> open_descriptors() const;
  std::vector<std::string> outputs_of_builds() const;
  bool running(const std::string& who) { return world->life(who).running; }
  // Lets time pass, for the cluster too. Trouble in the cluster ends the case: nothing that comes after could be judged.
  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest);
  Woke pass(Duration duration, const std::function<bool()>& done) { return pass(after(duration), done, std::nullopt); }
  void rest(Duration within);

  Result<> kill_all();
  // The node comes up again: these directories are empty, credentials are projected anew, the rest is as it lies on the disk.
  Result<> boot(const std::vector<std::string>& volatile_paths);
  // Everything is killed, what was done since the last boot is lost as far as the model says, and the node boots.
  Result<> cut_power(const faults::PowerCut& cut, const std::vector<std::string>& volatile_paths);
  // Where a rule has cut the power since the last time: what comes of it. Nothing can be asked of the node before.
  Result<> settle_power();

  const CaseRequest& request;
  const Site site;
  Ledger ledger;
  ProjectedVolumes volumes;
  const oracles::Layout layout;
  LiveJudge judge;
  Course course;
  oracles::Readers readers;
  std::map<std::string, node::Tree> remembered;               // by `remember` steps
  std::map<std::string, std::size_t> remembered_descriptors;  // likewise, where they can be counted
  std::map<std::string, std::size_t> remembered_lines;        // likewise, of output
  std::vector<std::string> past_outputs;                      // of builds that were started again under their name
  std::set<std::string> started;                              // every program's name
  std::set<std::string> builds;                               // the names under which the build was started
  std::string obstacle;                                       // why the steps could not go on
  std::optional<Moment> case_deadline;
  bool broken = false;           // … and it is nothing that this world merely lacks
  bool manual = false;           // the build was told a configuration to copy
  bool judged = false;           // the build under test has been started
  bool settled_start = false;    // nothing has changed around the build since its start
  bool deadline_missed = false;  // see Played
  std::mutex cut_mutex;
  std::optional<faults::PowerCut> cut;  // by a rule, as the world told it; not settled yet
  std::optional<node::Tree> booted;     // the node as it was at its last boot …
  std::uint64_t booted_at = 0;          // … and the journal's last entry before
  std::mutex excess_mutex;
  std::vector<std::string> excess;  // caps that programs ran into, in words, as the world told them
  std::unique_ptr<World> world;     // ends first: its threads use what is above
  FaultDesk::Seat seat;             // but after this, which knows the world
};

}  // namespace entryproof::runner
