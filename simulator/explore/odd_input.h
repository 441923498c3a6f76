// OddInput: one configuration input that nobody thought of, and the scenario in which a build meets it.
//
// The scenario's text is the input's one form: it is what is played, what is minimised and what is exported, so that a finding is an
// ordinary scenario from the first run on. What must come of an input is decided here, with the oracles' readers: of one that every client
// would take the right output is demanded, of one that none would take that nothing is published, and of those between only what no input
// excuses (no crash, no self-delegation, no worse kubeconfig than before, no token in an output, and the live checks).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"

namespace entryproof::explore {

enum class OddPart : std::uint8_t { kPrimary, kManual, kToken, kCa, kEnvironment, kFlags };
inline constexpr std::size_t kOddParts = 6;
std::string_view to_string(OddPart);  // "primary", "manual", "token", "ca", "environment", "flags"
std::optional<OddPart> odd_part_from(std::string_view);

struct OddInput {
  OddPart part = OddPart::kPrimary;
  std::string bytes;                               // of the file: primary, manual configuration, token, CA
  bool list = false;                               // primary, manual configuration: .conflist
  bool over = false;                               // primary: beside a configuration that an earlier life left
  std::map<std::string, std::string> environment;  // of the Pod, on top of the usual one
  std::vector<std::string> flags;                  // on top of the usual ones

  friend bool operator==(const OddInput&, const OddInput&) = default;
};

// What every client that reads it makes of it.
enum class OddClass : std::uint8_t { kGood, kBad, kDisputed };
OddClass classify(const OddInput& input);

// The file's text. `why` says what was found, or why it is played. kInvalidInput where no scenario can say it: text of variables and flags
// that is no UTF-8, or has a NUL in it.
Result<std::string> to_scenario(const OddInput& input, std::string_view title, std::string_view why);

}  // namespace entryproof::explore
