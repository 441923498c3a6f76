#include "reference/process.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "reference/signals.h"
#include "reference/watchdog.h"

namespace reference {
namespace {

// Long enough for the slowest disk that still works, and many times the longest poll interval.
constexpr std::chrono::minutes kStuck{2};

}  // namespace

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (const auto equals = text.find('='); equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

int live(PosixHost& machine, Entrypoint& entrypoint) {
  signals::take();
  watchdog::start(kStuck);
  while (!machine.stop_requested()) {
    const Turn turn = entrypoint.turn();
    if (machine.stop_requested()) break;
    if (turn.exit) return *turn.exit;
    machine.wait(turn.wait_until, turn.events_from);
  }
  return entrypoint.stop();
}

}  // namespace reference
