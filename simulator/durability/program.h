// Program: a trace compiled into micro-operations, ready to be asked for its crash states.
//
// Compiling replays the trace on a copy of its image and notes what each operation changed. Only what can be seen at the watched paths is
// varied later (a temporary file that is renamed there is followed backwards); everything else counts as applied.
//
// Thread contract: const use from several threads is fine. The operations of the trace must outlive the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/durability/model.h"
#include "simulator/durability/trace.h"

namespace entryproof::durability {

struct Compiled;  // the inside: compiled.h

class Program {
 public:
  // Watches these absolute paths of the image and all that is below them, not through symbolic links; "/" is everything. kInvalidInput if
  // the operations do not fit the image, kLimit if they make more inodes than a Tree holds.
  static Result<Program> compile(const Trace& trace, const std::vector<std::string>& watched, Rules rules = {});

  // How many micro-operations can be lost and be seen to be, over the whole trace.
  std::size_t micro_operations() const;
  // One line for each of them, for people: "14 page 0 of /etc/cni/net.d/.new".
  std::vector<std::string> describe() const;
  // Where each of them belongs: the seq of its operation, and its place among what that operation changed. Equal in a program of the same
  // trace that is cut off later or earlier.
  struct Part {
    std::uint64_t seq = 0;
    std::uint32_t place = 0;
    friend bool operator==(const Part&, const Part&) = default;
  };
  std::vector<Part> parts() const;
  // How many acknowledgements there are: the trace's own and the build's marks.
  std::size_t acknowledgements() const;

  const Compiled& inside() const { return *compiled_; }

 private:
  explicit Program(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace entryproof::durability
