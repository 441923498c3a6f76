#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "simulator/explore/crash.h"

namespace entryproof::explore {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class Number>
bool read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::unexpected<Error> refused(std::string_view text, const std::string& why) {
  return fail(ErrorCode::kUsage, fmt::format("\"{}\" is no address of a crash state: {}; one looks like 0/posix@17-14,15:2..5", text, why));
}

constexpr std::uint32_t kMostPlaces = 1U << 20;  // of one operation

// "15", "15:2..5", "15:0..1+4"
std::string told(const CrashAddress::Lost& lost) {
  std::string text = std::to_string(lost.seq);
  for (std::size_t i = 0; i < lost.places.size();) {
    std::size_t last = i;
    while (last + 1 < lost.places.size() && lost.places[last + 1] == lost.places[last] + 1) ++last;
    text += fmt::format("{}{}", i == 0 ? ':' : '+', lost.places[i]);
    if (last > i) text += fmt::format("..{}", lost.places[last]);
    i = last + 1;
  }
  return text;
}

bool read_lost(std::string_view text, CrashAddress::Lost& lost) {
  const auto colon = text.find(':');
  if (!read(text.substr(0, colon), lost.seq)) return false;
  if (colon == std::string_view::npos) return true;
  for (const auto range : split(text.substr(colon + 1), '+')) {
    const auto dots = range.find("..");
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    if (!read(range.substr(0, dots), first)) return false;
    last = first;
    if (dots != std::string_view::npos && !read(range.substr(dots + 2), last)) return false;
    if (last < first || last - first >= kMostPlaces || lost.places.size() + last - first >= kMostPlaces) return false;
    for (std::uint32_t place = first; place <= last; ++place) lost.places.push_back(place);
  }
  return true;
}

}  // namespace

std::string to_string(const CrashAddress& address) {
  std::string text = std::to_string(address.life);
  for (std::size_t i = 0; i < address.steps.size(); ++i) {
    const auto& step = address.steps[i];
    if (i > 0) text += fmt::format("/{}", to_string(step.next));
    text += fmt::format("/{}@{}", durability::to_string(step.model), step.after);
    for (std::size_t k = 0; k < step.lost.size(); ++k) text += fmt::format("{}{}", k == 0 ? '-' : ',', told(step.lost[k]));
  }
  return text;
}

Result<CrashAddress> parse_address(std::string_view text) {
  constexpr std::size_t kMostParts = 64;
  const auto parts = split(text, '/');
  CrashAddress address;
  if (!read(parts.front(), address.life)) return refused(text, "it begins with the number of the build's start, from 0");
  if (parts.size() < 2 || parts.size() % 2 != 0 || parts.size() > kMostParts) return refused(text, "a state is missing");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    CrashAddress::Step step;
    if (i > 1) {
      const auto* const found = std::ranges::find(kAllInputs, parts[i], [](Inputs inputs) { return to_string(inputs); });
      if (found == kAllInputs.end()) return refused(text, fmt::format("there are no inputs \"{}\"", parts[i]));
      step.next = *found;
      ++i;
    }
    const auto at = parts[i].find('@');
    const auto model = durability::model_named(parts[i].substr(0, at));
    if (at == std::string_view::npos || !model) return refused(text, fmt::format("\"{}\" names no model", parts[i]));
    step.model = *model;
    auto rest = parts[i].substr(at + 1);
    const auto dash = rest.find('-');
    if (!read(rest.substr(0, dash), step.after)) return refused(text, "the operation is a number");
    if (dash != std::string_view::npos) {
      for (const auto& each : split(rest.substr(dash + 1), ',')) {
        if (!read_lost(each, step.lost.emplace_back()))
          return refused(text, "what is lost are numbers of operations, or parts of them like 15:2..5");
      }
    }
    address.steps.push_back(std::move(step));
  }
  return address;
}

}  // namespace entryproof::explore
