// thin_entrypoint: the loop around reference::Entrypoint.
//
// TERM and INT are blocked by our first instruction and looked for between two turns, so they are never lost, not even by process 1 of a
// container, and never come between making a file visible and making it durable.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/options.h"
#include "reference/posix_host.h"
#include "reference/problem.h"

int main(int argc, char** argv) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk

  reference::PosixHost host;
  std::map<std::string, std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (const auto equals = text.find('='); equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  auto options = reference::parse_options(std::vector<std::string>(argv + 1, argv + argc), environment);
  if (!options) {
    host.write_error("error: " + options.error().message);
    return reference::kExitUsage;
  }
  if (options->help || options->version) {
    std::puts(options->help ? reference::usage().c_str() : "thin_entrypoint " ENTRYPROOF_VERSION);
    return reference::kExitOk;
  }

  pollfd signals{.fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN, .revents = 0};
  reference::Entrypoint entrypoint(host, std::move(*options));
  while (true) {
    if (host.stop_requested()) return entrypoint.stop();
    const reference::Turn turn = entrypoint.turn();
    if (host.stop_requested()) return entrypoint.stop();
    if (turn.exit) return *turn.exit;
    const auto left = std::max(std::chrono::nanoseconds{0}, turn.wait_until - host.monotonic());
    const timespec wait{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    ppoll(&signals, 1, &wait, nullptr);
  }
}
