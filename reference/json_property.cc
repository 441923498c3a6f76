#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "reference/json.h"

namespace reference::json {
namespace {

// A random JSON text with as many different tokens as fit, without blanks.
std::string random_json(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 6 : 4)) {
    case 0:
      return *rc::gen::element<std::string>("null", "true", "false", "0", "-0", "1.0", "1e400", "9007199254740993", "-12.50E-07");
    case 1:
      return std::to_string(*rc::gen::arbitrary<std::int64_t>());
    case 2:
      return quote(*rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)));
    case 3:
      return *rc::gen::element<std::string>("\"\\u0041\"", "\"\\ud83d\\ude00\"", "\"\\/\"", "\"é\"", "\"\"");
    default:
      break;
  }
  const bool object = *rc::gen::arbitrary<bool>();
  const int count = *rc::gen::inRange(0, 4);
  std::string text = object ? "{" : "[";
  for (int i = 0; i < count; ++i) {
    if (i > 0) text += ',';
    if (object) text += "\"k" + std::to_string((i * 7) % 5) + "\":";
    text += random_json(depth - 1);
  }
  return text + (object ? "}" : "]");
}

// Blanks wherever JSON allows them.
std::string spread(const std::string& text) {
  std::string out = *rc::gen::element<std::string>("", " ", "\n");
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (in_string && text[i] == '\\') {
      out += text[++i];
    } else if (text[i] == '"') {
      in_string = !in_string;
    }
    const bool structural = text[i] == ',' || text[i] == '[' || text[i] == '{' || text[i] == ':';
    if (!in_string && structural) out += *rc::gen::element<std::string>("", "  ", "\t", "\r\n");
  }
  return out + *rc::gen::element<std::string>("", " ", "\n");
}

RC_GTEST_PROP(JsonProperty, LosesNothing, ()) {
  const std::string text = random_json(4);
  const auto document = Document::parse(spread(text));
  RC_ASSERT(document.has_value());
  RC_ASSERT(document->root().compact() == text);
}

RC_GTEST_PROP(JsonProperty, SurvivesAnyBytes, (const std::string& bytes)) {
  const auto document = Document::parse(bytes);
  if (document) RC_ASSERT(Document::parse(document->root().compact()).has_value());
}

RC_GTEST_PROP(JsonProperty, SurvivesDamage, ()) {
  std::string text = random_json(4);
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  text[at] = *rc::gen::arbitrary<char>();
  const auto document = Document::parse(text);
  if (document) RC_ASSERT(valid_utf8(document->root().compact()));
}

RC_GTEST_PROP(JsonProperty, QuoteIsRead, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
  const auto document = Document::parse(quote(text));
  RC_ASSERT(document.has_value());
  RC_ASSERT(document->root().text() == text);
}

}  // namespace
}  // namespace reference::json
