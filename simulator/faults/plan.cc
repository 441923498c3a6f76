#include "simulator/faults/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "simulator/base/json.h"
#include "simulator/faults/errnos.h"
#include "simulator/faults/plan_json.h"
#include "simulator/faults/plan_reader.h"

namespace entryproof::faults {

namespace {

using node::Verb;

bool is_space(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }

struct Word {
  std::string_view text;
  std::size_t column = 0;  // from 1
};

// Split at blanks; one behind a "\" belongs to the word.
std::vector<Word> words_of(std::string_view line) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < line.size();) {
    if (is_space(line[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < line.size() && !is_space(line[i])) i += line[i] == '\\' && i + 1 < line.size() ? 2 : 1;
    words.push_back({line.substr(begin, i - begin), begin + 1});
  }
  return words;
}

struct Trouble {
  std::size_t column = 1;
  std::string message;
};

std::expected<Rule, Trouble> read_line(std::string_view line, RuleReader::Kind kind) {
  const auto words = words_of(line);
  if (words.empty()) return std::unexpected(Trouble{1, "a rule is wanted: OPERATION PATTERN [nth=N] EFFECT"});
  RuleReader reader;
  if (auto wrong = reader.operation(words[0].text); !wrong.empty()) return std::unexpected(Trouble{words[0].column, std::move(wrong)});
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto [text, column] = words[i];
    const bool is_pattern = text.starts_with('/') || text.starts_with('*');
    const auto equals = text.find('=');
    std::string wrong;
    if (is_pattern) {
      wrong = reader.path(text);
    } else if (text == "then") {
      ++i;
      if (i == words.size() || !words[i].text.starts_with("errno="))
        return std::unexpected(Trouble{column, "\"then\" wants errno= behind it"});
      wrong = reader.word("then", words[i].text.substr(6));
    } else if (equals == std::string_view::npos) {
      wrong = reader.word(text, {});
    } else if (equals + 1 == text.size() || text.starts_with("then=")) {
      wrong = equals + 1 == text.size() ? "a value is missing" : "\"then errno=\" is wanted";
    } else {
      wrong = reader.word(text.substr(0, equals), text.substr(equals + 1));
    }
    if (!wrong.empty()) return std::unexpected(Trouble{words[std::min(i, words.size() - 1)].column, std::move(wrong)});
  }
  auto rule = reader.finish(kind);
  if (!rule) return std::unexpected(Trouble{words[0].column, rule.error()});
  return std::move(*rule);
}

std::unexpected<Error> refuse(std::string_view name, std::size_t line, std::size_t column, std::string message) {
  return fail(ErrorCode::kInvalidInput, std::move(message), std::string(name) + ":" + std::to_string(line) + ":" + std::to_string(column));
}

bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

Result<Rule> parse_line(std::string_view text, std::string_view name, std::size_t line, RuleReader::Kind kind = RuleReader::Kind::kFault) {
  if (text.size() > kMostRuleBytes)
    return refuse(name, line, kMostRuleBytes, "a rule of more than " + std::to_string(kMostRuleBytes) + " bytes");
  if (!is_utf8(text)) return refuse(name, line, 1, "it is no UTF-8");  // it could not be printed as JSON
  auto rule = read_line(text, kind);
  if (!rule) return refuse(name, line, rule.error().column, std::move(rule.error().message));
  return std::move(*rule);
}

Result<Plan> parse_json(std::string_view text, std::string_view name) {
  JsonLimits limits;
  limits.bytes = 2 * kMostRules * kMostRuleBytes;
  limits.depth = 4;
  const auto document = JsonDocument::parse(text, name, limits);
  if (!document) return std::unexpected(document.error());
  const bool list = document->value().is_array();
  const nlohmann::json rules = list ? document->value() : nlohmann::json::array({document->value()});
  if (rules.size() > kMostRules) return document->refuse("", "more than " + std::to_string(kMostRules) + " rules");
  Plan plan;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto rule = rule_from_json(rules[i]);
    if (!rule) return document->refuse((list ? json_pointer("", i) : "") + rule.error().pointer, rule.error().message);
    plan.push_back(std::move(*rule));
  }
  return plan;
}

}  // namespace

Result<Rule> parse_rule(std::string_view line, std::string_view name) { return parse_line(line, name, 1); }

Result<Rule> parse_moment(std::string_view line, std::string_view name) { return parse_line(line, name, 1, RuleReader::Kind::kMoment); }

Result<Plan> parse(std::string_view text, std::string_view name) {
  const auto first = std::ranges::find_if_not(text, [](char c) { return is_space(c) || c == '\n'; });
  if (first != text.end() && (*first == '[' || *first == '{')) return parse_json(text, name);
  Plan plan;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto begin = std::ranges::find_if_not(line, is_space);
    if (begin == line.end() || *begin == '#') continue;
    if (plan.size() == kMostRules) return refuse(name, number, 1, "more than " + std::to_string(kMostRules) + " rules");
    auto rule = parse_line(line, name, number);
    if (!rule) return std::unexpected(rule.error());
    plan.push_back(std::move(*rule));
  }
  return plan;
}

