#include "simulator/faults/plan_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "simulator/faults/errnos.h"

namespace entryproof::faults {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostPattern = 512;
constexpr std::size_t kMostSequence = 256;
constexpr std::size_t kMostOmitted = 64;
constexpr std::uint64_t kMostCount = 1'000'000'000;
constexpr std::array<std::pair<std::string_view, Duration>, 3> kUnits{{{"ms", 1ms}, {"us", 1us}, {"s", 1s}}};

std::optional<std::uint64_t> number_from(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > kMostCount) return std::nullopt;
  return number;
}

std::optional<Duration> duration_from(std::string_view text) {
  for (const auto& [unit, length] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const auto number = number_from(text.substr(0, text.size() - unit.size()));
    if (!number || *number > static_cast<std::uint64_t>(kLongestDelay / length)) return std::nullopt;
    return length * static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

std::string known_operations() {
  std::string names = "any, open";
  for (int verb = 0; verb < static_cast<int>(node::Verb::kMark); ++verb) {
    if (static_cast<node::Verb>(verb) == node::Verb::kOpen) continue;
    names += ", " + std::string(node::to_string(static_cast<node::Verb>(verb)));
  }
  return names;
}

bool is_operation(std::string_view name) {
  if (name == "any") return true;
  for (int verb = 0; verb < static_cast<int>(node::Verb::kMark); ++verb) {
    if (node::to_string(static_cast<node::Verb>(verb)) == name) return true;
  }
  return false;
}

}  // namespace

std::string duration_text(Duration duration) {
  if (duration % 1s == 0s) return std::to_string(duration / 1s) + "s";
  return duration % 1ms == 0ms ? std::to_string(duration / 1ms) + "ms" : std::to_string(duration / 1us) + "us";
}

std::string RuleReader::operation(std::string_view name) {
  if (!is_operation(name)) return "there is no such operation; there are: " + known_operations();
  rule_.operation = name;
  given_.insert("operation");
  return {};
}

std::string RuleReader::set_pattern(std::string_view pattern, std::string& where) {
  if (!where.empty()) return "a second pattern; one rule has one path, and to= for where a rename or link leads";
  if (!pattern.starts_with('/') && !pattern.starts_with('*')) return "a pattern of paths begins with \"/\" or \"**\"";
  if (pattern.size() > kMostPattern) return "a pattern of more than " + std::to_string(kMostPattern) + " bytes";
  bool escaped = false;
  for (const char letter : pattern) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) return "no control characters in a pattern";
    if (letter == ' ' && !escaped) where += '\\';
    escaped = letter == '\\' && !escaped;
    where += letter;
  }
  return escaped ? "a pattern that ends in \"\\\": write \"\\\\\" for the character itself" : "";
}

std::string RuleReader::set_errno(std::string_view name, int& where) {
  const auto error = errno_from(name);
  if (!error) return "the name of an error number is wanted: ENOSPC, EIO, EROFS …";
  if (name == "ENOSYS") return "ENOSYS would turn the operation off for good: the kernel would not ask again; EOPNOTSUPP may be meant";
  where = *error;
  return {};
}

std::string RuleReader::set_flag(std::string_view key, std::string_view value) {
  if (!value.empty()) return "no value is wanted here";
  if (key == "sticky") rule_.sticky = true;
  if (key == "kill") rule_.kill = true;
  if (key == "powercut") rule_.power_cut.emplace();
  if (key == "after") rule_.phase = Phase::kAfter;
  if (key == "after" || key == "before") return given_.insert("phase").second ? "" : "both \"before\" and \"after\"";
  return {};
}

std::string RuleReader::set_sequence(std::string_view value) {
  if (value.empty() || value.size() > kMostSequence || value.find_first_not_of("x.") != std::string_view::npos ||
      value.find('x') == std::string_view::npos) {
    return "a sequence of \"x\" (fails) and \".\" (passes) with at least one \"x\" is wanted, " + std::to_string(kMostSequence) +
           " at most";
  }
  rule_.sequence = value;
  return {};
}

std::string RuleReader::set_omit(std::string_view value) {
  while (cut_.omit.size() < kMostOmitted) {
    const auto comma = std::min(value.find(','), value.size());
    const auto number = number_from(value.substr(0, comma));
    if (!number || *number == 0) break;
    cut_.omit.push_back(*number);
    if (comma == value.size()) return {};
    value.remove_prefix(comma + 1);
  }
  return "numbers of operations, from 1, with commas between them are wanted, " + std::to_string(kMostOmitted) + " at most";
}

