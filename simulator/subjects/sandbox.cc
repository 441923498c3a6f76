#include "simulator/subjects/sandbox.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "simulator/subjects/census.h"
#include "simulator/subjects/sandbox_state.h"

namespace entryproof::subjects {

std::string ExitStatus::describe() const {
  if (signal == 0) return "exit " + std::to_string(code);
  const char* name = sigabbrev_np(signal);
  return "killed by " + (name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal));
}

std::string describe(Excess excess) {
  switch (excess) {
    case Excess::kProcesses:
      return "process limit reached (a fork bomb?)";
    case Excess::kMemory:
      return "memory limit reached";
    case Excess::kOutput:
      return "output limit reached (a flood on stdout or stderr)";
  }
  return "limit reached";
}

bool Sandbox::State::send(int signal) const { return syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0; }

Sandbox::~Sandbox() { kill(); }

pid_t Sandbox::pid() const { return state_->pid; }

std::uint64_t Sandbox::id() const { return state_->id; }

std::optional<ExitStatus> Sandbox::poll() const {
  const std::lock_guard lock(state_->mutex);
  return state_->status;
}

std::optional<ExitStatus> Sandbox::wait(std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(state_->mutex);
  state_->ended.wait_until(lock, deadline, [&] { return state_->status.has_value(); });
  return state_->status;
}

bool Sandbox::signal(int number) const { return state_->send(number); }

void Sandbox::kill() const { state_->send(SIGKILL); }

Output Sandbox::output() const {
  const std::lock_guard lock(state_->mutex);
  return state_->output;
}

std::vector<Excess> Sandbox::excesses() const {
  const std::lock_guard lock(state_->mutex);
  return state_->excesses;
}

bool Sandbox::idle() const {
  if (poll()) return true;
  const auto census = take_census(state_->pid, {.until_busy = true});
  // The numbers in /proc are of our init only if it is still there now.
  pollfd init{state_->pidfd.get(), POLLIN, 0};
  if (::poll(&init, 1, 0) != 0) return poll().has_value();
  return census.idle;
}

Result<std::size_t> Sandbox::open_descriptors() const {
  if (poll()) return 0;
  const auto census = take_census(state_->pid, {.descriptors = true});
  // As in idle(): the numbers are of ours only if it is still there.
  pollfd init{state_->pidfd.get(), POLLIN, 0};
  if (::poll(&init, 1, 0) != 0) return 0;
  if (census.refused) return fail(ErrorCode::kUnavailable, "the descriptors of a sandbox's processes may not be counted");
  return census.descriptors;
}

}  // namespace entryproof::subjects
