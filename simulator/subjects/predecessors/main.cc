// predecessor: behaves as a released Multus entrypoint does.
//
// Which release is told by the first argument (`predecessor 4.0.2 --cni-conf-dir=...`), by the name it is called by (`predecessor-4.0.2`)
// or by ENTRYPROOF_PREDECESSOR, in that order. Without one it ends with 64, which none of the releases uses.
#include <cstdlib>
#include <optional>
#include <span>
#include <string>

#include "simulator/subjects/predecessors/files.h"
#include "simulator/subjects/predecessors/flags.h"
#include "simulator/subjects/predecessors/kubeconfig.h"
#include "simulator/subjects/predecessors/shell.h"
#include "simulator/subjects/predecessors/thin.h"
#include "simulator/subjects/predecessors/traits.h"

namespace {

namespace predecessor = entryproof::subjects::predecessor;

constexpr int kNoSuchVersion = 64;

int no_version() {
  std::string line = "predecessor: name a version, as first argument, in the program's name or in ENTRYPROOF_PREDECESSOR:";
  for (const auto& traits : predecessor::all_traits()) line += " " + std::string(traits.version);
  predecessor::complain(line);
  return kNoSuchVersion;
}

}  // namespace

int main(int argc, char** argv) {
  std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
  const std::string name = arguments.empty() ? "" : predecessor::base_name(arguments[0]);
  if (!arguments.empty()) arguments = arguments.subspan(1);

  std::optional<predecessor::Traits> traits;
  if (!arguments.empty()) traits = predecessor::find_traits(arguments[0]);
  if (traits) {
    arguments = arguments.subspan(1);
  } else if (const auto dash = name.find_last_of('-'); dash != std::string::npos) {
    traits = predecessor::find_traits(name.substr(dash + 1));
  }
  if (!traits) traits = predecessor::find_traits(predecessor::environment("ENTRYPROOF_PREDECESSOR"));
  if (!traits) return no_version();

  auto options = predecessor::parse_flags(*traits, arguments);
  if (!options) return options.error();
  if (traits->shell) return predecessor::Shell(*traits, std::move(*options)).run();
  return predecessor::Thin(*traits, std::move(*options)).run();
}
