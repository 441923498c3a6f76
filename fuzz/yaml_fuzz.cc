// Any bytes as YAML: a document within its caps, or one line that says why not, with the line's number and without any of the document.
#include <cstddef>
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/base/yaml.h"

namespace entryproof::fuzz {

namespace {

constexpr YamlLimits kLimits{.bytes = 1U << 16, .depth = 16, .nodes = 500};

std::size_t count(const YamlNode& node, std::size_t depth) {
  demand(depth <= kLimits.depth + 1);
  std::size_t nodes = 1;
  for (const auto& item : node.items) nodes += count(item, depth + 1);
  for (const auto& member : node.members) {
    demand(node.find(member.name) == &member.value);  // no name twice
    nodes += count(member.value, depth + 1);
  }
  demand(node.is(YamlNode::Kind::kSequence) || node.items.empty());
  demand(node.is(YamlNode::Kind::kMapping) || node.members.empty());
  return nodes;
}

}  // namespace

void yaml(std::string_view bytes) {
  const auto document = parse_yaml(bytes, kLimits);
  if (document) {
    demand(count(*document, 0) <= kLimits.nodes);
  } else {
    demand(!document.error().message.empty() && document.error().line().find('\n') == std::string::npos);
  }
}

}  // namespace entryproof::fuzz
