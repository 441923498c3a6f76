#include "simulator/reports/jsonl.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "simulator/base/file.h"
#include "simulator/base/json.h"
#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;  // lines are read by people, too: "kind" comes first

constexpr std::size_t kNameBytes = 1024;
constexpr std::size_t kTextBytes = 8192;         // makers cap at 4096; replaced bytes may grow threefold
constexpr std::uint64_t kMostLines = 1'000'000;  // of a scenario's file
constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxValues = 100'000;  // in a line: about six thousand checks

std::string clean(std::string_view text, std::size_t cap) { return capped(valid_utf8(text), cap); }

std::string line_of(const Ordered& value) { return value.dump(-1, ' ', false, Ordered::error_handler_t::replace) + "\n"; }

Ordered place_json(const std::optional<oracles::Place>& at) {
  if (!at) return nullptr;
  return {{"world", clean(at->world, kNameBytes)}, {"op", at->op}, {"path", clean(at->path, kTextBytes)}, {"seq", at->seq}};
}

Ordered check_json(const runner::CheckRecord& check) {
  Ordered line = {{"check", clean(check.check, kNameBytes)},
                  {"level", oracles::to_string(check.level)},
                  {"profile", oracles::to_string(check.profile)},
                  {"status", oracles::to_string(check.status)},
                  {"expected", clean(check.expected, kTextBytes)},
                  {"actual", clean(check.actual, kTextBytes)},
                  {"at", place_json(check.at)},
                  {"replay", clean(check.replay, kTextBytes)}};
  if (check.line > 0) line["line"] = check.line;
  return line;
}

// --- reading ---

// What went wrong with one key; `read_jsonl` adds file and line.
struct Refused {
  std::string message;
};

// Typed access to an object's keys. Throws Refused, which never leaves this file: thirty values are read per line, and a check after each
// would bury what is being read.
class Object {
 public:
  Object(const Json& value, std::string_view what) : value_(value) {
    if (!value.is_object()) throw Refused{fmt::format("{} must be an object", what)};
  }
  const Json& at(const char* key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) throw Refused{fmt::format("\"{}\" is missing", key)};
    return *found;
  }
  std::string string(const char* key, std::size_t cap = kTextBytes + 64) const {
    const Json& value = at(key);
    if (!value.is_string()) throw Refused{fmt::format("\"{}\" must be a string", key)};
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() > cap) throw Refused{fmt::format("\"{}\" has {} bytes, more than {}", key, text.size(), cap)};
    return text;
  }
  std::uint64_t number(const char* key) const {
    const Json& value = at(key);
    if (!value.is_number_unsigned()) throw Refused{fmt::format("\"{}\" must be a whole number, zero or more", key)};
    return value.get<std::uint64_t>();
  }
  const Json& array(const char* key) const {
    const Json& value = at(key);
    if (!value.is_array()) throw Refused{fmt::format("\"{}\" must be a list", key)};
    return value;
  }
  std::vector<std::string> strings(const char* key) const {
    std::vector<std::string> texts;
    for (const Json& text : array(key)) {
      if (!text.is_string()) throw Refused{fmt::format("\"{}\" must be a list of strings", key)};
      texts.push_back(text.get<std::string>());
    }
    return texts;
  }
  bool has(const char* key) const { return value_.contains(key); }
  // A word of a closed vocabulary, by the function that knows it.
  template <class T>
  T word(const char* key, std::optional<T> (*from)(std::string_view)) const {
    const std::string text = string(key);
    if (const auto value = from(text)) return *value;
    throw Refused{fmt::format("\"{}\": unknown word \"{}\"", key, one_line(text, 64))};
  }

 private:
  const Json& value_;
};

std::optional<runner::Verdict> verdict_from(std::string_view text) {
  for (const auto verdict : {runner::Verdict::kConformant, runner::Verdict::kNotConformant, runner::Verdict::kIncomplete}) {
    if (runner::to_string(verdict) == text) return verdict;
  }
  return std::nullopt;
}

