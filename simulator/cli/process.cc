#include "simulator/cli/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <vector>

#include "simulator/runner/build.h"

namespace entryproof::cli {
namespace {

namespace fs = std::filesystem;

std::atomic<bool> interrupted_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler stores to it");

void on_signal(int) { interrupted_flag.store(true); }

}  // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Streams standard_streams() {
  Streams streams{.out = std::cout, .err = std::cerr};
  const bool dumb = variable("TERM") == "dumb";
  streams.out_is_terminal = !dumb && ::isatty(STDOUT_FILENO) == 1;
  streams.err_is_terminal = !dumb && ::isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) streams.columns = size.ws_col;
  streams.no_color = !variable("NO_COLOR").empty();
  return streams;
}

Result<> prepare_process() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    if (::open("/dev/null", O_RDWR) != descriptor) return fail_errno("open", "/dev/null", errno);
  }
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return fail_errno("signal", "SIGPIPE", errno);
  return {};
}

const std::atomic<bool>& catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
  return interrupted_flag;
}

Result<std::string> find_scenarios(const std::string& asked) {
  std::vector<fs::path> places;
  if (!asked.empty()) {
    places = {asked};
  } else if (const std::string named = variable("ENTRYPROOF_SCENARIOS"); !named.empty()) {
    places = {named};
  } else {
    const fs::path program = runner::program_directory();
    // In build/bin, in build/PRESET/bin, and as installed.
    places = {program / "../../scenarios", program / "../../../scenarios", program / "../../share/entryproof/scenarios"};
  }
  std::string looked;
  for (const auto& place : places) {
    std::error_code ignored;
    const fs::path found = place.lexically_normal();
    if (fs::is_regular_file(found / "clauses.json", ignored)) return found.string();
    looked += (looked.empty() ? "" : ", ") + found.string();
  }
  return fail(ErrorCode::kUsage,
              fmt::format("no suite (clauses.json) in {}; name its directory with --scenarios or $ENTRYPROOF_SCENARIOS", looked));
}

}  // namespace entryproof::cli
