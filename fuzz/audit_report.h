// What every audit promises of its reports, whatever was audited.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "simulator/audit/finding.h"

namespace entryproof::fuzz {

// The texts are printable lines, what a finding must say is said, and the line it names is one of so many (0: of any number).
void demand_sound(const audit::Report& report, std::size_t lines);
// No text holds these bytes.
void demand_silent(const audit::Report& report, std::string_view secret);
// Every format can hold them, and the one for tools is JSON.
void demand_rendered(const std::vector<audit::Report>& reports);

}  // namespace entryproof::fuzz