std::expected<Rule, JsonTrouble> rule_from_json(const nlohmann::json& json) {
  if (json.is_string()) {
    auto rule = parse_rule(json.get_ref<const std::string&>());
    if (!rule) return std::unexpected(JsonTrouble{"", rule.error().line()});
    return std::move(*rule);
  }
  if (!json.is_object()) return std::unexpected(JsonTrouble{"", "a rule is wanted: a line of text, or an object of its words"});
  RuleReader reader;
  for (const auto& [key, value] : json.items()) {
    std::string text;
    const bool flag = value.is_boolean() && value.get<bool>();
    if (value.is_string()) text = value.get<std::string>();
    if (value.is_number_unsigned()) text = std::to_string(value.get<std::uint64_t>());
    if (value.is_array()) {
      for (const auto& item : value) text += (text.empty() ? "" : ",") + item.dump();
    }
    std::string wrong;
    if (key == "operation") {
      wrong = reader.operation(text);
    } else if (key == "path") {
      wrong = reader.path(text);
    } else if (text.empty() && !flag) {
      wrong = "a value is wanted: text, a whole number, a list of numbers, or true";
    } else {
      wrong = reader.word(key, text);
    }
    if (!wrong.empty()) return std::unexpected(JsonTrouble{json_pointer("", key), std::move(wrong)});
  }
  auto rule = reader.finish();
  if (!rule) return std::unexpected(JsonTrouble{"", rule.error()});
  return std::move(*rule);
}

namespace {

using Words = std::vector<std::pair<std::string, std::string>>;  // key and value; "" for a flag

Words words_of(const Rule& rule) {
  Words words;
  const auto add = [&words](const char* key, std::string value) { words.emplace_back(key, std::move(value)); };
  if (!rule.to.empty()) add("to", rule.to);
  rule.sequence.empty() ? add("nth", std::to_string(rule.nth)) : add("seq", rule.sequence);
  if (rule.phase == Phase::kAfter) add("after", "");
  if (rule.delay > Duration{}) add("delay", duration_text(rule.delay));
  if (rule.error != 0) add("errno", std::string(errno_name(rule.error)));
  if (rule.short_write) add("short", std::to_string(*rule.short_write));
  if (rule.then_error != 0) add("then", std::string(errno_name(rule.then_error)));
  if (rule.kill) add("kill", "");
  if (rule.power_cut) {
    add("powercut", "");
    add("model", rule.power_cut->model);
    std::string omitted;
    for (const auto number : rule.power_cut->omit) omitted += (omitted.empty() ? "" : ",") + std::to_string(number);
    if (!omitted.empty()) add("omit", omitted);
    if (rule.power_cut->seed) add("seed", std::to_string(*rule.power_cut->seed));
  }
  if (rule.sticky) add("sticky", "");
  return words;
}

}  // namespace

std::string to_string(const Rule& rule) {
  std::string line = rule.operation;
  if (!rule.path.empty()) line += " " + rule.path;
  for (const auto& [key, value] : words_of(rule)) {
    line += key == "then" ? " then errno" : " " + key;
    if (!value.empty()) line += "=" + value;
  }
  return line;
}

std::string to_string(const Plan& plan) {
  std::string text;
  for (const Rule& rule : plan) text += to_string(rule) + "\n";
  return text;
}

std::string to_json(const Plan& plan) {
  auto list = nlohmann::ordered_json::array();
  for (const Rule& rule : plan) {
    nlohmann::ordered_json object;
    object["operation"] = rule.operation;
    if (!rule.path.empty()) object["path"] = rule.path;
    for (const auto& [key, value] : words_of(rule)) {
      if (value.empty()) {
        object[key] = true;
      } else if (key == "nth" || key == "short" || key == "seed") {
        object[key] = std::stoull(value);
      } else {
        object[key] = value;
      }
    }
    if (rule.power_cut && !rule.power_cut->omit.empty()) object["omit"] = rule.power_cut->omit;
    list.push_back(std::move(object));
  }
  return list.dump();
}

Rule nth_operation(std::uint64_t index) {
  Rule rule;
  rule.path = "**";
  rule.nth = index;
  return rule;
}

Rule behind_read_below(std::string_view directory) {
  Rule rule;
  rule.operation = "read";
  for (const char letter : directory) rule.path += (letter == '*' || letter == '?' || letter == '\\' ? "\\" : "") + std::string(1, letter);
  rule.path += "/**";
  rule.phase = Phase::kAfter;
  return rule;
}

Rule fail_operation(std::uint64_t index, int error, bool sticky) {
  Rule rule = nth_operation(index);
  rule.error = error;
  rule.sticky = sticky;
  return rule;
}

Rule fail_nth(Verb verb, std::uint64_t nth, int error, bool sticky) {
  Rule rule = fail_operation(nth, error, sticky);
  rule.operation = node::to_string(verb);
  return rule;
}

bool concerns(const Rule& rule, Verb verb) {
  if (rule.operation == "any") return counts(verb);
  if (rule.operation == "open") return verb == Verb::kOpen || verb == Verb::kTruncate || verb == Verb::kCreate;
  return node::to_string(verb) == rule.operation;
}

bool matches(const Rule& rule, const node::Operation& operation) {
  if (!concerns(rule, operation.verb)) return false;
  const bool by_open = operation.verb != Verb::kTruncate || operation.change == nullptr;
  if (rule.operation == "open" && !by_open) return false;
  if (rule.short_write && operation.length <= *rule.short_write) return false;  // nothing to be cut off
  if (!rule.to.empty() && (operation.path2.empty() || !glob_matches(rule.to, operation.path2))) return false;
  if (rule.path.empty() || glob_matches(rule.path, operation.path)) return true;
  return rule.to.empty() && !operation.path2.empty() && glob_matches(rule.path, operation.path2);
}

}  // namespace entryproof::faults
