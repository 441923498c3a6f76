// Plan: which system calls fail, and how. The rule language of faults, as values.
//
// A plan is a list of rules, written one per line or as JSON. A rule names an operation, a pattern for the path (as the host sees it),
// which of the matching operations is meant, and what happens to it:
//
//   write   **/multus.kubeconfig*   nth=1   short=512 then errno=ENOSPC
//   fsync   **/multus.kubeconfig*   nth=1   errno=EIO sticky
//   rename  to=**/00-*.conf*        nth=2   before kill
//   any     **                      nth=37  after powercut model=xfs omit=14,15
//   read    **/token                nth=1   delay=250ms
//   mkdir   **                      seq=xx. errno=EROFS
//
// Occurrences, not probabilities: only operations of the build under test are counted, over all its starts, from the moment the plan is
// set. What is parsed prints as itself: parse(to_string(plan)) gives the same plan. docs/faults.md says it for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/result.h"
#include "simulator/node/journal.h"

namespace entryproof::faults {

// Power goes away: what the model allows to be lost is lost.
struct PowerCut {
  std::string model;                       // "posix", "xfs", "ext4", "btrfs"
  std::vector<std::uint64_t> omit = {};    // numbers of operations that do not survive …
  std::optional<std::uint64_t> seed = {};  // … or which of the model's states comes, drawn by this number; neither: the model's worst
  friend bool operator==(const PowerCut&, const PowerCut&) = default;
};

enum class Phase : std::uint8_t {
  kBefore,  // the operation is not applied
  kAfter,   // it is applied, and what the caller hears comes then
};

struct Rule {
  // A verb of the journal ("write", "fsync", "close" …), or a set: "any" (what the operation counter counts: all that change the node, and
  // the barriers) and "open" (open(2) in all its forms: of what is there, truncating, creating).
  std::string operation = "any";
  std::string path;  // a pattern; empty: not asked. Of rename and link the old path or the new one may match
  std::string to;    // a pattern for the new path of rename and link; `path` means the old one then
  std::uint64_t nth = 1;
  std::string sequence;  // instead of nth: 'x' hits, '.' passes, one letter per matching operation; passes at the end
  // From the hit on, until the plan is cleared, every operation of the same kind that matches is hit: for "any", of the verb first hit.
  bool sticky = false;
  Phase phase = Phase::kBefore;
  Duration delay{};  // the operation takes so much longer; with any effect, or alone

  // At most one of these.
  int error = 0;                             // the caller gets this errno
  std::optional<std::uint64_t> short_write;  // no more than so many bytes are written …
  int then_error = 0;                        // … and the next write to the same file gets this errno; 0: it is written
  bool kill = false;                         // SIGKILL to the container
  std::optional<PowerCut> power_cut;

  friend bool operator==(const Rule&, const Rule&) = default;
};

inline constexpr std::size_t kMostRules = 64;
inline constexpr std::size_t kMostRuleBytes = 1024;

using Plan = std::vector<Rule>;

// Lines of rules; empty ones and those that begin with "#" are skipped. A text whose first character is "[" or "{" is JSON: a list of rules
// or one, each an object (or a string, which is read as a line). `name` stands in errors: "name:line:column: …".
Result<Plan> parse(std::string_view text, std::string_view name = "fault plan");
Result<Rule> parse_rule(std::string_view line, std::string_view name = "fault rule");
// A moment: a rule that makes nothing fail, "rename to=**/00-*.conf* nth=2 after". What happens then others say.
Result<Rule> parse_moment(std::string_view line, std::string_view name = "moment");

std::string to_string(const Rule& rule);
std::string to_string(const Plan& plan);  // one rule per line
std::string to_json(const Plan& plan);    // the same as a JSON list of objects

// "Operation number K of the run fails": the K-th that counts (or, of a verb that does not count, the K-th of that verb) fails once, or
// from then on with all of its kind.
Rule fail_operation(std::uint64_t index, int error, bool sticky);
// The moment of the N-th operation that counts, and that behind the next read of a file below a directory.
Rule nth_operation(std::uint64_t index);
Rule behind_read_below(std::string_view directory);
Rule fail_nth(node::Verb verb, std::uint64_t nth, int error, bool sticky);

// Whether the rule's operation and patterns fit; how often is the engine's business.
bool matches(const Rule& rule, const node::Operation& operation);
// Whether an operation of this verb could fit.
bool concerns(const Rule& rule, node::Verb verb);

// Shell patterns over absolute paths: "*" and "?" stop at "/", "**" does not, "**/" may be nothing, "\" takes the next character as it is.
bool glob_matches(std::string_view pattern, std::string_view path);

}  // namespace entryproof::faults
