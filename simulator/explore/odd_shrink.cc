#include "simulator/explore/odd_shrink.h"

#include <algorithm>

#include "simulator/explore/odd_grammar.h"

namespace entryproof::explore {

namespace {

using Pieces = std::vector<std::string>;

std::string joined(const Pieces& pieces) {
  std::string text;
  for (const auto& piece : pieces) text += piece;
  return text;
}

Pieces letters_of(const std::string& text) {
  Pieces letters;
  for (const char c : text) letters.emplace_back(1, c);
  return letters;
}

}  // namespace

Pieces shrink(Pieces pieces, const std::function<bool(const Pieces&)>& still, unsigned& most) {
  for (std::size_t size = (pieces.size() + 1) / 2; size > 0; size = size == 1 ? 0 : (size + 1) / 2) {
    for (std::size_t at = 0; at < pieces.size();) {
      if (most == 0) return pieces;
      --most;
      Pieces fewer = pieces;
      const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(from, from + static_cast<std::ptrdiff_t>(std::min(size, pieces.size() - at)));
      if (still(fewer)) {
        pieces = std::move(fewer);
      } else {
        at += size;
      }
    }
  }
  return pieces;
}

OddInput shrink(const OddInput& input, const std::function<bool(const OddInput&)>& still, unsigned most) {
  OddInput least = input;
  const auto try_other = [&](OddInput other) {
    if (other == least || most == 0) return false;
    --most;
    if (!still(other)) return false;
    least = std::move(other);
    return true;
  };
  if (least.over) {
    auto plain = least;
    plain.over = false;
    try_other(plain);
  }
  const auto with_bytes = [&](const Pieces& pieces) {
    auto other = least;
    other.bytes = joined(pieces);
    return other;
  };
  const auto still_bytes = [&](const Pieces& pieces) { return still(with_bytes(pieces)); };
  least.bytes = joined(shrink(tokens_of(least.bytes), still_bytes, most));
  if (least.bytes.size() < 300) least.bytes = joined(shrink(letters_of(least.bytes), still_bytes, most));
  least.flags = shrink(
      least.flags,
      [&](const Pieces& flags) {
        auto other = least;
        other.flags = flags;
        return still(other);
      },
      most);
  for (const auto& [name, value] : input.environment) {
    auto other = least;
    other.environment.erase(name);
    try_other(std::move(other));
  }
  return least;
}

}  // namespace entryproof::explore
