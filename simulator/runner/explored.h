// Explored: checks that no step decides, but somebody who takes the whole case apart (simulator/explore).
//
// A scenario tagged "crash" is judged by the crash checks, too: every state in which a kill or a power cut at any of its operations may
// leave the node, and what the build makes of it.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace entryproof::runner {

inline constexpr std::string_view kCrashTag = "crash";

namespace crash_checks {
inline constexpr std::string_view kWhole = "ATOM-22/whole-after-a-crash";
inline constexpr std::string_view kKept = "ATOM-22/kept-after-a-crash";
inline constexpr std::string_view kHeals = "ATOM-22/heals-after-a-crash";
inline constexpr std::string_view kSwept = "ATOM-22/swept-after-a-crash";
inline constexpr std::string_view kOrder = "ORDER-37/order-in-a-crash";
inline constexpr std::string_view kMode = "SECURE-53/mode-in-a-crash";
inline constexpr std::array kAll = {kWhole, kKept, kHeals, kSwept, kOrder, kMode};
}  // namespace crash_checks

// One tagged "sweep" by these: every operation of the build, failing with each error that is documented for it, once or from then on.
inline constexpr std::string_view kFaultsTag = "sweep";

namespace fault_checks {
inline constexpr std::string_view kNoWorse = "ATOM-28/no-worse-by-a-fault";
inline constexpr std::string_view kNoFalseSuccess = "ATOM-28/no-false-success";
inline constexpr std::string_view kWhole = "ATOM-28/whole-after-a-fault";
inline constexpr std::string_view kHeals = "ATOM-28/heals-after-a-fault";
inline constexpr std::string_view kSwept = "ATOM-28/swept-after-a-fault";
inline constexpr std::string_view kClosed = "ATOM-28/closed-in-a-fault";
inline constexpr std::string_view kSilent = "SECURE-54/silent-in-a-fault";
inline constexpr std::array kAll = {kNoWorse, kNoFalseSuccess, kWhole, kHeals, kSwept, kClosed, kSilent};
}  // namespace fault_checks

inline bool is_explored(std::string_view check) {
  return std::ranges::find(crash_checks::kAll, check) != crash_checks::kAll.end() ||
         std::ranges::find(fault_checks::kAll, check) != fault_checks::kAll.end();
}

}  // namespace entryproof::runner
