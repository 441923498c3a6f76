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

std::string Pages::read(std::uint64_t offset, std::size_t length) const {
  std::string out;
  if (length == 0) return out;
  out.reserve(length);
  const std::uint64_t end = offset + length;
  for (std::size_t slot = slot_at_or_after(offset / kPageSize); slot < slots_.size() && slots_[slot].number * kPageSize < end; ++slot) {
    const std::uint64_t start = slots_[slot].number * kPageSize;
    if (start > offset) out.resize(static_cast<std::size_t>(start - offset), '\0');  // a hole before this page
    const std::string& bytes = slots_[slot].page->bytes;
    const std::uint64_t from = std::max(start, offset) - start;
    const std::uint64_t to = std::min<std::uint64_t>(bytes.size(), end - start);
    if (from < to) out.append(bytes, static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
  }
  out.resize(length, '\0');
  return out;
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
    if (page.size() < within + piece.size()) page.resize(within + piece.size(), '\0');
    page.replace(within, piece.size(), piece);
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
