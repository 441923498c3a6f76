// Pages: the bytes of a file, sparse and shared between snapshots.
//
// Only pages that were written (or allocated) exist; the rest reads as zeros. A page keeps no trailing zeros it was never given, so small
// files stay small. The length of the file is the inode's business: Pages answers for any range.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/shared.h"

namespace entryproof::node {

class Pages {
 public:
  static constexpr std::uint64_t kPageSize = 4096;

  // How many pages exist; what a quota counts.
  std::uint64_t count() const { return slots_.size(); }
  // How many pages of the range [offset, offset + length) do not exist.
  std::uint64_t missing(std::uint64_t offset, std::uint64_t length) const;
  // The longest prefix of a write of `length` bytes at `offset` that makes at most `allowance` new pages.
  std::uint64_t fitting(std::uint64_t offset, std::uint64_t length, std::uint64_t allowance) const;

  void read(std::uint64_t offset, std::span<char> into) const;
  // Whether the range of that length at `offset` holds these bytes.
  bool equal(std::uint64_t offset, std::string_view bytes) const;
  void write(Stamp edit, std::uint64_t offset, std::string_view bytes);
  // Makes the pages of the range exist; what they hold does not change.
  void allocate(Stamp edit, std::uint64_t offset, std::uint64_t length);
  // Forgets everything from `size` on.
  void truncate(Stamp edit, std::uint64_t size);

 private:
  struct Page {
    Stamp edit = 0;
    std::string bytes;  // at most kPageSize; zeros follow
  };
  struct Slot {
    std::uint64_t number = 0;
    std::shared_ptr<Page> page;
  };

  std::size_t slot_at_or_after(std::uint64_t number) const;
  // Shows what the range holds, in order: piece(place, bytes) for bytes that were written, hole(place, length) for zeros.
  template <class Piece, class Hole>
  void walk(std::uint64_t offset, std::uint64_t end, const Piece& piece, const Hole& hole) const;
  Page& page_for_change(Stamp edit, std::uint64_t number);

  std::vector<Slot> slots_;  // by number
};

}  // namespace entryproof::node
