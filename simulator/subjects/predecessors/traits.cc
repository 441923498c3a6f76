#include "simulator/subjects/predecessors/traits.h"

#include <algorithm>
#include <array>

namespace entryproof::subjects::predecessor {
namespace {

constexpr Traits kShell = {.version = "3.9.3",
                           .shell = true,
                           .brackets_any_host = true,
                           .knows_cni_conf_dir = false,
                           .watches_politely = false,
                           .handles_signals = false,
                           .list_rule = ListRule::kNever};

constexpr Traits first_thin(std::string_view version) {
  return {.version = version,
          .manual_kubeconfig = false,
          .brackets_any_host = true,
          .delegates_to_itself = true,
          .panics_without_master = true,
          .token_before_ca = true,
          .honours_master_name = false,
          .knows_cni_conf_dir = false,
          .watches_politely = false,
          .handles_signals = false,
          .list_rule = ListRule::kExactlyOneOh};
}

constexpr Traits middle_thin(std::string_view version) {
  return {.version = version, .brackets_any_host = true, .list_rule = ListRule::kExactlyOneOh};
}

constexpr std::array kTable = {
    kShell,
    first_thin("4.0.0"),
    first_thin("4.0.1"),
    first_thin("4.0.2"),
    middle_thin("4.1.4"),
    middle_thin("4.2.2"),
    Traits{.version = "4.2.3", .list_rule = ListRule::kExactlyOneOh},
    Traits{.version = "4.2.4"},
    Traits{.version = "4.3.0", .usage_error_last = true},
};

}  // namespace

std::span<const Traits> all_traits() { return kTable; }

std::optional<Traits> find_traits(std::string_view version) {
  const auto row = std::ranges::find(kTable, version, &Traits::version);
  if (row == kTable.end()) return std::nullopt;
  return *row;
}

}  // namespace entryproof::subjects::predecessor
