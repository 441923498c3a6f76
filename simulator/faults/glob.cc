// Patterns over paths, matched in one pass whatever they hold: rules come from anybody.
#include <vector>

#include "simulator/faults/plan.h"

namespace entryproof::faults {

namespace {

struct Part {
  enum class Kind : std::uint8_t { kLetter, kOne, kStar, kDeepStar, kFolders } kind = Kind::kLetter;
  char letter = 0;
};

std::vector<Part> parts_of(std::string_view pattern) {
  using Kind = Part::Kind;
  std::vector<Part> parts;
  while (!pattern.empty()) {
    if (pattern.starts_with("**/")) {
      parts.push_back({Kind::kFolders, 0});
      pattern.remove_prefix(3);
    } else if (pattern.starts_with("**")) {
      parts.push_back({Kind::kDeepStar, 0});
      pattern.remove_prefix(2);
    } else {
      const bool escaped = pattern.front() == '\\' && pattern.size() > 1;
      if (escaped) pattern.remove_prefix(1);
      const char letter = pattern.front();
      const Kind kind = escaped ? Kind::kLetter : letter == '*' ? Kind::kStar : letter == '?' ? Kind::kOne : Kind::kLetter;
      parts.push_back({kind, letter});
      pattern.remove_prefix(1);
    }
  }
  return parts;
}

bool may_be_nothing(Part::Kind kind) { return kind != Part::Kind::kLetter && kind != Part::Kind::kOne; }

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
  using Kind = Part::Kind;
  if (pattern == "**") return true;
  const auto parts = parts_of(pattern);
  // at[i]: what was read so far may end before part i.
  std::vector<bool> at(parts.size() + 1);
  std::vector<bool> next(parts.size() + 1);
  const auto reach = [&parts](std::vector<bool>& set, std::size_t i) {
    set[i] = true;
    while (i < parts.size() && may_be_nothing(parts[i].kind)) set[++i] = true;
  };
  reach(at, 0);
  for (const char letter : path) {
    next.assign(next.size(), false);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!at[i]) continue;
      const Kind kind = parts[i].kind;
      const bool slash = letter == '/';
      if (kind == Kind::kLetter ? letter == parts[i].letter : kind == Kind::kFolders ? slash : kind == Kind::kOne && !slash)
        reach(next, i + 1);
      // What goes on: a step past it was possible before it took anything, so it is possible now.
      if (kind == Kind::kDeepStar || (kind == Kind::kStar && !slash)) reach(next, i);
      if (kind == Kind::kFolders) next[i] = true;  // but it ends only behind a "/"
    }
    at.swap(next);
  }
  return at[parts.size()];
}

}  // namespace entryproof::faults
