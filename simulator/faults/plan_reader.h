// RuleReader: puts a rule together from words, wherever they come from. Private to the plan's two forms, lines and JSON.
#pragma once

#include <expected>
#include <set>
#include <string>
#include <string_view>

#include "simulator/faults/plan.h"

namespace entryproof::faults {

class RuleReader {
 public:
  enum class Kind : std::uint8_t { kFault, kMoment };  // a moment makes nothing fail

  // Each gives what is wrong, in words; nothing if all is well. `key` is what stands before "=", or the word itself.
  std::string operation(std::string_view name);
  std::string path(std::string_view pattern) { return set_pattern(pattern, rule_.path); }
  std::string word(std::string_view key, std::string_view value);
  // What only the whole can tell.
  std::expected<Rule, std::string> finish(Kind kind = Kind::kFault);

 private:
  static std::string set_pattern(std::string_view pattern, std::string& where);
  static std::string set_errno(std::string_view name, int& where);
  std::string set_flag(std::string_view key, std::string_view value);
  std::string set_sequence(std::string_view value);
  std::string set_omit(std::string_view value);

  Rule rule_;
  PowerCut cut_;
  std::set<std::string, std::less<>> given_;
};

inline constexpr Duration kLongestDelay = std::chrono::seconds(10);

// "250ms": the shortest form of it.
std::string duration_text(Duration duration);

}  // namespace entryproof::faults
