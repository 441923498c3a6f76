// Catalogue: clauses and their checks, as scenarios/clauses.json has them.
//
// The one place where a check has a level and a profile. Loading it refuses unknown keys, duplicate ids, ids of the wrong form and checks
// without a sentence.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/oracles/check.h"

namespace entryproof::oracles {

struct Check {
  std::string id;        // "EXIST-01/manual-fresh-node"
  std::string sentence;  // what must hold, one sentence
  Level level = Level::kMust;
  Profile profile = Profile::kCore;
  bool live = false;  // an invariant that holds in every scenario, judged after every operation
  std::vector<Need> needs;
};

struct Clause {
  std::string id;  // "EXIST-01"
  std::string title;
  std::string happened;  // the failure that taught it; may be empty for the upgrade matrix
  std::string text;      // what a build must do
  std::vector<std::string> sources;
  std::string since;
  std::vector<Check> checks;
};

class Catalogue {
 public:
  // Parses the text of clauses.json; `name` is for error messages.
  static Result<Catalogue> parse(std::string_view text, std::string_view name);
  static Result<Catalogue> load(const std::string& path);

  const std::vector<Clause>& clauses() const { return clauses_; }
  const Check* find_check(std::string_view id) const;
  const Clause* find_clause(std::string_view id) const;
  std::vector<const Check*> live_checks() const;
  // SHA-256 of the parsed text: part of the suite's digest.
  const std::string& digest() const { return digest_; }

 private:
  std::vector<Clause> clauses_;
  std::map<std::string, std::pair<std::size_t, std::size_t>, std::less<>> checks_;
  std::string digest_;
};

}  // namespace entryproof::oracles
