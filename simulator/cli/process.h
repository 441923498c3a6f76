// Process: what a command has from the process it runs in: streams, terminals, signals, the directory of the suite.
#pragma once

#include <atomic>
#include <optional>
#include <ostream>
#include <string>

#include "simulator/base/result.h"
#include "simulator/cli/options.h"

namespace entryproof::cli {

// Where a command talks. Data goes to `out`, narration to `err`.
struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;  // and TERM is not "dumb"
  bool err_is_terminal = false;
  unsigned columns = 80;
  bool no_color = false;  // NO_COLOR is set and not empty

  bool colored(Color color) const { return color == Color::kAlways || (color == Color::kAuto && out_is_terminal && !no_color); }
};

// The streams of this very process.
Streams standard_streams();

// The first thing that `run` does, while the process has one thread: a closed standard stream becomes /dev/null, so that no descriptor of
// ours can be taken for it, and SIGPIPE becomes an error of write. What else has to happen before threads exist (the harness of sandboxes)
// belongs here.
Result<> prepare_process();

// From now on SIGINT, SIGTERM and SIGHUP set the flag that is given; a second one ends the process.
const std::atomic<bool>& catch_interrupts();

// The value of an environment variable of this process; empty for none.
std::string variable(const char* name);

// The directory with clauses.json: `asked` if not empty, else $ENTRYPROOF_SCENARIOS, else beside the program as in the build tree or as
// installed. kUsage, with where it was looked for.
Result<std::string> find_scenarios(const std::string& asked);

}  // namespace entryproof::cli
