// Content: what a file holds, as micro-operations change it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "simulator/durability/state_hash.h"
#include "simulator/node/pages.h"
#include "simulator/node/tree.h"

namespace entryproof::durability {

inline constexpr std::uint64_t kPageSize = node::Pages::kPageSize;

struct Page {
  std::shared_ptr<const std::string> bytes;  // without the zeros at its end
  StateHash hash;

  static Page of(std::string bytes);
};

class Content {
 public:
  Content() = default;
  // The file as the tree holds it. Of a large one only the identity is kept; its bytes are fetched when a tree is made.
  Content(const node::Tree& tree, node::InodeId inode);

  // The micro-operations, to be played in the order of the trace.
  void write_page(std::uint64_t number, const Page& page);
  void truncate(std::uint64_t size);  // to less or more
  void extend(std::uint64_t size) { size_ = size; }
  // The bytes from `offset` on, which an extension shows, are not on the disk: until their page is written the file ends there.
  void miss(std::uint64_t offset) { missing_.try_emplace(offset / kPageSize, offset); }

  std::uint64_t size() const;  // as a reader sees it
  StateHash hash() const;
  // Gives the file in `tree` these bytes; those of a large one come from the image.
  void store(node::Tree& tree, node::InodeId inode, const node::Tree& image) const;

 private:
  static constexpr std::uint64_t kKept = 1 << 20;

  std::uint64_t size_ = 0;
  std::map<std::uint64_t, Page> pages_;
  std::map<std::uint64_t, std::uint64_t> missing_;  // by page: where it would begin
  std::uint64_t base_ = 0;                          // so many bytes are still the image's where no page says otherwise
  StateHash identity_;                              // of those
};

}  // namespace entryproof::durability
