#include "simulator/runner/record.h"

#include <algorithm>
#include <array>
#include <set>

#include "simulator/runner/engine.h"

namespace entryproof::runner {

namespace {

using oracles::Level;
using oracles::Profile;
using oracles::Status;

constexpr std::array kProfiles = {Profile::kCore, Profile::kDurable, Profile::kProduction};

// What one check says about a profile it belongs to.
Verdict weigh(const CheckRecord& check, bool strict) {
  const bool must = check.level == Level::kMust;
  switch (check.status) {
    case Status::kFail:
      return must ? Verdict::kNotConformant : Verdict::kConformant;
    case Status::kWarn:
      return strict && check.level == Level::kShould ? Verdict::kNotConformant : Verdict::kConformant;
    case Status::kUnknown:
      return Verdict::kIncomplete;
    case Status::kError:
      return Verdict::kIncomplete;
    default:
      return Verdict::kConformant;
  }
}

// A failed MUST outweighs whatever could not be decided.
Verdict worse(Verdict a, Verdict b) {
  if (a == Verdict::kNotConformant || b == Verdict::kNotConformant) return Verdict::kNotConformant;
  return a == Verdict::kIncomplete || b == Verdict::kIncomplete ? Verdict::kIncomplete : Verdict::kConformant;
}

// A profile that nothing was judged for has no verdict, whatever the ones below it say: silence is not conformance.
std::map<std::string, Verdict> verdicts_of(const std::vector<CaseRecord>& cases, const std::string& build, bool strict) {
  std::map<std::string, Verdict> verdicts;
  Verdict verdict = Verdict::kConformant;
  for (const Profile profile : kProfiles) {
    bool judged = false;
    for (const auto& record : cases) {
      if (record.build != build) continue;
      for (const auto& check : record.checks) {
        if (check.profile != profile) continue;
        verdict = worse(verdict, weigh(check, strict));
        judged = judged || check.status != Status::kNotTested;
      }
    }
    verdicts[std::string(to_string(profile))] = judged ? verdict : worse(verdict, Verdict::kIncomplete);
  }
  return verdicts;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kConformant:
      return "conformant";
    case Verdict::kNotConformant:
      return "not-conformant";
    case Verdict::kIncomplete:
      break;
  }
  return "incomplete";
}

Footer conclude(const std::vector<CaseRecord>& cases, const std::vector<std::string>& builds, bool strict) {
  Footer footer;
  footer.totals["cases"] = cases.size();
  std::uint64_t& checks = footer.totals["checks"];
  std::set<std::string> not_tested;
  for (const auto& record : cases) {
    for (const auto& check : record.checks) {
      ++checks;
      ++footer.totals[std::string(to_string(check.status))];
      if (check.status == Status::kNotTested) not_tested.insert(check.check);
    }
  }
  footer.not_tested.assign(not_tested.begin(), not_tested.end());
  for (const auto& build : builds) footer.verdicts[build] = verdicts_of(cases, build, strict);
  return footer;
}

Status worst_status(const CaseRecord& record) {
  Status worst = record.checks.empty() ? record.status : Status::kPass;
  for (const auto& check : record.checks) {
    if (oracles::severity(check.status) > oracles::severity(worst)) worst = check.status;
  }
  return worst;
}

int exit_code(const Footer& footer, Profile profile) {
  Verdict verdict = footer.verdicts.empty() ? Verdict::kIncomplete : Verdict::kConformant;
  for (const auto& [build, verdicts] : footer.verdicts) {
    const auto found = verdicts.find(std::string(to_string(profile)));
    verdict = worse(verdict, found == verdicts.end() ? Verdict::kIncomplete : found->second);
  }
  if (!footer.stale.empty()) verdict = worse(verdict, Verdict::kNotConformant);
  switch (verdict) {
    case Verdict::kConformant:
      return 0;
    case Verdict::kNotConformant:
      return 1;
    case Verdict::kIncomplete:
      break;
  }
  return 2;
}

}  // namespace entryproof::runner
