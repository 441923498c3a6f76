// Histories: the search through many of them.
//
// Random ones of a seed, numbered from 0, each what its number makes it; or all of up to so many commands of a small alphabet. They are
// played side by side, and each kind of finding is told once, with the history of the lowest number that shows it. What waits for real time
// is played again among few before it is believed, and the first history that was believed is told.
//
// RapidCheck's stateful testing would do the drawing and the shrinking, too. It is not used because a counterexample must be more than a
// value in a test: a number makes the same history on every machine and for any --build, histories are played side by side in real time,
// and what is shrunk is written as a scenario that means the same, so commands need a form that files can hold.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/explore/alphabet.h"
#include "simulator/explore/trial.h"

namespace entryproof::explore {

struct Search {
  std::uint64_t seed = 1;
  std::size_t commands = 30;               // in each history
  std::optional<std::size_t> exhaustive;   // all of up to so many commands, instead
  std::uint64_t first = 0;                 // number of the first history
  std::optional<std::uint64_t> histories;  // how many at most
  std::optional<Duration> max_time;        // for all of them
  unsigned jobs = 1;
  bool first_only = false;  // the first finding ends it
};

struct Found {
  std::uint64_t index = 0;
  History history;
  runner::CheckRecord finding;
};

struct Trouble {
  std::uint64_t times = 0;
  std::uint64_t index = 0;  // the first such history
  History history;
};

struct Searched {
  std::uint64_t histories = 0;              // played
  std::uint64_t commands = 0;               // in them
  bool complete = true;                     // all that was asked for
  std::map<std::string, Found> found;       // by check
  std::map<std::string, Trouble> troubles;  // what could not be played
  Duration took{};
};

// How many histories of up to `commands` commands there are.
std::uint64_t exhaustive_histories(std::size_t commands);
// The index-th of them: the shorter ones first.
History exhaustive_history(std::uint64_t index);

Searched search(const Bench& bench, const Search& search, const std::atomic<bool>& interrupted,
                const std::function<void(std::uint64_t done, std::size_t found)>& progress);

}  // namespace entryproof::explore
