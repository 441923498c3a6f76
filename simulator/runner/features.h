// Features: what some builds can do and others cannot, and what each of them calls by a flag of its own.
//
// The flags of the 3.9.x and 4.x entrypoints are everybody's interface; beyond them there is none. A scenario therefore names a feature
// ("api-server") and a value, and whoever runs it says how the build under test spells it. Of a build that nobody told us about we know
// nothing, so what depends on the feature is not tested.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::runner {

bool is_feature(std::string_view name);
std::set<std::string> all_features();
std::string features_in_words();  // "api-server, ca-file …"

// The arguments that a spelling makes of a value: words separated by blanks, "{}" stands for the value. "--api-server={}", "uninstall".
std::vector<std::string> spelled(std::string_view spelling, std::string_view value);
// As the reference spells it.
std::string_view reference_spelling(std::string_view feature);

}  // namespace entryproof::runner
