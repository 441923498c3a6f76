#include "simulator/oracles/check.h"

#include <algorithm>
#include <array>
#include <utility>

namespace entryproof::oracles {
namespace {

template <class T, std::size_t N>
std::string_view name_in(const std::array<std::pair<T, std::string_view>, N>& table, T value) {
  const auto found = std::ranges::find(table, value, &std::pair<T, std::string_view>::first);
  return found == table.end() ? "?" : found->second;
}

template <class T, std::size_t N>
std::optional<T> value_in(const std::array<std::pair<T, std::string_view>, N>& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &std::pair<T, std::string_view>::second);
  return found == table.end() ? std::nullopt : std::optional(found->first);
}

constexpr std::array<std::pair<Level, std::string_view>, 3> kLevels{
    {{Level::kMust, "MUST"}, {Level::kShould, "SHOULD"}, {Level::kMay, "MAY"}}};

constexpr std::array<std::pair<Profile, std::string_view>, 3> kProfiles{
    {{Profile::kCore, "core"}, {Profile::kDurable, "durable"}, {Profile::kProduction, "production"}}};

// From the mildest to the worst: the position is the severity.
constexpr std::array<std::pair<Status, std::string_view>, 7> kStatuses{{{Status::kPass, "pass"},
                                                                        {Status::kNotTested, "not-tested"},
                                                                        {Status::kKnown, "known"},
                                                                        {Status::kWarn, "warn"},
                                                                        {Status::kUnknown, "unknown"},
                                                                        {Status::kFail, "fail"},
                                                                        {Status::kError, "error"}}};

constexpr std::array<std::pair<Need, std::string_view>, 4> kNeeds{{{Need::kSeeEveryOperation, "see-every-operation"},
                                                                   {Need::kVirtualTime, "virtual-time"},
                                                                   {Need::kNetwork, "network"},
                                                                   {Need::kProcess, "process"}}};

}  // namespace

std::string_view to_string(Level level) { return name_in(kLevels, level); }
std::string_view to_string(Profile profile) { return name_in(kProfiles, profile); }
std::string_view to_string(Status status) { return name_in(kStatuses, status); }
std::string_view to_string(Need need) { return name_in(kNeeds, need); }

std::optional<Level> level_from(std::string_view text) { return value_in(kLevels, text); }
std::optional<Profile> profile_from(std::string_view text) { return value_in(kProfiles, text); }
std::optional<Status> status_from(std::string_view text) { return value_in(kStatuses, text); }
std::optional<Need> need_from(std::string_view text) { return value_in(kNeeds, text); }

int severity(Status status) {
  const auto found = std::ranges::find(kStatuses, status, &std::pair<Status, std::string_view>::first);
  return static_cast<int>(found - kStatuses.begin());
}

bool is_check_id(std::string_view id) {
  const auto take = [&id](auto&& accepts) {
    const auto end = std::ranges::find_if_not(id, accepts);
    const auto count = static_cast<std::size_t>(end - id.begin());
    id.remove_prefix(count);
    return count > 0;
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!take([](char c) { return c >= 'A' && c <= 'Z'; })) return false;
  if (!id.starts_with('-')) return false;
  id.remove_prefix(1);
  if (id.starts_with('M')) id.remove_prefix(1);
  if (!take(is_digit)) return false;
  if (!id.starts_with('/')) return false;
  id.remove_prefix(1);
  return take([is_digit](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }) && id.empty();
}

}  // namespace entryproof::oracles
