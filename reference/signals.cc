#include "reference/signals.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace reference::signals {
namespace {

volatile std::sig_atomic_t received = 0;
volatile std::sig_atomic_t wake = -1;

sigset_t ends() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

extern "C" {
static void on_end(int number) {
  const int before = errno;
  if (received != 0) _exit(128 + number);
  received = 1;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = write(wake, &one, sizeof one);
  errno = before;
}
}

void block() {
  const sigset_t set = ends();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
}

void take() {
  if (wake < 0) wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action{};
  action.sa_handler = on_end;
  action.sa_flags = SA_RESTART;  // the work goes on to the next safe place
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  const sigset_t set = ends();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

bool end_requested() { return received != 0; }
int descriptor() { return wake; }

}  // namespace reference::signals
