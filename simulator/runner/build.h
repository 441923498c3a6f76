// Build: a program under test, resolved to an executable of this machine.
//
// What a user writes after --build: a path, NAME=PATH, or one of the programs that come along: "reference", "predecessor:4.0.2",
// "mutant:NAME", "mutant:*". Resolving proves that the program could start in a container that has this machine's /usr: it is executable,
// its interpreter (a script's shebang, a dynamic program's loader) and its shared libraries are there. What is missing is named, because a
// build that cannot start is no verdict, and not a failed clause.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "simulator/base/result.h"

namespace entryproof::runner {

struct Build {
  std::string name;        // what reports call it
  std::string spec;        // as given: "./thin_entrypoint", "reference", "predecessor:4.0.2", "mutant:no-fsync"
  std::string executable;  // absolute path on this machine
  std::string variant;     // version of a predecessor, name of a mutant: the program's first argument; else empty
  std::string sha256;      // of the executable

  bool is_reference() const { return spec == "reference"; }
  bool is_mutant() const { return spec.starts_with("mutant:"); }
  // Whether it can live in a memory world: the reference's code, with or without a defect.
  bool in_process() const { return is_reference() || is_mutant(); }
};

// One --build argument; "mutant:*" gives several. `with` are neighbours bound read-only into the container (outside, inside): a library may
// be among them. `program_directory` is where the programs that come along lie. Errors: kUsage for a name that does not exist or a path
// that is no executable file, kUnavailable for a missing interpreter or library.
Result<std::vector<Build>> resolve_build(const std::string& spec, const std::vector<std::pair<std::string, std::string>>& with = {});

// The directory of this very program: where thin_entrypoint, predecessor and mutant lie, too.
std::string program_directory();

}  // namespace entryproof::runner
