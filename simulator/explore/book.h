// Book: what an exploration has found, as records of checks, so that every report can show it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "simulator/explore/crash.h"
#include "simulator/runner/case.h"
#include "simulator/runner/record.h"

namespace entryproof::explore {

// One record for each of the checks that belongs to the profile: fail with its causes and how to see one again; unknown, with the bounds,
// where nothing failed and not everything was looked at; error where nothing could be judged.
std::vector<runner::CheckRecord> records_of(const CrashReport& report, std::span<const std::string_view> checks,
                                            const runner::CaseRequest& request);

// "seed=1 models=kill,xfs trace=… operations=22 states=120 distinct=31 lives=93 verdict=true": what a run was, in one line.
std::string summary(const CrashReport& report, std::uint64_t seed);

}  // namespace entryproof::explore
