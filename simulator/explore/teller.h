// Teller: who tells a tale (tale.h), and what it keeps in mind meanwhile. Private to the tale's files: programs, what happens to files, and
// what is demanded.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "simulator/explore/tale.h"
#include "simulator/explore/tale_demands.h"
#include "simulator/explore/tale_primaries.h"
#include "simulator/explore/tale_words.h"

namespace entryproof::explore {

class Teller {
 public:
  explicit Teller(const Known& known) : known_(known) {}

  runner::Scenario tell(const History& history);

 private:
  void tell(const Command& command);
  void add(decltype(runner::Step::action) action);

  // Something happens that leaves what is published to be looked at anew; with a reason, it may be asked for to stay meanwhile.
  void disturb(std::optional<Held> held = std::nullopt);

  // --- programs ---

  bool inputs_good() const;

  // Gives those of before.
  const Options* take_options(std::uint32_t which);
  void take_policy();
  // Those of the last start, where they are good for another.
  std::uint32_t usual_options() const;
  void start(std::uint32_t options, std::uint32_t surroundings, std::optional<std::uint32_t> killed_at);
  void stop();
  void stop_asking();
  void kill();
  void once(std::uint32_t options);
  void reboot(std::uint32_t which);
  void cut_power(std::uint32_t model, std::uint32_t state);
  // What no boot leaves as it was.
  void boot();
  void older(std::uint32_t which);

  // --- credentials ---

  void rotate(std::uint32_t which, bool torn);

  // A CA is replaced in three steps: the new one is trusted beside the old, serves, and is trusted alone.
  runner::RotateStep::What what_to_rotate(std::uint32_t which);
  void volume_away();
  void spoil_credentials(std::uint32_t how);
  void mend_credentials(bool rotate);
  void set_clock(std::uint32_t which);

  // --- primaries ---

  void take_primary(const std::string& name);

  // What a build delegates to that starts now.
  void choose();

  // What it delegates to after the primaries changed while it runs; nothing where builds may differ.
  void reconsider(std::string_view check);
  void primary(const Body& body, bool in_place);
  void primary_half(std::uint32_t which, std::uint32_t how);
  void primary_gone(std::uint32_t which);
  void primary_moved(std::uint32_t which, std::uint32_t where);
  void mend_primaries();

  // --- calls that fail ---

  // An honest build may go on or end with a failure; what is published stays either way, whatever should be published instead.
  void fail_calls(faults::Plan plan, bool rotates);
  void end_faults();

  // --- what others do to files ---

  void foreign(std::uint32_t which);
  void spoil_kubeconfig(std::uint32_t how);
  void make_own_directory();
  void remove_kubeconfig();
  // Somebody else provides the kubeconfig from now on; and no longer.
  void bring_kubeconfig();
  void forget_brought();

  // The name that the reference publishes under, as far as the tale knows.
  std::string published_name() const;
  void spoil_configuration(std::uint32_t how);
  void spoil_plugin(std::uint32_t how);
  void edit_manual(std::uint32_t text, bool in_place);
  void break_manual(std::uint32_t how, bool in_place);

  // --- what is demanded ---

  void hold();
  std::string calm_name() const;
  std::string chosen_type() const;
  void mend();
  void quiet();

  // What it still has to do may be done first: nothing was demanded of a choice that builds make differently, and they may take their time.
  void leave_alone(const State& state);

  // The names that the world has put into the directories, and under what circumstances: where they are the same again nothing else may
  // have been added.
  std::string world_names() const;

  struct Chosen {
    std::string name;
    const Body* body = nullptr;
  };

  const Known& known_;
  runner::Scenario scenario_;
  bool plain_ = false;
  // The node.
  Primaries primaries_;
  std::map<std::string, std::string> foreign_;
  std::uint32_t manual_ = 0;
  bool manual_good_ = true;
  bool manual_used_ = false;
  bool copy_spoiled_ = false;
  bool away_ = false;       // the volume's data
  bool spoiled_ = false;    // the plain credentials
  bool faulty_ = false;     // calls of the build fail
  bool brought_ = false;    // the kubeconfig is kBroughtKubeconfig, and the build is to leave it alone
  bool strange_ = false;    // the kubeconfig may be something that a build of policy if-missing takes for brought
  bool blocked_ = false;    // by a directory in the kubeconfig's place
  bool clock_set_ = false;  // since the last quiet
  unsigned ca_steps_ = 0;
  // The build.
  const Options* options_ = nullptr;
  const Environment* environment_ = nullptr;
  bool running_ = false;   // it has been started and not yet ended by us
  bool doubtful_ = false;  // an honest one may have ended by itself
  bool hurried_ = false;   // the next thing may have happened before it first looked
  bool killed_ = false;    // its last life
  bool rebooted_ = false;  // since its last life …
  bool cut_ = false;       // … for lack of power
  bool rotated_while_down_ = false;
  bool switched_ = false;  // between automatic and manual
  bool upgraded_ = false;
  bool known_to_lint_ = false;
  std::optional<Chosen> chosen_;  // the primary that it must delegate to, where that is certain
  unsigned takings_ = 0;          // how often something of its was taken away since the last quiet
  About about_;
  // The demands.
  bool calm_ = false;  // the last quiet is still what the node is like, but for `held_`
  std::optional<Held> held_;
  unsigned calms_ = 0;
  std::string names_;
  std::string names_name_;
};

}  // namespace entryproof::explore
