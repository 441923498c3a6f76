#include "simulator/base/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_set>

namespace entryproof {
namespace {

using Kind = YamlNode::Kind;

std::string_view view(const yaml_char_t* text, std::size_t size) { return {reinterpret_cast<const char*>(text), size}; }
std::string_view view(const yaml_char_t* text) { return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text); }

template <std::size_t N>
bool one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_null(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kWords{"", "~", "null", "Null", "NULL"};
  return one_of(text, kWords);
}

bool is_true(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kWords{"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"};
  return one_of(text, kWords);
}

bool is_false(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kWords{"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"};
  return one_of(text, kWords);
}

bool all_digits(std::string_view text, int base) {
  if (text.empty()) return false;
  return std::ranges::all_of(text, [base](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (base == 16) return std::isxdigit(byte) != 0;
    return c >= '0' && c < '0' + base;
  });
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with("0x") || text.starts_with("0X")) return all_digits(text.substr(2), 16);
  if (text.starts_with("0b") || text.starts_with("0B")) return all_digits(text.substr(2), 2);
  if (text.starts_with("0o") || text.starts_with("0O")) return all_digits(text.substr(2), 8);
  return all_digits(text, 10);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?, and the words for what is no number.
bool is_float(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kWords{".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                                                           "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};
  if (one_of(text, kWords)) return true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const auto digits = [&text] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  std::size_t mantissa = digits();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    mantissa += digits();
  }
  if (mantissa == 0) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return digits() > 0 && text.empty();
}

Kind type_of_plain(std::string_view text) {
  if (is_null(text)) return Kind::kNull;
  if (is_true(text) || is_false(text)) return Kind::kBool;
  std::string number(text);  // digits may be grouped by underscores
  if (!number.starts_with('_')) std::erase(number, '_');
  if (is_integer(number)) return Kind::kInteger;
  if (is_float(number)) return Kind::kFloat;
  return Kind::kString;
}

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { clear(); }
  bool next(yaml_parser_t& parser) {
    clear();
    full_ = yaml_parser_parse(&parser, &event_) != 0;
    return full_;
  }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  void clear() {
    if (full_) yaml_event_delete(&event_);
    full_ = false;
  }
  yaml_event_t event_{};
  bool full_ = false;
};

