#include "simulator/durability/model.h"

namespace entryproof::durability {

std::string_view to_string(Model model) {
  switch (model) {
    case Model::kKill:
      return "kill";
    case Model::kExt4:
      return "ext4";
    case Model::kXfs:
      return "xfs";
    case Model::kBtrfs:
      return "btrfs";
    case Model::kPosix:
      return "posix";
  }
  return "?";
}

std::optional<Model> model_named(std::string_view name) {
  for (const Model model : kModels) {
    if (to_string(model) == name) return model;
  }
  return std::nullopt;
}

}  // namespace entryproof::durability
