// mutant NAME FLAG…: the reference with the defect of that name, as a program. Without arguments it lists the names.
#include <iostream>
#include <string>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/options.h"
#include "reference/posix_host.h"
#include "reference/problem.h"
#include "reference/process.h"
#include "reference/signals.h"
#include "simulator/subjects/mutants/mutants.h"

namespace {

using namespace entryproof::subjects;

int list() {
  for (const MutantInfo& mutant : mutants()) std::cout << mutant.name << '\t' << mutant.defect << '\t' << mutant.origin << '\n';
  return std::cout.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return list();
  reference::signals::block();
  reference::PosixHost host;
  const auto options = reference::parse_options(std::vector<std::string>(argv + 2, argv + argc), reference::environment());
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
  return reference::live(host, entrypoint);
}