class Loader {
 public:
  Loader(std::string_view text, const YamlLimits& limits) : limits_(limits) {
    ready_ = yaml_parser_initialize(&parser_) != 0;
    if (ready_) yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader() {
    if (ready_) yaml_parser_delete(&parser_);
  }

  Result<std::vector<YamlNode>> load_all() {
    if (!ready_) return fail(ErrorCode::kInternal, "no memory for a YAML parser");
    if (auto ok = next(); !ok) return std::unexpected(ok.error());  // the stream's start
    std::vector<YamlNode> documents;
    for (;;) {
      if (auto ok = next(); !ok) return std::unexpected(ok.error());
      if (event_->type == YAML_STREAM_END_EVENT) return documents;
      if (auto ok = next(); !ok) return std::unexpected(ok.error());  // behind the document's start
      Result<YamlNode> root = node(1);
      if (!root) return std::unexpected(root.error());
      if (!root->is(Kind::kNull)) documents.push_back(std::move(*root));
      if (auto ok = next(); !ok) return std::unexpected(ok.error());  // the document's end
    }
  }

  Result<YamlNode> load() {
    if (!ready_) return fail(ErrorCode::kInternal, "no memory for a YAML parser");
    if (auto ok = next(); !ok) return std::unexpected(ok.error());  // the stream's start
    if (auto ok = next(); !ok) return std::unexpected(ok.error());
    if (event_->type == YAML_STREAM_END_EVENT) return refuse("the document is empty");
    if (auto ok = next(); !ok) return std::unexpected(ok.error());
    Result<YamlNode> root = node(1);
    if (!root) return root;
    if (auto ok = next(); !ok) return std::unexpected(ok.error());  // the document's end
    if (auto ok = next(); !ok) return std::unexpected(ok.error());
    if (event_->type != YAML_STREAM_END_EVENT) return refuse("more than one document");
    return root;
  }

 private:
  std::unexpected<Error> refuse(std::string_view what, ErrorCode code = ErrorCode::kInvalidInput) const {
    return fail(code, fmt::format("line {}: {}", event_->start_mark.line + 1, what));
  }

  Result<> next() {
    if (event_.next(parser_)) return {};
    // libyaml's problems are fixed sentences; none quotes the text.
    return fail(ErrorCode::kInvalidInput, fmt::format("line {}: {}", parser_.problem_mark.line + 1,
                                                      parser_.problem != nullptr ? parser_.problem : "cannot be read as YAML"));
  }

  // The node that the current event begins.
  Result<YamlNode> node(std::size_t depth) {
    if (depth > limits_.depth) return refuse(fmt::format("nested deeper than {}", limits_.depth), ErrorCode::kLimit);
    if (++nodes_ > limits_.nodes) return refuse(fmt::format("more than {} nodes", limits_.nodes), ErrorCode::kLimit);
    switch (event_->type) {
      case YAML_SCALAR_EVENT:
        return scalar();
      case YAML_SEQUENCE_START_EVENT:
        return sequence(depth);
      case YAML_MAPPING_START_EVENT:
        return mapping(depth);
      case YAML_ALIAS_EVENT:
        return refuse("an alias");
      default:
        return refuse("something that is no value");
    }
  }

  Result<YamlNode> scalar() {
    const auto& data = event_->data.scalar;
    if (data.anchor != nullptr) return refuse("an anchor");
    YamlNode node;
    node.line = event_->start_mark.line + 1;
    node.text = view(data.value, data.length);
    node.plain = data.style == YAML_PLAIN_SCALAR_STYLE;
    node.kind = node.plain ? type_of_plain(node.text) : Kind::kString;
    if (const std::string_view tag = view(data.tag); !tag.empty()) {
      constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
      const std::string_view type = tag.starts_with(kPrefix) ? tag.substr(kPrefix.size()) : tag;
      if (type == "str" || type == "!") {
        node.kind = Kind::kString;
      } else if (!fits(type, type_of_plain(node.text))) {
        return refuse("a tag that does not fit its value");
      } else {
        node.kind = type == "float" ? Kind::kFloat : type_of_plain(node.text);
      }
    }
    if (node.kind == Kind::kBool) node.text = is_true(node.text) ? "true" : "false";
    return node;
  }

  static bool fits(std::string_view type, Kind kind) {
    return (type == "null" && kind == Kind::kNull) || (type == "bool" && kind == Kind::kBool) ||
           (type == "int" && kind == Kind::kInteger) || (type == "float" && (kind == Kind::kFloat || kind == Kind::kInteger));
  }

  Result<YamlNode> sequence(std::size_t depth) {
    const auto& data = event_->data.sequence_start;
    if (data.anchor != nullptr) return refuse("an anchor");
    if (data.tag != nullptr && view(data.tag) != YAML_SEQ_TAG) return refuse("a tag that is not read");
    YamlNode list;
    list.kind = Kind::kSequence;
    list.line = event_->start_mark.line + 1;
    for (;;) {
      if (auto ok = next(); !ok) return std::unexpected(ok.error());
      if (event_->type == YAML_SEQUENCE_END_EVENT) return list;
      Result<YamlNode> item = node(depth + 1);
      if (!item) return item;
      list.items.push_back(std::move(*item));
    }
  }

  Result<YamlNode> mapping(std::size_t depth) {
    const auto& data = event_->data.mapping_start;
    if (data.anchor != nullptr) return refuse("an anchor");
    if (data.tag != nullptr && view(data.tag) != YAML_MAP_TAG) return refuse("a tag that is not read");
    YamlNode map;
    map.kind = Kind::kMapping;
    map.line = event_->start_mark.line + 1;
    std::unordered_set<std::string> seen;
    for (;;) {
      if (auto ok = next(); !ok) return std::unexpected(ok.error());
      if (event_->type == YAML_MAPPING_END_EVENT) return map;
      if (event_->type != YAML_SCALAR_EVENT) return refuse("a key that is no plain text");
      Result<YamlNode> key = node(depth + 1);
      if (!key) return key;
      if (key->plain && key->text == "<<") return refuse("a merge key");
      if (!seen.insert(key->text).second) return refuse("a key that is there already");
      if (auto ok = next(); !ok) return std::unexpected(ok.error());
      Result<YamlNode> value = node(depth + 1);
      if (!value) return value;
      map.members.push_back({std::move(key->text), std::move(*value)});
    }
  }

  yaml_parser_t parser_{};
  bool ready_ = false;
  Event event_;
  YamlLimits limits_;
  std::size_t nodes_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view name) const {
  const auto found = std::ranges::find(members, name, &YamlMember::name);
  return found == members.end() ? nullptr : &found->value;
}

Result<YamlNode> parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes) return fail(ErrorCode::kLimit, fmt::format("more than {} bytes", limits.bytes));
  return Loader(text, limits).load();
}

Result<std::vector<YamlNode>> parse_yaml_documents(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes) return fail(ErrorCode::kLimit, fmt::format("more than {} bytes", limits.bytes));
  return Loader(text, limits).load_all();
}

}  // namespace entryproof
