// YAML, read the way Kubernetes' clients read it, for documents that nobody vouches for.
//
// libyaml's event parser (Go's YAML is a port of it) with caps on bytes, depth and nodes. One document; duplicate keys, anchors, aliases,
// merge keys and foreign tags are refused. A scalar knows whether it was written plain or quoted, because that decides its type: `token:
// 123` is a number, which a client refuses as a token, while `token: "123"` is a string. Plain scalars are typed as go-yaml v2 types them
// (YAML 1.1 booleans, null, numbers; everything else is a string).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"

namespace entryproof {

struct YamlLimits {
  std::size_t bytes = 4U << 20;
  std::size_t depth = 64;
  std::size_t nodes = 100'000;
};

struct YamlMember;

struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kBool, kInteger, kFloat, kString, kSequence, kMapping };

  Kind kind = Kind::kNull;
  bool plain = false;               // a scalar without quotes or block style
  std::string text;                 // a scalar's text, escapes and folding resolved; for booleans "true" or "false"
  std::vector<YamlNode> items;      // of a sequence
  std::vector<YamlMember> members;  // of a mapping, in the order of the document
  std::size_t line = 0;             // from 1

  bool is(Kind other) const { return kind == other; }
  // The member of that name, or nullptr; nullptr too if this is no mapping.
  const YamlNode* find(std::string_view name) const;
};

struct YamlMember {
  std::string name;
  YamlNode value;
};

// Errors are kInvalidInput or kLimit, with the line: "line 3: did not find expected key". They never quote a scalar: it might be a token.
Result<YamlNode> parse_yaml(std::string_view text, const YamlLimits& limits = {});

// All documents of a stream ("---" between them); lines count from the stream's start, the limits hold for all together. Documents without
// content are left out, so there may be none. The first error ends it.
Result<std::vector<YamlNode>> parse_yaml_documents(std::string_view text, const YamlLimits& limits = {});

}  // namespace entryproof