std::string RuleReader::word(std::string_view key, std::string_view value) {
  constexpr std::array<std::string_view, 5> kFlags = {"sticky", "kill", "powercut", "before", "after"};
  if (!given_.insert(std::string(key)).second) return "\"" + std::string(key) + "\" for the second time";
  if (std::ranges::find(kFlags, key) != kFlags.end()) return set_flag(key, value);
  if (key == "to") return set_pattern(value, rule_.to);
  if (key == "seq") return set_sequence(value);
  if (key == "errno") return set_errno(value, rule_.error);
  if (key == "then") return set_errno(value, rule_.then_error);
  if (key == "omit") return set_omit(value);
  if (key == "model") {
    constexpr std::array<std::string_view, 4> kModels = {"posix", "xfs", "ext4", "btrfs"};
    cut_.model = value;
    return std::ranges::find(kModels, value) != kModels.end() ? "" : "one of posix, xfs, ext4, btrfs is wanted";
  }
  if (key == "delay") {
    const auto delay = duration_from(value);
    if (!delay || *delay <= 0s) return "a time with its unit is wanted, \"50us\", \"250ms\", \"2s\", 10s at most";
    rule_.delay = *delay;
    return {};
  }
  if (key == "nth" || key == "short" || key == "seed") {
    const auto number = number_from(value);
    if (!number || *number == 0) return "a whole number from 1 is wanted";
    if (key == "nth") rule_.nth = *number;
    if (key == "short") rule_.short_write = *number;
    if (key == "seed") cut_.seed = *number;
    return {};
  }
  return "unknown word; there are: to= nth= seq= errno= short= (then errno=) delay= sticky before after kill powercut (model= omit= seed=)";
}

std::expected<Rule, std::string> RuleReader::finish(Kind kind) {
  const auto wrong = [](const char* why) { return std::unexpected(std::string(why)); };
  const bool leads_somewhere = rule_.operation == "rename" || rule_.operation == "link" || rule_.operation == "any";
  if (!given_.contains("operation")) return wrong("no operation is named; \"any\" is all that change the node, and the syncs");
  if (rule_.path.empty() && rule_.to.empty()) return wrong("no path is named; \"**\" is every path");
  if (!rule_.to.empty() && !leads_somewhere) return wrong("only rename and link lead somewhere (to=)");
  if (given_.contains("nth") && given_.contains("seq")) return wrong("either nth= or seq= says which operation is meant");
  const int effects = (rule_.error != 0 ? 1 : 0) + (rule_.short_write ? 1 : 0) + (rule_.kill ? 1 : 0) + (rule_.power_cut ? 1 : 0);
  if (kind == Kind::kMoment) {
    if (effects != 0 || rule_.then_error != 0 || rule_.delay != 0s || rule_.sticky || !rule_.sequence.empty() || !cut_.model.empty())
      return wrong("a moment is an operation, a path, nth= and before or after; nothing fails then");
    return std::move(rule_);
  }
  if (effects == 0 && rule_.delay == 0s) return wrong("nothing happens: errno=, short=, delay=, kill or powercut is wanted");
  if (effects > 1) return wrong("one of errno=, short=, kill and powercut is wanted; another rule may say the other");
  if (rule_.then_error != 0 && !rule_.short_write) return wrong("\"then\" is what comes after short=");
  if (rule_.short_write && rule_.operation != "write") return wrong("only a write can be short");
  if (rule_.short_write && rule_.phase == Phase::kAfter) return wrong("a write that was applied cannot be cut short");
  if (rule_.power_cut.has_value() != !cut_.model.empty()) return wrong("powercut and model= belong together");
  if ((!cut_.omit.empty() || cut_.seed) && !rule_.power_cut) return wrong("omit= and seed= belong to powercut");
  if (!cut_.omit.empty() && cut_.seed) return wrong("either omit= says what is lost, or seed= draws it");
  if (rule_.sticky && !rule_.sequence.empty()) return wrong("a sequence says when it is over; sticky says never");
  if ((rule_.sticky || !rule_.sequence.empty()) && (rule_.kill || rule_.power_cut)) return wrong("one dies but once: nth= is wanted");
  if (rule_.power_cut) rule_.power_cut = cut_;
  return std::move(rule_);
}

}  // namespace entryproof::faults
