// Survey: all crash states of a program under some models, each different one judged once.
//
// States are enumerated once per window: what is possible at some moment is possible at any later one before the next barrier, so it is
// enough to look just before each barrier, before each acknowledgement, and at the end (under kKill: after each operation). A window with
// at most `Bounds::states` sets is exhausted; that is every window with up to 16 micro-operations. A larger one is looked at in part: all
// prefixes, all omissions of one or two, all single survivors; then the survey says so and is no proof.
//
// Order and result are the same in every run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "simulator/durability/program.h"
#include "simulator/durability/state_hash.h"

namespace entryproof::durability {

// One state in which a crash may leave the node. Lives as long as the call it is given to.
class CrashState {
 public:
  virtual ~CrashState() = default;

  Model model = Model::kKill;
  std::uint64_t after = 0;       // seq of the last operation before the crash
  std::size_t acknowledged = 0;  // how many acknowledgements had been given
  StateHash
      hash;  // of names, types, modes, owners, content at the watched paths; together with `acknowledged` all that a verdict may depend on

  // The whole node as the next boot finds it, made now: costs microseconds. Inodes keep their numbers, and new ones get numbers that the
  // trace did not use, as Tree::follow has it.
  virtual node::Tree tree() const = 0;
  // The seqs of the operations that are lost in whole or in part.
  virtual std::vector<std::uint64_t> omitted() const = 0;
  // Exactly what is lost, as indices into Program::describe(): with `after` and the model the address of this state (pick.h, Lose).
  virtual std::vector<std::size_t> lost() const = 0;
  // "power cut (xfs) after op 17, without op 14 write /etc/cni/net.d/.new".
  virtual std::string describe() const = 0;
};

struct Bounds {
  std::uint64_t states = std::uint64_t{1} << 16;  // raw states of one window and model
};

struct Complaint {
  std::string check;  // what failed, for grouping: the id of a check
  std::string what;   // for people
};

// What is wrong with a state; empty if nothing. A pure function of what is seen at the watched paths and of `acknowledged`: it is asked
// once for each pair of them.
using Judge = std::function<std::vector<Complaint>(const CrashState&)>;

// What was looked at under one model.
struct Coverage {
  Model model = Model::kKill;
  std::size_t windows = 0;
  std::uint64_t raw = 0;       // sets of micro-operations, each one hashed and looked up
  std::uint64_t distinct = 0;  // different states among them
  std::uint64_t failing = 0;   // of those, in a survey
  std::vector<std::string>
      bounds;  // "window 7 (before op 31 fsync /x) has 23 micro-operations: prefixes, omissions <= 2, …"; empty if complete
};

// One cause: failures of one check with one pair of operations behind them.
struct Cause {
  std::string check;
  std::string what;                    // of its first state
  Model label = Model::kKill;          // the strongest model that shows it
  std::vector<Model> models;           // all that do
  std::string words;                   // "write of a.new must be durable before its rename; no fsync between them"
  std::string key;                     // equal for equal causes in other runs: no seqs, no random names
  std::uint64_t after = 0;             // the minimised state: the crash came after this seq …
  std::vector<std::uint64_t> omitted;  // … and these were lost (`entryproof` replays with them)
  std::vector<std::size_t> lost;       // the same by micro-operation: CrashState::lost()
  std::uint64_t states = 0;            // how many distinct states fail by it
};

struct Survey {
  std::vector<Coverage> coverage;  // one for each model
  std::vector<Cause> causes;       // in order of label, then of appearance
  bool complete() const {
    for (const Coverage& model : coverage) {
      if (!model.bounds.empty()) return false;
    }
    return true;
  }
};

// Asks the judge about every distinct state of all the models, the strongest first, and minimises what fails.
Survey survey(const Program& program, std::span<const Model> models, const Judge& judge, const Bounds& bounds = {});

// Shows each distinct pair of state and acknowledgements once, in order; for restarts on each of them. The visitor returns false to stop.
using Visitor = std::function<bool(const CrashState&)>;
Coverage visit(const Program& program, Model model, const Visitor& visitor, const Bounds& bounds = {});

}  // namespace entryproof::durability
