// Suite: the catalogue, the scenarios and the fixtures, loaded and linted; and the selection of what to play.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/oracles/catalogue.h"
#include "simulator/runner/scenario.h"

namespace entryproof::runner {

// A named primary configuration of ours: where it lies on a node, and its bytes. On disk it is the one file of DIRECTORY/fixtures/NAME/.
struct Fixture {
  std::string name;      // "flannel"
  std::string filename;  // "10-flannel.conflist"
  std::string bytes;
};

struct Suite {
  oracles::Catalogue catalogue;
  std::vector<Scenario> scenarios;  // sorted by id, vary rows expanded
  std::map<std::string, Fixture> fixtures;
  std::string digest;  // SHA-256 over catalogue, fixtures and scenarios: the header's "suite"

  // Loads DIRECTORY/clauses.json, DIRECTORY/fixtures/*, every scenario below DIRECTORY, and the scenario files of `more` that do not lie
  // there: a file that somebody names on a command line. The first problem, of form or of lint, ends it.
  static Result<Suite> load(const std::string& directory, const std::vector<std::string>& more = {});
};

struct Selection {
  // Ids ("manual/fresh-node" means its rows, too), globs of ids ("manual/*"; a "*" spans "/"), or files that the suite has loaded.
  std::vector<std::string> patterns{};
  std::string filter{};  // ECMAScript regular expressions over ids; empty = none
  std::string skip{};
  std::vector<std::string> tags{};
  std::vector<std::string> clauses{};  // clause ids ("EXIST-01") or check ids
  // Scenarios whose checks all lie above it are left out, unless a pattern without a wildcard, a file or a clause names them.
  oracles::Profile profile = oracles::Profile::kCore;
};

// The scenarios of the suite that the selection means, in order. A pattern, tag or clause that matches nothing is an error, and so is an
// empty result: silence is no verdict.
Result<std::vector<const Scenario*>> select(const Suite& suite, const Selection& selection);

}  // namespace entryproof::runner
