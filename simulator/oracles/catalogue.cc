#include "simulator/oracles/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

#include "simulator/base/digest.h"
#include "simulator/base/file.h"
#include "simulator/base/json.h"

namespace entryproof::oracles {
namespace {

using nlohmann::json;

// Reads clauses out of a parsed document; the first problem ends it.
class Reader {
 public:
  explicit Reader(const JsonDocument& document) : document_(document) {}

  Result<std::vector<Clause>> read() {
    const json& root = document_.value();
    if (auto ok = keys(root, "", {"clauses"}, {"$schema"}); !ok) return std::unexpected(ok.error());
    const json& list = root["clauses"];
    if (!list.is_array() || list.empty()) return document_.refuse("/clauses", "not a list of clauses");
    std::vector<Clause> clauses;
    for (std::size_t i = 0; i < list.size(); ++i) {
      Result<Clause> clause = read_clause(list[i], json_pointer("/clauses", i));
      if (!clause) return std::unexpected(clause.error());
      clauses.push_back(std::move(*clause));
    }
    return clauses;
  }

 private:
  Result<> keys(const json& value, const std::string& at, std::initializer_list<std::string_view> needed,
                std::initializer_list<std::string_view> allowed) {
    if (!value.is_object()) return document_.refuse(at, "not an object");
    for (const std::string_view key : needed) {
      if (!value.contains(key)) return document_.refuse(at, fmt::format("\"{}\" is missing", key));
    }
    for (const auto& [key, unused] : value.items()) {
      if (std::ranges::find(needed, key) == needed.end() && std::ranges::find(allowed, key) == allowed.end()) {
        return document_.refuse(json_pointer(at, key), "unknown key");
      }
    }
    return {};
  }

  // A text; needed ones must say something.
  Result<std::string> text(const json& value, const std::string& at, const char* key, bool needed = true) {
    if (!value.contains(key)) return std::string();
    if (!value[key].is_string()) return document_.refuse(json_pointer(at, key), "not a text");
    auto found = value[key].get<std::string>();
    if (needed && found.empty()) return document_.refuse(json_pointer(at, key), "says nothing");
    return found;
  }

  Result<std::vector<std::string>> texts(const json& value, const std::string& at, const char* key) {
    std::vector<std::string> found;
    if (!value.contains(key)) return found;
    const std::string list_at = json_pointer(at, key);
    if (!value[key].is_array()) return document_.refuse(list_at, "not a list of texts");
    for (std::size_t i = 0; i < value[key].size(); ++i) {
      const json& item = value[key][i];
      if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
        return document_.refuse(json_pointer(list_at, i), "not a text");
      }
      found.push_back(item.get<std::string>());
    }
    return found;
  }

  Result<Clause> read_clause(const json& value, const std::string& at) {
    if (auto ok = keys(value, at, {"id", "title", "text", "checks"}, {"happened", "sources", "since"}); !ok) {
      return std::unexpected(ok.error());
    }
    Clause clause;
    for (const auto& [key, member] : {std::pair{"id", &clause.id}, std::pair{"title", &clause.title}, std::pair{"text", &clause.text},
                                      std::pair{"happened", &clause.happened}, std::pair{"since", &clause.since}}) {
      const bool needed = member != &clause.happened && member != &clause.since;
      Result<std::string> found = text(value, at, key, needed);
      if (!found) return std::unexpected(found.error());
      *member = std::move(*found);
    }
    if (!is_check_id(clause.id + "/x")) return document_.refuse(json_pointer(at, "id"), "not of the form EXIST-01 or UPGRADE-M1");
    if (!clause_ids_.insert(clause.id).second) return document_.refuse(json_pointer(at, "id"), "this id is there already");
    Result<std::vector<std::string>> sources = texts(value, at, "sources");
    if (!sources) return std::unexpected(sources.error());
    clause.sources = std::move(*sources);

    const std::string checks_at = json_pointer(at, "checks");
    const json& list = value["checks"];
    if (!list.is_array()) return document_.refuse(checks_at, "not a list of checks");
    for (std::size_t i = 0; i < list.size(); ++i) {
      Result<Check> check = read_check(list[i], json_pointer(checks_at, i), clause.id);
      if (!check) return std::unexpected(check.error());
      clause.checks.push_back(std::move(*check));
    }
    return clause;
  }

