// Alphabet: everything that can happen to a node, as letters with small numbers: what histories are written in.
//
// A letter says what happens, its two numbers to what and how; 0 is the plainest of each, so that a history gets simpler as its numbers get
// smaller. What a letter means on a node is tale.h's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/explore/random.h"
#include "simulator/runner/engine.h"

namespace entryproof::explore {

enum class Letter : std::uint8_t {
  kQuiet,          // whatever is broken is mended, and after a quiet time everything must be in place
  kStart,          // the build is started, stopped before if it runs: a = its options, b = its environment
  kStop,           // it comes to rest, then TERM
  kKill,           // KILL, now
  kStartToKill,    // a start that is killed at its a-th operation
  kOnce,           // a one-shot: install, then end
  kReboot,         // a = what is volatile
  kRotate,         // a = token, CA, both, signing key, the next step from one CA to another; b = torn
  kVolumeAway,     // the service account's data is away for a while
  kCredentials,    // its files are spoiled; a = how
  kClock,          // the wall clock is set; a = how far
  kPrimary,        // a primary appears, whole; a = which
  kPrimaryHalf,    // one of the primaries is half-written; a = which, b = how
  kPrimaryGone,    // one is deleted
  kPrimaryMoved,   // one gets another name
  kForeign,        // another CNI's files that are no configuration; a = which
  kKubeconfig,     // somebody deletes or spoils the kubeconfig; a = how
  kConfiguration,  // the same with the configuration
  kPlugin,         // the same with the plugin
  kManual,         // the user edits the manual configuration; a = what it says
  kManualBroken,   // the user's edit is no configuration; a = how
  kFailing,        // calls of the build fail; a = which; b = once or from now on, and a rotation meanwhile, and no power then
  kDiskFull,       // the disk is full; b = and a rotation meanwhile
  kFaultsOver,     // there is room again, and no call fails
  kHold,           // while something is broken, what is published stays
  kWait,           // a = how long
  kOlder,          // another build was there before: started, at rest, stopped; a = which
  kPowerCut,       // the power goes; a = what kind of file system it was; b = which of the states that it may leave, 0 the worst
  kStartToCut,     // a start as before, and at its a-th operation the power goes; b = file system and state
  kCount
};
std::string_view to_string(Letter letter);

struct Command {
  Letter letter = Letter::kQuiet;
  std::uint32_t a = 0;
  std::uint32_t b = 0;

  friend bool operator==(const Command&, const Command&) = default;
};

struct History {
  bool plain = false;  // the credentials are plain files of the host, not kubelet's volume
  std::vector<Command> commands;

  friend bool operator==(const History&, const History&) = default;
};
std::string describe(const History& history);  // "start(0,0) kill rotate(2,1)"

// The letters that can be played in worlds of this kind.
std::vector<Letter> letters_of(runner::WorldKind world);

// History `index` of a seed: the same for ever, whatever else is asked for.
History random_history(std::uint64_t seed, std::uint64_t index, std::size_t commands, runner::WorldKind world);

}  // namespace entryproof::explore
