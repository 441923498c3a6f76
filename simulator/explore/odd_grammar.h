// OddGrammar: inputs made along the grain of what they stand for.
//
// Documents are made from the fixtures (versions, types, nesting, numbers, duplicates, Unicode, size) and by taking tokens apart;
// credentials from real ones; variables and flags from those of the field. Everything comes from one seed: equal seeds and equal pools give
// equal inputs.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "simulator/explore/odd_input.h"

namespace entryproof::explore {

// What inputs are made from.
struct OddMaterial {
  std::vector<std::string> singles;  // primaries of one plugin
  std::vector<std::string> lists;    // primaries with a list of plugins
  std::string token;                 // as the cluster issues them
  std::string ca;                    // PEM
};

class OddGrammar {
 public:
  // `material` must outlive it.
  OddGrammar(const OddMaterial& material, std::uint64_t seed) : material_(material), random_(seed) {}

  OddInput make(OddPart part);
  // Another input of the same part, near this one.
  OddInput vary(const OddInput& input);

 private:
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  bool one_in(std::size_t chances) { return below(chances) == 0; }
  template <class T>
  const T& any(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

  std::string value(std::size_t depth);
  std::string members(std::size_t count, std::size_t depth);
  std::string document(bool list);
  std::string manual();
  std::string edited(std::string text, std::size_t edits);
  std::string bytes_like(const std::string& good);
  std::map<std::string, std::string> environment();
  std::string flag();

  const OddMaterial& material_;
  std::mt19937_64 random_;
};

// The tokens of a document of JSON or YAML: what is edited, and minimised, as one piece.
std::vector<std::string> tokens_of(std::string_view text);

}  // namespace entryproof::explore
