#include "simulator/subjects/predecessors/signals.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace entryproof::subjects::predecessor {
namespace {

volatile std::sig_atomic_t requests = 0;

extern "C" void die_of(int number) {
  std::raise(number);  // SA_RESETHAND and SA_NODEFER: kills here, unless we are PID 1
  ::_exit(2);
}

extern "C" void ask_to_end(int) {
  requests = requests + 1;
  if (requests > 1) ::_exit(1);
}

extern "C" void remember(int) { requests = 1; }

void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(number, &action, nullptr);
}

}  // namespace

void default_go_signals() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) handle(number, die_of, static_cast<int>(SA_RESETHAND | SA_NODEFER));
}

void catch_termination() {
  for (const int number : {SIGTERM, SIGINT}) handle(number, ask_to_end, SA_RESTART);
}

void trap_termination() {
  handle(SIGTERM, remember, SA_RESTART);
  handle(SIGINT, SIG_IGN, 0);
}

bool termination_requested() { return requests > 0; }

void wait_for_termination() {
  sigset_t asked = {};
  sigset_t before = {};
  sigemptyset(&asked);
  sigaddset(&asked, SIGTERM);
  sigaddset(&asked, SIGINT);
  ::sigprocmask(SIG_BLOCK, &asked, &before);
  while (!termination_requested()) ::sigsuspend(&before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

void sleep_seconds(int seconds) {
  timespec until = {};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += seconds;
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

void sleep_for_ever() {
  while (true) ::pause();
}

}  // namespace entryproof::subjects::predecessor
