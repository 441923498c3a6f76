// Engine: the gate at a node's door that makes calls fail.
//
// It applies a plan to the operations of the build under test, deterministically, and remembers what it did for the report. It also holds
// what the world itself arms: a kill at operation N of a start, and whatever else shall happen at a moment. Nothing here knows of processes
// or of what survives a power cut: whoever owns the world gives callbacks for that.
//
// To kill, the node is sealed first, so that nothing of what dying threads still send is applied; then the callback ends the process.
//
// Thread contract: the node's: whatever guards the Node guards the engine. Callbacks run under that guard.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/faults/plan.h"
#include "simulator/node/node.h"

namespace entryproof::faults {

// What was done to one operation.
struct Injection {
  std::uint64_t seq = 0;    // of the operation in the journal
  std::uint64_t index = 0;  // among the counted ones of its start; 0 if it does not count
  Moment at;
  std::string what;  // "fsync of /etc/cni/net.d/x: EIO injected"
};

// Who set a rule: the scenario that is played, or whoever runs it (the command line, the control socket).
enum class Owner : std::uint8_t { kScenario, kRun };

// What is remembered of an operation behind which the world changed the node.
inline constexpr std::string_view kChangedBehind = "the node is changed right behind it";

class Engine final : public node::Gate {
 public:
  static constexpr std::size_t kMostInjections = 1000;  // that are kept; a sticky rule has no end

  explicit Engine(node::Node& node) : node_(node) {}

  // Rules at work stay so, with their counts; a new one begins to count now.
  void add(const Plan& plan, Owner owner);
  void clear(Owner owner);
  // The scenario's rules from now on; every one counts anew.
  void set_plan(const Plan& plan);
  // Nothing is to happen any more, and nothing has: no rule, no kill, no change, no injection. Callbacks stay.
  void disarm();
  const std::vector<Injection>& injections() const { return injections_; }
  std::uint64_t injected() const { return injected_; }  // also those that were not kept

  // A rule's kill: that start is sealed already.
  void on_kill(std::function<void(node::Actor, std::uint32_t session)> kill) { on_kill_ = std::move(kill); }
  // A rule's power cut. Every actor but the world is sealed already, and the operation, at Phase::kBefore, will not be applied: it is
  // refused with EIO. The operation's seq and index say where the run was cut. Without a callback a power cut is a kill of everything.
  void on_power_cut(std::function<void(const Rule&, const node::Operation&)> cut) { on_power_cut_ = std::move(cut); }

  // Kills a start at its N-th counted operation (from 1), before that takes effect, whatever the plan says; once.
  void kill_at(std::uint32_t session, std::uint64_t operation, std::function<void()> kill);
  // What happens when the operation that `moment` means comes: before it is applied, or right behind it (its phase); once. The operation
  // takes its course. Only what happens behind one may change the node. `what` is remembered among the injections; empty: it is none.
  void at(const Rule& moment, std::string what, std::function<void(const node::Operation&)> deed);

  node::Ruling before(const node::Operation& operation) override;
  node::Ruling after(const node::Operation& operation) override;
  bool acts_after() const override { return !due_.empty() || !later_.empty(); }
  bool watches(node::Verb verb) const override;

 private:
  // A rule at work.
  struct Armed {
    Rule rule;
    Owner owner = Owner::kScenario;
    std::uint64_t seen = 0;  // matching operations so far
    bool fired = false;
    node::Verb kind = node::Verb::kMark;  // of the first hit
    std::set<node::InodeId> cut_short;    // files whose next write gets then_error
  };

  struct Appointment {
    Armed moment;
    std::string what;
    std::function<void(const node::Operation&)> deed;
  };

  static bool hits(Armed& armed, const node::Operation& operation);
  void keep_appointments(const node::Operation& operation);
  void strike(Armed& armed, const node::Operation& operation, node::Ruling& ruling);
  void end(const Rule& rule, const node::Operation& operation);
  void note(const node::Operation& operation, const std::string& what);

  node::Node& node_;
  std::vector<Armed> armed_;
  std::vector<std::size_t> later_;  // of these, the ones that hit the operation at hand and wait for after()
  std::vector<Injection> injections_;
  std::uint64_t injected_ = 0;
  std::function<void(node::Actor, std::uint32_t)> on_kill_;
  std::function<void(const Rule&, const node::Operation&)> on_power_cut_;
  std::uint32_t kill_session_ = 0;
  std::uint64_t kill_operation_ = 0;  // 0: none
  std::function<void()> kill_;
  std::vector<Appointment> appointments_;
  std::vector<std::function<void(const node::Operation&)>> due_;  // behind the operation at hand
};

}  // namespace entryproof::faults
