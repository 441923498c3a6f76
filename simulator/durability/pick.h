// Pick: one crash state at the end of a trace, for a power cut in the middle of a story.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/durability/program.h"

namespace entryproof::durability {

struct LeastDurable {};  // loses all that the model lets one lose
struct Seeded {          // loses what the seed says: any state that the model allows may come
  std::uint64_t seed = 0;
};
struct Omit {  // loses these operations (by seq) and what cannot be there without them
  std::vector<std::uint64_t> operations;
};
struct Lose {  // loses exactly these micro-operations: CrashState::lost() of a program with the same watched paths, cut off after `after`
  std::vector<std::size_t> micro_operations;
};
using Choice = std::variant<LeastDurable, Seeded, Omit, Lose>;

struct Picked {
  node::Tree tree;                     // as CrashState::tree()
  std::vector<std::uint64_t> omitted;  // seqs of what is lost in whole or in part
  std::string words;                   // as CrashState::describe()
};

// What the program does not watch is never lost, so it will usually watch "/". kInvalidInput if what Omit or Lose name does not exist,
// changed nothing, or cannot be lost any more, or not alone, under this model.
Result<Picked> pick(const Program& program, Model model, const Choice& choice);

}  // namespace entryproof::durability
