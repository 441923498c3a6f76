// Warden: PID 1 of a stall's container. It starts the build, says how it ended, and ends everything else, again and again.
//
// A container for each run costs several times what most builds do in it. Here one lives as long as the stall: what a run leaves behind
// (processes, and by the stall itself files) is gone before the next begins. Nothing in it allocates or throws; a pipe that breaks ends it,
// and with it the container.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "simulator/explore/warden_protocol.h"

namespace {

using entryproof::explore::WardenOrder;
using entryproof::explore::WardenReport;

constexpr std::size_t kMostBytes = 1U << 20;
constexpr std::size_t kMostWords = 4096;

char texts[kMostBytes];
char* words[kMostWords + 2];

int to_here = -1;
int from_here = -1;
int output = -1;
pid_t program = 0;

void read_all(void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t got = read(to_here, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(0);
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

void report(WardenReport::Kind kind, int status) {
  const WardenReport said{kind, status};
  if (write(from_here, &said, sizeof said) != sizeof said) _exit(1);
}

// Everything in this container but ourselves, as the kernel does when PID 1 ends.
void end_all() {
  kill(-1, SIGKILL);
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) return;
    if (ended == program) program = 0;
  }
}

void start(const WardenOrder& order) {
  if (order.bytes > kMostBytes) _exit(1);
  read_all(texts, order.bytes);
  char** arguments = words;
  char** environment = words + order.words + 1;
  std::size_t count = 0;
  for (std::size_t at = 0; at < order.bytes && count < kMostWords; ++count) {
    words[count < order.words ? count : count + 1] = texts + at;
    while (at < order.bytes && texts[at] != '\0') ++at;
    ++at;
  }
  words[order.words] = nullptr;
  words[count + 1] = nullptr;
  if (ftruncate(output, 0) != 0) _exit(1);
  program = fork();
  if (program != 0) return;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setsid();
  umask(static_cast<mode_t>(order.value));
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

void obey() {
  WardenOrder order;
  read_all(&order, sizeof order);
  switch (order.kind) {
    case WardenOrder::kStart:
      start(order);
      break;
    case WardenOrder::kSignal:
      if (program > 0) kill(program, static_cast<int>(order.value));
      break;
    default:
      end_all();
      report(WardenReport::kEmpty, 0);
      break;
  }
}

void reap() {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended <= 0) return;
    if (ended != program) continue;
    program = 0;
    end_all();
    report(WardenReport::kEnded, status);
    return;
  }
}

}  // namespace

int main() {
  if (chdir(entryproof::explore::kWardenChannel) != 0) return 1;
  to_here = open("to", O_RDONLY | O_CLOEXEC);
  from_here = open("from", O_WRONLY | O_CLOEXEC);
  output = open("output", O_WRONLY | O_APPEND | O_CLOEXEC);
  if (to_here < 0 || from_here < 0 || output < 0 || chdir("/") != 0) return 1;
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, nullptr);
  const int ended = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  if (ended < 0) return 1;
  report(WardenReport::kEmpty, 0);  // ready
  for (;;) {
    pollfd waits[] = {{to_here, POLLIN, 0}, {ended, POLLIN, 0}};
    if (poll(waits, 2, -1) < 0 && errno != EINTR) return 1;
    if (waits[1].revents != 0) {
      signalfd_siginfo ignored;
      while (read(ended, &ignored, sizeof ignored) > 0) continue;
      reap();
    }
    if ((waits[0].revents & POLLIN) != 0) obey();
  }
}
