#include "simulator/runner/power.h"

#include <utility>

#include "simulator/durability/pick.h"

namespace entryproof::runner {

Result<Survived> what_survives(const node::Tree& image, const std::vector<node::Operation>& operations, const faults::PowerCut& cut) {
  const auto model = durability::model_named(cut.model);
  if (!model || *model == durability::Model::kKill) return fail(ErrorCode::kInvalidInput, "there is no power cut of \"" + cut.model + "\"");
  durability::Trace trace;
  trace.image = image;
  trace.operations = operations;
  const auto program = durability::Program::compile(trace, {"/"});
  if (!program) return std::unexpected(program.error());
  durability::Choice choice = durability::LeastDurable{};
  if (!cut.omit.empty()) choice = durability::Omit{cut.omit};
  if (cut.seed) choice = durability::Seeded{*cut.seed};
  auto picked = durability::pick(*program, *model, choice);
  if (!picked) return std::unexpected(picked.error());
  return Survived{std::move(picked->tree), std::move(picked->words)};
}

}  // namespace entryproof::runner
