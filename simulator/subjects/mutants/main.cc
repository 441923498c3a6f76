// mutant NAME FLAG…: the reference with the defect of that name, as a program. Without arguments it lists the names.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/options.h"
#include "reference/posix_host.h"
#include "reference/problem.h"
#include "simulator/subjects/mutants/mutants.h"

namespace {

using namespace entryproof::subjects;

int list() {
  for (const MutantInfo& mutant : mutants()) std::cout << mutant.name << '\t' << mutant.defect << '\t' << mutant.origin << '\n';
  return std::cout.flush() ? 0 : 1;
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = std::min(text.find('='), text.size() - 1);
    variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

// TERM and INT are blocked and taken between two turns; PosixHost::stop_requested sees them pending.
sigset_t block_ends() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  return ends;
}

int keep_running(reference::PosixHost& host, reference::Entrypoint& entrypoint, const sigset_t& ends) {
  pollfd signals{.fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN, .revents = 0};
  while (!host.stop_requested()) {
    const reference::Turn turn = entrypoint.turn();
    if (turn.exit && !host.stop_requested()) return *turn.exit;
    const auto left = std::max(std::chrono::nanoseconds{0}, turn.wait_until - host.monotonic());
    const timespec wait{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    ppoll(&signals, 1, &wait, nullptr);
  }
  return entrypoint.stop();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return list();
  const sigset_t ends = block_ends();
  reference::PosixHost host;
  const auto options = reference::parse_options(std::vector<std::string>(argv + 2, argv + argc), environment());
  if (!options) {
    host.write_error("error: " + options.error().message);
    return reference::kExitUsage;
  }
  const auto mutant = make_mutant(argv[1], host, *options);
  if (!mutant) {
    host.write_error("error: there is no mutant \"" + std::string(argv[1]) + "\"; run mutant without arguments for a list");
    return reference::kExitUsage;
  }
  reference::Entrypoint entrypoint(*mutant, *options);
  return keep_running(host, entrypoint, ends);
}
