#include "simulator/reports/merge.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "simulator/reports/text.h"
#include "simulator/runner/engine.h"

namespace entryproof::reports {
namespace {

struct Shard {
  unsigned index = 0;
  unsigned count = 1;
};

std::optional<Shard> shard_from(const std::optional<std::string>& text) {
  if (!text) return Shard{};
  Shard shard;
  const char* end = text->data() + text->size();
  const auto index = std::from_chars(text->data(), end, shard.index);
  if (index.ec != std::errc{} || index.ptr == end || *index.ptr != '/') return std::nullopt;
  const auto count = std::from_chars(index.ptr + 1, end, shard.count);
  if (count.ec != std::errc{} || count.ptr != end || shard.index >= shard.count) return std::nullopt;
  return shard;
}

std::string builds_text(const runner::Header& header) {
  std::string text;
  for (const auto& build : header.builds) text += (text.empty() ? "" : ", ") + one_line(build.name, 64);
  return text;
}

std::string identity(const runner::Header& header) {
  std::string key;
  for (const auto& build : header.builds) key += build.name + '\0' + build.sha256 + '\0';
  return key;
}

// What stands in the way of putting `other` beside `first`.
std::optional<std::string> difference(const runner::Header& first, const runner::Header& other) {
  if (first.suite != other.suite) return "another suite (catalogue or scenarios changed between the runs)";
  if (first.world != other.world) return fmt::format("another world ({} and {})", one_line(first.world, 32), one_line(other.world, 32));
  if (first.seed != other.seed) return fmt::format("another seed ({} and {})", first.seed, other.seed);
  return std::nullopt;
}

// Whether the shards of one set of builds are all there, once each.
Result<> check_shards(const std::vector<const NamedRun*>& runs) {
  std::map<unsigned, const NamedRun*> seen;
  std::optional<unsigned> count;
  for (const NamedRun* named : runs) {
    const auto shard = shard_from(named->run.header.shard);
    if (!shard) return fail(ErrorCode::kInvalidInput, "\"shard\" must be null or I/N with I below N", named->name);
    if (count && *count != shard->count)
      return fail(ErrorCode::kInvalidInput, fmt::format("is one of {} shards, others of {}", shard->count, *count), named->name);
    count = shard->count;
    const auto [other, fresh] = seen.emplace(shard->index, named);
    if (!fresh) return fail(ErrorCode::kInvalidInput, fmt::format("holds the same part as {}", other->second->name), named->name);
  }
  if (count && seen.size() < *count) {
    unsigned missing = 0;
    while (seen.contains(missing)) ++missing;
    return fail(ErrorCode::kInvalidInput,
                fmt::format("shard {}/{} of {} is missing", missing, *count, builds_text(runs.front()->run.header)));
  }
  return {};
}

Result<> check_fit(const std::vector<NamedRun>& runs) {
  std::map<std::string, std::vector<const NamedRun*>> sets;
  for (const auto& named : runs) {
    if (const auto other = difference(runs.front().run.header, named.run.header)) {
      return fail(ErrorCode::kInvalidInput, fmt::format("cannot be merged with {}: {}", runs.front().name, *other), named.name);
    }
    if (runs.size() > 1 && !named.run.footer) return fail(ErrorCode::kInvalidInput, "no footer: the run did not end", named.name);
    sets[identity(named.run.header)].push_back(&named);
  }
  std::set<std::string> names;
  for (const auto& [key, set] : sets) {
    for (const auto& build : set.front()->run.header.builds) {
      if (!names.insert(build.name).second) {
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("two builds are called {}; name them apart with --build NAME=PATH", one_line(build.name, 64)),
                    set.front()->name);
      }
    }
    if (auto complete = check_shards(set); !complete) return complete;
  }
  return {};
}

Run united(std::vector<NamedRun> runs) {
  Run whole;
  whole.header = runs.front().run.header;
  whole.header.shard.reset();
  whole.header.builds.clear();
  std::map<std::string, std::size_t> order;
  for (auto& named : runs) {
    for (const auto& build : named.run.header.builds) {
      if (order.emplace(build.name, order.size()).second) whole.header.builds.push_back(build);
    }
    std::ranges::move(named.run.cases, std::back_inserter(whole.cases));
  }
  std::ranges::sort(whole.cases, {}, [&](const runner::CaseRecord& record) { return std::pair(record.scenario, order[record.build]); });
  return whole;
}

}  // namespace

Result<Run> merge(std::vector<NamedRun> runs, bool strict) {
  if (runs.empty()) return fail(ErrorCode::kUsage, "no run to report");
  if (auto fits = check_fit(runs); !fits) return std::unexpected(fits.error());
  const bool ended = runs.front().run.footer.has_value();
  std::set<std::string> stale;  // every shard names what has vanished from the suite
  for (const auto& named : runs) {
    if (named.run.footer) stale.insert(named.run.footer->stale.begin(), named.run.footer->stale.end());
  }
  Run whole = united(std::move(runs));
  for (std::size_t i = 1; i < whole.cases.size(); ++i) {
    const auto& a = whole.cases[i - 1];
    const auto& b = whole.cases[i];
    if (a.scenario == b.scenario && a.build == b.build) {
      return fail(ErrorCode::kInvalidInput, fmt::format("{} on {} occurs twice", one_line(a.scenario, 256), one_line(a.build, 64)));
    }
  }
  std::vector<std::string> builds;
  for (const auto& build : whole.header.builds) builds.push_back(build.name);
  whole.footer = runner::conclude(whole.cases, builds, strict);
  whole.footer->stale.assign(stale.begin(), stale.end());
  if (!ended) {
    for (auto& [build, profiles] : whole.footer->verdicts) {
      for (auto& [profile, verdict] : profiles) verdict = runner::Verdict::kIncomplete;
    }
  }
  return whole;
}

}  // namespace entryproof::reports
