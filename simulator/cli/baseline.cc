#include "simulator/cli/baseline.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "simulator/base/file.h"
#include "simulator/base/json.h"

namespace entryproof::cli {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;
using oracles::Status;

constexpr JsonLimits kLimits{.bytes = std::size_t{16} << 20U, .depth = 4, .values = 500'000};
const std::set<std::string> kKeys = {"build", "scenario", "check", "reason"};

Result<> check_keys(const JsonDocument& document, const Json& value, const std::string& at, const std::set<std::string>& keys) {
  if (!value.is_object()) return document.refuse(at, "not an object");
  for (const auto& key : keys) {
    if (!value.contains(key)) return document.refuse(at, fmt::format("\"{}\" is missing", key));
  }
  for (const auto& [key, unused] : value.items()) {
    if (!keys.contains(key)) return document.refuse(json_pointer(at, key), "unknown key");
  }
  return {};
}

Result<std::pair<Known, std::string>> read_entry(const JsonDocument& document, const Json& value, const std::string& at) {
  if (auto right = check_keys(document, value, at, kKeys); !right) return std::unexpected(right.error());
  for (const auto& key : kKeys) {
    if (!value[key].is_string()) return document.refuse(json_pointer(at, key), "not a text");
    if (key != "reason" && value[key].get_ref<const std::string&>().empty()) return document.refuse(json_pointer(at, key), "says nothing");
  }
  const Known known{value["build"], value["scenario"], value["check"]};
  if (!oracles::is_check_id(known.check))
    return document.refuse(json_pointer(at, "check"), "no id of a check, like EXIST-01/after-restart");
  return std::pair(known, value["reason"].get<std::string>());
}

}  // namespace

Result<Baseline> Baseline::parse(std::string_view text, std::string_view name) {
  const auto document = JsonDocument::parse(text, name, kLimits);
  if (!document) return std::unexpected(document.error());
  const Json& root = document->value();
  if (auto right = check_keys(*document, root, "", {"baseline", "known"}); !right) return std::unexpected(right.error());
  if (root["baseline"] != 1) return document->refuse("/baseline", "not 1, the only version that this program knows");
  if (!root["known"].is_array()) return document->refuse("/known", "not a list");
  Baseline baseline;
  for (std::size_t i = 0; i < root["known"].size(); ++i) {
    const std::string at = json_pointer("/known", i);
    auto entry = read_entry(*document, root["known"][i], at);
    if (!entry) return std::unexpected(entry.error());
    if (!baseline.entries_.insert(std::move(*entry)).second) return document->refuse(at, "listed twice");
  }
  return baseline;
}

Result<Baseline> Baseline::load(const std::string& path) {
  const auto text = read_file(path, kLimits.bytes);
  if (!text) return std::unexpected(text.error());
  return parse(*text, path);
}

std::string Baseline::text() const {
  Ordered list = Ordered::array();
  for (const auto& [known, reason] : entries_) {
    list.push_back({{"build", known.build}, {"scenario", known.scenario}, {"check", known.check}, {"reason", reason}});
  }
  const Ordered root = {{"baseline", 1}, {"known", std::move(list)}};
  return root.dump(2, ' ', false, Ordered::error_handler_t::replace) + "\n";
}

Result<> Baseline::save(const std::string& path) const {
  const std::string beside = fmt::format("{}.{}.new", path, ::getpid());
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file << text();
  file.close();
  std::error_code error;
  if (!file) {
    std::filesystem::remove(beside, error);
    return fail(ErrorCode::kIo, "write: the baseline cannot be stored there", path);
  }
  std::filesystem::rename(beside, path, error);
  if (!error) return {};
  std::error_code ignored;
  std::filesystem::remove(beside, ignored);
  return fail(ErrorCode::kIo, "rename: " + error.message(), path);
}

std::optional<std::string> Baseline::reason(const Known& known) const {
  const auto found = entries_.find(known);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

std::string Comparison::Stale::text() const { return fmt::format("{} in {} on {}: {}", known.check, known.scenario, known.build, why); }

// `record`: the case that the entry is about, if it was played.
std::optional<std::string> Comparison::why_stale(const Known& known, const runner::CaseRecord* record) const {
  const auto* check = suite_.catalogue.find_check(known.check);
  if (check == nullptr) return "there is no such check";
  if (std::ranges::find(suite_.scenarios, known.scenario, &runner::Scenario::id) == suite_.scenarios.end())
    return "there is no such scenario";
  if (record == nullptr || check->profile > profile_) return std::nullopt;
  const auto undecided = [](const auto& each) { return each.status == Status::kError || each.status == Status::kUnknown; };
  const auto found = std::ranges::find(record->checks, known.check, &runner::CheckRecord::check);
  if (found != record->checks.end()) return found->status == Status::kPass ? std::optional<std::string>("it passes") : std::nullopt;
  // A fact that is charged to another check than the one that was expected leaves no record where it is not found.
  if (undecided(*record) || std::ranges::any_of(record->checks, undecided)) return std::nullopt;
  return "it is not found any more";
}

std::vector<Comparison::Stale> Comparison::stale(const std::vector<runner::CaseRecord>& cases,
                                                 const std::vector<std::string>& builds) const {
  std::map<std::pair<std::string, std::string>, const runner::CaseRecord*> played;
  for (const auto& record : cases) played[{record.build, record.scenario}] = &record;
  std::vector<Stale> all;
  for (const auto& [known, reason] : baseline_.entries()) {
    if (std::ranges::find(builds, known.build) == builds.end()) continue;
    const auto record = played.find({known.build, known.scenario});
    if (auto why = why_stale(known, record == played.end() ? nullptr : record->second)) all.push_back({known, std::move(*why)});
  }
  return all;
}

Baseline Comparison::updated(const std::vector<runner::CaseRecord>& cases, const std::vector<std::string>& builds) const {
  std::set<Known> gone;
  for (auto& each : stale(cases, builds)) gone.insert(std::move(each.known));
  Baseline next;
  for (const auto& [known, reason] : baseline_.entries()) {
    if (!gone.contains(known)) next.add(known, reason);
  }
  for (const auto& record : cases) {
    for (const auto& check : record.checks) {
      if (check.status == Status::kKnown) next.add({record.build, record.scenario, check.check}, "");
    }
  }
  return next;
}

}  // namespace entryproof::cli
