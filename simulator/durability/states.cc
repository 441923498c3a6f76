#include "simulator/durability/states.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/durability/shown.h"

namespace entryproof::durability {

std::string bound_words(const Window& window, std::size_t varied, bool pairs, bool capped) {
  std::string words = fmt::format("window {} (before {}) has {} micro-operations: ", window.number, window.before, varied);
  if (capped)
    words = fmt::format("window {} (before {}) has too many micro-operations, all but the last {} are taken as durable: ", window.number,
                        window.before, varied);
  return words + (pairs ? "prefixes, omissions <= 2, single survivors" : "prefixes, omissions <= 1, single survivors");
}

void cap(Window& window) {
  const Index first = window.varied[window.varied.size() - kVariedCap];
  const auto kept = std::ranges::lower_bound(window.pending, first) - window.pending.begin();
  const auto gone = static_cast<Index>(kept);
  window.pending.erase(window.pending.begin(), window.pending.begin() + kept);
  window.needs.erase(window.needs.begin(), window.needs.begin() + kept);
  for (std::vector<Index>& needs : window.needs) {
    std::erase_if(needs, [&](Index position) { return position < gone; });
    for (Index& position : needs) position -= gone;
  }
  window.varied.erase(window.varied.begin(), window.varied.end() - static_cast<std::ptrdiff_t>(kVariedCap));
}

std::string describe_crash(const Compiled& compiled, Model model, Index cut, const std::vector<std::uint64_t>& omitted) {
  const auto name = [&](std::uint64_t seq) {
    const auto found = std::ranges::lower_bound(compiled.operations, seq, {}, &node::Operation::seq);
    return fmt::format("op {} {}", seq, found->describe());
  };
  std::string words = model == Model::kKill ? std::string("kill") : fmt::format("power cut ({})", to_string(model));
  words += cut == 0 ? std::string(" before the first operation") : " after " + name(seq_before(compiled, cut));
  constexpr std::size_t kNamed = 6;
  for (std::size_t i = 0; i < std::min(omitted.size(), kNamed); ++i) words += (i == 0 ? ", without " : ", ") + name(omitted[i]);
  if (omitted.size() > kNamed) words += fmt::format(" and {} more", omitted.size() - kNamed);
  return words;
}

}  // namespace entryproof::durability
