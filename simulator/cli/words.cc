#include "simulator/cli/words.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <optional>

#include "simulator/base/digest.h"

namespace entryproof::cli {
namespace {

constexpr Duration kMostTime = std::chrono::hours(24);
constexpr unsigned kMostShards = 1000;

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array kUnits = {Unit{"ms", std::chrono::milliseconds(1)}, Unit{"s", std::chrono::seconds(1)},
                               Unit{"m", std::chrono::minutes(1)}, Unit{"h", std::chrono::hours(1)}};

// The number at the front, and what follows it.
template <class Number>
std::optional<Number> take_number(std::string_view& text, int base = 10) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number<std::uint64_t>(rest);
  for (const auto& unit : kUnits) {
    if (!number || rest != unit.name) continue;
    const auto most = static_cast<std::uint64_t>(kMostTime / unit.length);
    if (*number == 0 || *number > most)
      return fail(ErrorCode::kUsage, fmt::format("\"{}\" must be more than nothing and at most 24h", text));
    return unit.length * static_cast<std::int64_t>(*number);
  }
  return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no duration; write 500ms, 30s, 2m or 1h", text));
}

std::string Shard::text() const { return fmt::format("{}/{}", index, count); }

bool Shard::holds(std::string_view scenario) const {
  const std::string digest = sha256_hex(scenario);
  std::string_view front = std::string_view(digest).substr(0, 16);
  return take_number<std::uint64_t>(front, 16).value_or(0) % count == index;
}

Result<Shard> parse_shard(std::string_view text) {
  std::string_view rest = text;
  const bool assigned = !rest.starts_with('/');
  const auto index = assigned ? take_number<unsigned>(rest) : std::optional(0U);
  if (index && rest.starts_with('/')) {
    rest.remove_prefix(1);
    const auto count = take_number<unsigned>(rest);
    if (count && rest.empty() && *index < *count && *count <= kMostShards) return Shard{*index, *count, assigned};
  }
  return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no shard; write I/N, zero-based: 0/4 is the first of four, 3/4 the last", text));
}

Result<Shard> assign_index(Shard shard, const std::function<std::string(const char*)>& variable) {
  if (shard.assigned) return shard;
  for (const auto& [name, first_name] : {std::pair("JOB_COMPLETION_INDEX", ""), std::pair("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN")}) {
    const std::string value = variable(name);
    if (value.empty()) continue;
    std::string_view rest = value;
    const auto index = take_number<unsigned>(rest);
    const std::string least = *first_name == '\0' ? "" : variable(first_name);
    std::string_view least_rest = least;
    const unsigned first = least.empty() ? 0 : take_number<unsigned>(least_rest).value_or(0);
    if (!index || !rest.empty() || *index < first || *index - first >= shard.count)
      return fail(ErrorCode::kUsage, fmt::format("{}={} is none of {} shards", name, value, shard.count));
    return Shard{*index - first, shard.count};
  }
  return fail(ErrorCode::kUsage,
              fmt::format("--shard /{0}: neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID says which; write I/{0}", shard.count));
}

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

Result<std::vector<std::string>> shell_words(std::string_view line) {
  constexpr std::string_view kActive = "\"$`\\&|;<>()*?[]{}~#!\n";
  std::vector<std::string> words;
  std::optional<std::string> word;
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted) {
      if (c == '\'') {
        quoted = false;
      } else {
        *word += c;
      }
    } else if (c == ' ') {
      if (word) words.push_back(std::move(*word));
      word.reset();
    } else {
      if (!word) word.emplace();
      if (c == '\'') {
        quoted = true;
      } else if (line.substr(at, 2) == "\\'") {
        *word += line[++at];
      } else if (kActive.contains(c)) {
        return fail(ErrorCode::kInvalidInput, fmt::format("an unquoted '{}'", c));
      } else {
        *word += c;
      }
    }
  }
  if (quoted) return fail(ErrorCode::kInvalidInput, "a quote without an end");
  if (word) words.push_back(std::move(*word));
  return words;
}

}  // namespace entryproof::cli