runner::Header header_from(const Object& line) {
  runner::Header header;
  if (line.number("format") != 1)
    throw Refused{fmt::format("format {}, this program reads format 1; use a newer entryproof", line.number("format"))};
  header.tool = line.string("tool");
  header.suite = line.string("suite");
  const std::string seed = line.string("seed");
  const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), header.seed);
  if (error != std::errc{} || end != seed.data() + seed.size()) throw Refused{"\"seed\" must be a decimal number in a string"};
  if (!line.at("shard").is_null()) header.shard = line.string("shard");
  header.world = line.string("world");
  std::set<std::string> names;
  for (const Json& item : line.array("builds")) {
    const Object build(item, "a build");
    header.builds.push_back({build.string("name"), build.string("path"), build.string("sha256")});
    if (!names.insert(header.builds.back().name).second)
      throw Refused{fmt::format("build \"{}\" occurs twice", one_line(header.builds.back().name, 64))};
  }
  return header;
}

runner::CheckRecord check_from(const Object& item) {
  runner::CheckRecord check;
  check.check = item.string("check");
  if (!oracles::is_check_id(check.check)) throw Refused{fmt::format("\"{}\" is no id of a check", one_line(check.check, 64))};
  check.level = item.word("level", oracles::level_from);
  check.profile = item.word("profile", oracles::profile_from);
  check.status = item.word("status", oracles::status_from);
  check.expected = item.string("expected");
  check.actual = item.string("actual");
  check.replay = item.string("replay");
  if (item.has("line")) check.line = static_cast<int>(std::min(item.number("line"), kMostLines));
  if (!item.at("at").is_null()) {
    const Object at(item.at("at"), "\"at\"");
    check.at = oracles::Place{at.string("world"), at.number("op"), at.string("path"), at.number("seq")};
  }
  return check;
}

runner::CaseRecord case_from(const Object& line, const runner::Header& header) {
  runner::CaseRecord record;
  record.scenario = line.string("scenario");
  record.build = line.string("build");
  record.status = line.word("status", oracles::status_from);
  const Json& duration = line.at("duration_ms");
  if (!duration.is_number() || duration.get<double>() < 0) throw Refused{"\"duration_ms\" must be a number, zero or more"};
  record.duration_ms = duration.get<double>();
  if (line.has("file")) record.file = line.string("file");
  for (const Json& item : line.array("checks")) record.checks.push_back(check_from(Object(item, "a check")));
  for (const auto& build : header.builds) {
    if (build.name == record.build) return record;
  }
  throw Refused{fmt::format("build \"{}\" is not in the header", one_line(record.build, 64))};
}

runner::Footer footer_from(const Object& line, std::size_t cases) {
  runner::Footer footer;
  const Object totals(line.at("totals"), "\"totals\"");
  for (const auto& [name, ignored] : line.at("totals").items()) footer.totals[name] = totals.number(name.c_str());
  if (const auto counted = footer.totals.find("cases"); counted != footer.totals.end() && counted->second != cases) {
    throw Refused{fmt::format("the footer counts {} cases, the file has {}: lines are missing or foreign", counted->second, cases)};
  }
  footer.not_tested = line.strings("not_tested");
  if (line.has("stale")) footer.stale = line.strings("stale");
  const Object ignored(line.at("verdicts"), "\"verdicts\"");
  for (const auto& [build, profiles] : line.at("verdicts").items()) {
    const Object of_build(profiles, "a build's verdicts");
    for (const auto& [profile, verdict] : profiles.items()) {
      if (oracles::profile_from(profile)) footer.verdicts[build][profile] = of_build.word(profile.c_str(), verdict_from);
    }
  }
  return footer;
}

// Adds one parsed line to the run.
void take(const Object& line, Run& run, bool& has_header) {
  const std::string kind = line.string("kind");
  if (!has_header && kind != "header") throw Refused{"the first line must be of kind \"header\""};
  if (run.footer) throw Refused{"nothing may follow the footer"};
  if (kind == "header") {
    if (has_header) throw Refused{"a second header: one file holds one run"};
    run.header = header_from(line);
    has_header = true;
  } else if (kind == "case") {
    if (run.cases.size() >= kMaxCases) throw Refused{fmt::format("more than {} cases", kMaxCases)};
    run.cases.push_back(case_from(line, run.header));
  } else if (kind == "footer") {
    run.footer = footer_from(line, run.cases.size());
  }  // kinds that we do not know are a later version's business
}

}  // namespace

