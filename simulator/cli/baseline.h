// Baseline: failures that are known, each with the reason why it is lived with.
//
// A JSON file that people edit and review, kept by whoever keeps a build. It can only shrink unnoticed, never grow: a listed check that
// fails is `known` and decides nothing; one that is not listed decides as ever; and an entry that no failure answers to any more is stale,
// which is a failure of its own. One file may hold several builds; what a run did not play, it says nothing about.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/oracles/check.h"
#include "simulator/runner/record.h"
#include "simulator/runner/suite.h"

namespace entryproof::cli {

// What an entry is about.
struct Known {
  std::string build;
  std::string scenario;  // its id; a row of a table is "path#key"
  std::string check;
  auto operator<=>(const Known&) const = default;
};

class Baseline {
 public:
  // kInvalidInput with file and line for anything that is not exactly such a file; unknown keys are typing mistakes here.
  static Result<Baseline> parse(std::string_view text, std::string_view name);
  static Result<Baseline> load(const std::string& path);

  // The file's text: entries sorted by build, scenario and check, so that a diff shows what changed and nothing else.
  std::string text() const;
  // Replaces the file at once, or leaves it as it was.
  Result<> save(const std::string& path) const;

  void add(Known known, std::string reason) { entries_.emplace(std::move(known), std::move(reason)); }
  const std::map<Known, std::string>& entries() const { return entries_; }
  // The reason, which may be empty; nullopt for what is not listed.
  std::optional<std::string> reason(const Known& known) const;

 private:
  std::map<Known, std::string> entries_;
};

// The cases of a run against the entries of a baseline.
class Comparison {
 public:
  // `profile` is the one that was played: checks above it were not asked for.
  Comparison(const Baseline& baseline, const runner::Suite& suite, oracles::Profile profile)
      : baseline_(baseline), suite_(suite), profile_(profile) {}

  struct Stale {
    Known known;
    std::string why;           // "it passes", "there is no such scenario"
    std::string text() const;  // "CHECK in SCENARIO on BUILD: it passes"
  };
  // The entries about these builds that nothing answers to any more. What could not be decided makes no entry stale.
  std::vector<Stale> stale(const std::vector<runner::CaseRecord>& cases, const std::vector<std::string>& builds) const;
  // The baseline as it has to be after this run: without what is stale, with what is `known` in the cases and not listed yet (its reason
  // still empty). Reasons stay.
  Baseline updated(const std::vector<runner::CaseRecord>& cases, const std::vector<std::string>& builds) const;

 private:
  std::optional<std::string> why_stale(const Known& known, const runner::CaseRecord* record) const;

  const Baseline& baseline_;
  const runner::Suite& suite_;
  oracles::Profile profile_;
};

}  // namespace entryproof::cli
