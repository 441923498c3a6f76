// Mutator: changes an input along its grain, so that what comes out is still nearly a document, or a sequence of whole records.
//
// A fuzzer that flips bytes spends its time in the first line of a parser. These changes work on tokens (JSON and YAML have the same ones),
// on lines (and the tokens in them), on records of one size, or on what the parts of a JWT say: dropped, doubled, moved, swapped, replaced
// by what has made trouble before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace entryproof::fuzz {

enum class Grammar : std::uint8_t {
  kBytes,     // nothing is known
  kDocument,  // tokens of JSON and YAML
  kRecords,   // records of kRecordBytes each
  kLines,     // lines: HTTP, PEM, arguments
  kToken,     // a JWT at the end: three parts in base64url
};

inline constexpr std::size_t kRecordBytes = 8;

// Another input, made from this one; the seed decides everything. Never longer than `most`.
std::string mutated(std::string_view input, Grammar grammar, std::uint64_t seed, std::size_t most);

}  // namespace entryproof::fuzz