std::string jsonl_line(const runner::Header& header) {
  Ordered builds = Ordered::array();
  for (const auto& build : header.builds) {
    builds.push_back(
        {{"name", clean(build.name, kNameBytes)}, {"path", clean(build.path, kTextBytes)}, {"sha256", clean(build.sha256, kNameBytes)}});
  }
  return line_of({{"kind", "header"},
                  {"format", header.format},
                  {"tool", clean(header.tool, kNameBytes)},
                  {"suite", clean(header.suite, kNameBytes)},
                  {"seed", std::to_string(header.seed)},
                  {"shard", header.shard ? Ordered(clean(*header.shard, kNameBytes)) : Ordered(nullptr)},
                  {"world", clean(header.world, kNameBytes)},
                  {"builds", std::move(builds)}});
}

std::string jsonl_line(const runner::CaseRecord& record) {
  Ordered checks = Ordered::array();
  for (const auto& check : record.checks) checks.push_back(check_json(check));
  Ordered line = {{"kind", "case"},
                  {"scenario", clean(record.scenario, kNameBytes)},
                  {"build", clean(record.build, kNameBytes)},
                  {"status", oracles::to_string(record.status)},
                  {"duration_ms", std::isfinite(record.duration_ms) ? std::round(record.duration_ms * 1000) / 1000 : 0.0}};
  if (!record.file.empty()) line["file"] = clean(record.file, kTextBytes);
  line["checks"] = std::move(checks);
  return line_of(line);
}

std::string jsonl_line(const runner::Footer& footer) {
  Ordered verdicts = Ordered::object();
  for (const auto& [build, profiles] : footer.verdicts) {
    Ordered& of_build = verdicts[clean(build, kNameBytes)] = Ordered::object();
    for (const auto profile : {oracles::Profile::kCore, oracles::Profile::kDurable, oracles::Profile::kProduction}) {
      const auto found = profiles.find(std::string(oracles::to_string(profile)));
      if (found != profiles.end()) of_build[found->first] = runner::to_string(found->second);
    }
  }
  Ordered totals = Ordered::object();
  for (const auto& [name, count] : footer.totals) totals[clean(name, kNameBytes)] = count;
  Ordered not_tested = Ordered::array();
  for (const auto& name : footer.not_tested) not_tested.push_back(clean(name, kNameBytes));
  Ordered line = {
      {"kind", "footer"}, {"totals", std::move(totals)}, {"not_tested", std::move(not_tested)}, {"verdicts", std::move(verdicts)}};
  for (const auto& entry : footer.stale) line["stale"].push_back(clean(entry, kTextBytes));
  return line_of(line);
}

Result<Run> read_jsonl(std::string_view text, std::string_view name) {
  Run run;
  bool has_header = false;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const bool torn = end == std::string_view::npos;
    text.remove_prefix(torn ? text.size() : end + 1);
    if (line.empty()) continue;

    const std::string where = fmt::format("{}:{}", name, number);
    if (line.size() > kMaxLineBytes) return fail(ErrorCode::kLimit, fmt::format("the line is longer than {} bytes", kMaxLineBytes), where);
    const auto document = JsonDocument::parse(line, name, {kMaxLineBytes, kMaxDepth, kMaxValues});
    if (!document) {
      if (torn && has_header) break;
      return fail(document.error().code,
                  fmt::format("{}; is this a result of `entryproof run --report jsonl:FILE`?", document.error().message), where);
    }
    try {
      take(Object(document->value(), "a line"), run, has_header);
    } catch (const Refused& refused) {
      return fail(ErrorCode::kInvalidInput, refused.message, where);
    }
  }
  if (!has_header) return fail(ErrorCode::kInvalidInput, "holds no run: the header is missing", std::string(name));
  return run;
}

Result<Run> load_jsonl(const std::string& path) {
  const auto text = read_file(path, kMaxResultBytes);
  if (!text) return std::unexpected(text.error());
  return read_jsonl(*text, path);
}

}  // namespace entryproof::reports
