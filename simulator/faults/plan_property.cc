#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "simulator/faults/errnos.h"
#include "simulator/faults/plan.h"

namespace entryproof::faults {
namespace {

using namespace std::chrono_literals;

rc::Gen<std::string> pattern() {
  const auto piece = rc::gen::element<std::string>("**/", "*", "?", "a", "kube", "\\*", "\\ ", "\\\\", "/", "=", ".", "é", "#", "then");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
    std::string text = "/";
    for (const auto& each : pieces) text += each;
    return text.substr(0, 500) + (text.size() > 500 ? "x" : "");
  });
}

Rule any_rule() {
  Rule rule;
  rule.operation = *rc::gen::element<std::string>("any", "open", "write", "fsync", "rename", "link", "close", "read", "fsync-directory");
  const bool leads = rule.operation == "rename" || rule.operation == "link" || rule.operation == "any";
  if (leads && *rc::gen::arbitrary<bool>()) rule.to = *pattern();
  if (rule.to.empty() || *rc::gen::arbitrary<bool>()) rule.path = *pattern();
  if (*rc::gen::arbitrary<bool>()) rule.delay = 1us * *rc::gen::inRange(1, 10'000'000);
  const int effect = *rc::gen::inRange(rule.delay > Duration{} ? 0 : 1, rule.operation == "write" ? 5 : 4);
  if (effect == 1) {
    const auto possible = errnos_for(node::Verb::kWrite);
    rule.error = possible[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(possible.size())))];
  }
  if (effect == 2) rule.kill = true;
  if (effect == 3) rule.power_cut = {*rc::gen::element<std::string>("posix", "xfs", "ext4", "btrfs"), {}};
  if (effect == 3) rule.power_cut->omit = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 100));
  if (rule.power_cut) rule.power_cut->omit.resize(std::min<std::size_t>(rule.power_cut->omit.size(), 20));
  if (rule.power_cut && rule.power_cut->omit.empty() && *rc::gen::arbitrary<bool>())
    rule.power_cut->seed = *rc::gen::inRange<std::uint64_t>(1, 1000);
  if (effect == 4) rule.short_write = *rc::gen::inRange<std::uint64_t>(1, 5000);
  if (effect == 4 && *rc::gen::arbitrary<bool>()) rule.then_error = ENOSPC;
  if (effect != 4 && *rc::gen::arbitrary<bool>()) rule.phase = Phase::kAfter;
  const bool repeats = effect != 2 && effect != 3;
  const int when = *rc::gen::inRange(0, repeats ? 3 : 1);
  if (when == 0) rule.nth = *rc::gen::inRange<std::uint64_t>(1, 1000);
  if (when == 1) rule.sticky = true;
  if (when == 2) rule.sequence = *rc::gen::element<std::string>("x", ".x", "xx.", "x.x.x");
  return rule;
}

RC_GTEST_PROP(PlanLanguage, APlanPrintsAsWhatItIsReadFrom, ()) {
  Plan plan;
  const int rules = *rc::gen::inRange(0, 5);
  for (int i = 0; i < rules; ++i) plan.push_back(any_rule());
  const auto from_lines = parse(to_string(plan));
  RC_ASSERT(from_lines.has_value());
  RC_ASSERT(*from_lines == plan);
  const auto from_json = parse(to_json(plan));
  RC_ASSERT(from_json.has_value());
  RC_ASSERT(*from_json == plan);
}

RC_GTEST_PROP(PlanLanguage, NoTextIsMoreThanRefused, ()) {
  const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "write", "any", "**", "/a", "to=/b", "nth=3", "nth=99999999999999999999", "seq=x", "errno=EIO", "short=1", "then", "errno=", "=",
      "kill", "powercut", "model=xfs", "omit=1,,2", "omit=,", "delay=1s", "\\", "[", "{", "\n", "#", "sticky", "before", "\x01", "\xff"));
  std::string text;
  for (const auto& word : words) text += word + (*rc::gen::arbitrary<bool>() ? " " : "");
  const auto plan = parse(text);
  if (plan) {
    RC_ASSERT(*parse(to_string(*plan)) == *plan);
  } else {
    RC_ASSERT(!plan.error().message.empty());
  }
}

// What a pattern means, said as simply as possible.
bool slow_match(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern.starts_with("**/")) {
    if (slow_match(pattern.substr(3), path)) return true;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '/' && slow_match(pattern.substr(3), path.substr(i + 1))) return true;
    }
    return false;
  }
  if (pattern.starts_with("**")) {
    for (std::size_t i = 0; i <= path.size(); ++i) {
      if (slow_match(pattern.substr(2), path.substr(i))) return true;
    }
    return false;
  }
  if (pattern.front() == '*') {
    for (std::size_t i = 0; i <= path.size(); ++i) {
      if (slow_match(pattern.substr(1), path.substr(i))) return true;
      if (i < path.size() && path[i] == '/') break;
    }
    return false;
  }
  if (path.empty()) return false;
  if (pattern.front() == '?') return path.front() != '/' && slow_match(pattern.substr(1), path.substr(1));
  return pattern.front() == path.front() && slow_match(pattern.substr(1), path.substr(1));
}

RC_GTEST_PROP(PlanLanguage, PatternsMeanWhatTheyAreSaidToMean, ()) {
  const auto pieces = *rc::gen::resize(
      6, rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>("**/", "**", "*", "?", "a", "/", "b")));
  const auto letters = *rc::gen::resize(8, rc::gen::container<std::string>(rc::gen::element('a', 'b', '/')));
  std::string text;
  for (const auto& each : pieces) text += each;
  RC_ASSERT(glob_matches(text, letters) == slow_match(text, letters));
}

}  // namespace
}  // namespace entryproof::faults
