#include "simulator/node/pages.h"

#include <algorithm>

namespace entryproof::node {

std::size_t Pages::slot_at_or_after(std::uint64_t number) const {
  if (slots_.empty() || slots_.back().number < number) return slots_.size();  // appending is the common case
  const auto found = std::ranges::lower_bound(slots_, number, {}, &Slot::number);
  return static_cast<std::size_t>(found - slots_.begin());
}

std::uint64_t Pages::missing(std::uint64_t offset, std::uint64_t length) const {
  if (length == 0) return 0;
  const std::uint64_t first = offset / kPageSize;
  const std::uint64_t last = (offset + length - 1) / kPageSize;
  const std::uint64_t there = slot_at_or_after(last + 1) - slot_at_or_after(first);
  return last - first + 1 - there;
}

std::uint64_t Pages::fitting(std::uint64_t offset, std::uint64_t length, std::uint64_t allowance) const {
  if (missing(offset, length) <= allowance) return length;
  std::size_t slot = slot_at_or_after(offset / kPageSize);
  for (std::uint64_t number = offset / kPageSize;; ++number) {
    if (slot < slots_.size() && slots_[slot].number == number) {
      ++slot;
    } else if (allowance-- == 0) {
      return number * kPageSize > offset ? number * kPageSize - offset : 0;
    }
  }
}

template <class Piece, class Hole>
void Pages::walk(std::uint64_t offset, std::uint64_t end, const Piece& piece, const Hole& hole) const {
  std::uint64_t at = offset;
  for (std::size_t slot = slot_at_or_after(offset / kPageSize); slot < slots_.size() && slots_[slot].number * kPageSize < end; ++slot) {
    const std::uint64_t start = slots_[slot].number * kPageSize;
    const std::string_view bytes = slots_[slot].page->bytes;
    const std::uint64_t from = std::max(start, offset);
    const std::uint64_t to = std::min(start + bytes.size(), end);
    if (from >= to) continue;
    if (from > at) hole(at, from - at);
    piece(from, bytes.substr(static_cast<std::size_t>(from - start), static_cast<std::size_t>(to - from)));
    at = to;
  }
  if (at < end) hole(at, end - at);
}

void Pages::read(std::uint64_t offset, std::span<char> into) const {
  const auto at = [&](std::uint64_t place) { return into.data() + (place - offset); };
  walk(
      offset, offset + into.size(), [&](std::uint64_t place, std::string_view bytes) { bytes.copy(at(place), bytes.size()); },
      [&](std::uint64_t place, std::uint64_t length) { std::fill_n(at(place), length, '\0'); });
}

bool Pages::equal(std::uint64_t offset, std::string_view bytes) const {
  bool same = true;
  const auto part = [&](std::uint64_t place, std::uint64_t length) {
    return bytes.substr(static_cast<std::size_t>(place - offset), static_cast<std::size_t>(length));
  };
  walk(
      offset, offset + bytes.size(),
      [&](std::uint64_t place, std::string_view piece) { same = same && part(place, piece.size()) == piece; },
      [&](std::uint64_t place, std::uint64_t length) {
        same = same && part(place, length).find_first_not_of('\0') == std::string_view::npos;
      });
  return same;
}

Pages::Page& Pages::page_for_change(Stamp edit, std::uint64_t number) {
  const std::size_t slot = slot_at_or_after(number);
  if (slot < slots_.size() && slots_[slot].number == number) return own(slots_[slot].page, edit);
  auto page = std::make_shared<Page>();
  page->edit = edit;
  return *slots_.insert(slots_.begin() + static_cast<std::ptrdiff_t>(slot), Slot{number, std::move(page)})->page;
}

void Pages::write(Stamp edit, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto within = static_cast<std::size_t>(offset % kPageSize);
    const std::string_view piece = bytes.substr(0, static_cast<std::size_t>(kPageSize) - within);
    std::string& page = page_for_change(edit, offset / kPageSize).bytes;
    if (page.size() < within) page.resize(within, '\0');
    page.replace(within, piece.size(), piece);  // grows as needed
    offset += piece.size();
    bytes.remove_prefix(piece.size());
  }
}

void Pages::allocate(Stamp edit, std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return;
  const std::uint64_t last = (offset + length - 1) / kPageSize;
  for (std::uint64_t number = offset / kPageSize; number <= last; ++number) page_for_change(edit, number);
}

void Pages::truncate(Stamp edit, std::uint64_t size) {
  slots_.resize(slot_at_or_after((size + kPageSize - 1) / kPageSize));
  const auto kept = static_cast<std::size_t>(size % kPageSize);
  if (kept == 0 || slots_.empty() || slots_.back().number != size / kPageSize || slots_.back().page->bytes.size() <= kept) return;
  own(slots_.back().page, edit).bytes.resize(kept);
}

}  // namespace entryproof::node