  Result<Check> read_check(const json& value, const std::string& at, const std::string& clause) {
    if (auto ok = keys(value, at, {"id", "sentence", "level", "profile"}, {"live", "needs"}); !ok) return std::unexpected(ok.error());
    Check check;
    Result<std::string> id = text(value, at, "id");
    Result<std::string> sentence = text(value, at, "sentence");
    Result<std::string> level = text(value, at, "level");
    Result<std::string> profile = text(value, at, "profile");
    Result<std::vector<std::string>> needs = texts(value, at, "needs");
    for (const auto* found : {&id, &sentence, &level, &profile}) {
      if (!*found) return std::unexpected(found->error());
    }
    if (!needs) return std::unexpected(needs.error());
    check.id = *id;
    check.sentence = *sentence;

    const std::string id_at = json_pointer(at, "id");
    if (!is_check_id(check.id)) return document_.refuse(id_at, "not of the form EXIST-01/manual-fresh-node");
    if (!check.id.starts_with(clause + "/")) return document_.refuse(id_at, fmt::format("does not begin with its clause, {}/", clause));
    if (!check_ids_.insert(check.id).second) return document_.refuse(id_at, "this id is there already");
    const auto known_level = level_from(*level);
    if (!known_level) return document_.refuse(json_pointer(at, "level"), "not MUST, SHOULD or MAY");
    const auto known_profile = profile_from(*profile);
    if (!known_profile) return document_.refuse(json_pointer(at, "profile"), "not core, durable or production");
    check.level = *known_level;
    check.profile = *known_profile;
    if (value.contains("live")) {
      if (!value["live"].is_boolean()) return document_.refuse(json_pointer(at, "live"), "not true or false");
      check.live = value["live"].get<bool>();
    }
    for (std::size_t i = 0; i < needs->size(); ++i) {
      const auto need = need_from((*needs)[i]);
      if (!need) return document_.refuse(json_pointer(json_pointer(at, "needs"), i), "unknown need");
      check.needs.push_back(*need);
    }
    return check;
  }

  const JsonDocument& document_;
  std::set<std::string> clause_ids_;
  std::set<std::string> check_ids_;
};

}  // namespace

Result<Catalogue> Catalogue::parse(std::string_view text, std::string_view name) {
  Result<JsonDocument> document = JsonDocument::parse(text, name);
  if (!document) return std::unexpected(document.error());
  Result<std::vector<Clause>> clauses = Reader(*document).read();
  if (!clauses) return std::unexpected(clauses.error());
  Catalogue catalogue;
  catalogue.clauses_ = std::move(*clauses);
  for (std::size_t clause = 0; clause < catalogue.clauses_.size(); ++clause) {
    const std::vector<Check>& checks = catalogue.clauses_[clause].checks;
    for (std::size_t check = 0; check < checks.size(); ++check) catalogue.checks_.emplace(checks[check].id, std::pair(clause, check));
  }
  catalogue.digest_ = sha256_hex(text);
  return catalogue;
}

Result<Catalogue> Catalogue::load(const std::string& path) {
  Result<std::string> text = read_file(path, JsonLimits{}.bytes);
  if (!text) return std::unexpected(text.error());
  return parse(*text, path);
}

const Check* Catalogue::find_check(std::string_view id) const {
  const auto found = checks_.find(id);
  return found == checks_.end() ? nullptr : &clauses_[found->second.first].checks[found->second.second];
}

const Clause* Catalogue::find_clause(std::string_view id) const {
  const auto found = std::ranges::find(clauses_, id, &Clause::id);
  return found == clauses_.end() ? nullptr : &*found;
}

std::vector<const Check*> Catalogue::live_checks() const {
  std::vector<const Check*> live;
  for (const Clause& clause : clauses_) {
    for (const Check& check : clause.checks) {
      if (check.live) live.push_back(&check);
    }
  }
  return live;
}

}  // namespace entryproof::oracles
