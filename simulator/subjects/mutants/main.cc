// mutant NAME FLAG…: the reference with the defect of that name, as a program. Without arguments it lists the names.
#include <poll.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "reference/posix_host.h"
#include "reference/problem.h"
#include "reference/process.h"
#include "reference/signals.h"
#include "simulator/subjects/mutants/mutants.h"

namespace {

using namespace entryproof::subjects;

int list() {
  for (const MutantInfo& mutant : mutants()) {
    std::cout << mutant.name << '\t' << mutant.defect << '\t' << mutant.origin << '\t';
    for (const std::string& check : mutant.kills) std::cout << (&check == &mutant.kills.front() ? "" : " ") << check;
    std::cout << '\n';
  }
  return std::cout.flush() ? 0 : 1;
}

// As the reference lives, but for a mutant that does not hear.
int live(reference::PosixHost& host, MutantLife& life) {
  reference::signals::take();
  bool deaf = false;
  while (true) {
    const bool ends = reference::signals::end_requested() && !deaf;
    if (ends) {
      if (const auto status = life.stop()) return *status;
      deaf = true;
    }
    const reference::Turn turn = life.turn();
    if (turn.exit && (deaf || !reference::signals::end_requested())) return *turn.exit;
    const auto left = std::max(std::chrono::nanoseconds{0}, turn.wait_until - host.monotonic());
    const timespec wait{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    pollfd signals{.fd = reference::signals::descriptor(), .events = POLLIN, .revents = 0};
    ppoll(&signals, deaf ? 0 : 1, &wait, nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return list();
  reference::signals::block();
  reference::PosixHost host;
  const auto life = MutantLife::begin(argv[1], host, std::vector<std::string>(argv + 2, argv + argc), reference::environment());
  if (!life) {
    host.write_error("error: there is no mutant \"" + std::string(argv[1]) + "\"; run mutant without arguments for a list");
    return reference::kExitUsage;
  }
  return live(host, *life);
}
