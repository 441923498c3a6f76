// thin_entrypoint: what was asked for, done by the one who can do it.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/health.h"
#include "reference/options.h"
#include "reference/posix_host.h"
#include "reference/problem.h"
#include "reference/process.h"
#include "reference/signals.h"
#include "reference/uninstall.h"

int main(int argc, char** argv) {
  reference::signals::block();
  reference::PosixHost host;
  auto options = reference::parse_options(std::vector<std::string>(argv + 1, argv + argc), reference::environment());
  if (!options) {
    host.write_error("error: " + options.error().message);
    return reference::kExitUsage;
  }
  if (options->help || options->version) {
    std::puts(options->help ? reference::usage().c_str() : "thin_entrypoint " ENTRYPROOF_VERSION);
    return reference::kExitOk;
  }
  if (options->command == reference::Command::kUninstall) return reference::uninstall(host, *options);
  if (options->command == reference::Command::kStatus) return reference::report_health(host, *options);
  reference::Entrypoint entrypoint(host, std::move(*options));
  return reference::live(host, entrypoint);
}
