#include "simulator/durability/content.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace entryproof::durability {
namespace {

std::string_view without_zeros(std::string_view bytes) {
  const auto last = bytes.find_last_not_of('\0');
  return bytes.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

Page Page::of(std::string bytes) {
  bytes.resize(without_zeros(bytes).size());
  const StateHash hash = hash_of(bytes);
  return {std::make_shared<const std::string>(std::move(bytes)), hash};
}

Content::Content(const node::Tree& tree, node::InodeId inode) {
  const auto is = tree.attributes(inode);
  if (!is || is->type != node::FileType::kFile) return;
  size_ = is->size;
  if (size_ > kKept) {
    base_ = size_;
    identity_ = hash_of(inode);
    return;
  }
  const std::string bytes = tree.read_all(inode).value_or(std::string());
  for (std::uint64_t at = 0; at < bytes.size(); at += kPageSize) {
    write_page(at / kPageSize, Page::of(bytes.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(kPageSize))));
  }
}

void Content::write_page(std::uint64_t number, const Page& page) {
  pages_.insert_or_assign(number, page);
  missing_.erase(number);
}

void Content::truncate(std::uint64_t size) {
  size_ = size;
  base_ = std::min(base_, size);
  std::erase_if(missing_, [&](const auto& gap) { return gap.second >= size; });
  pages_.erase(pages_.lower_bound((size + kPageSize - 1) / kPageSize), pages_.end());
  const auto last = pages_.find(size / kPageSize);
  if (last == pages_.end() || last->second.bytes->size() <= size % kPageSize) return;
  last->second = Page::of(last->second.bytes->substr(0, static_cast<std::size_t>(size % kPageSize)));
}

std::uint64_t Content::size() const { return missing_.empty() ? size_ : std::min(size_, missing_.begin()->second); }

StateHash Content::hash() const {
  const std::uint64_t end = size();
  StateHash sum = hash_of(end);
  for (const auto& [number, page] : pages_) {
    const std::uint64_t start = number * kPageSize;
    if (start >= end) break;
    const bool cut = end - start < page.bytes->size();
    if (cut) {
      const std::string_view rest = without_zeros(std::string_view(*page.bytes).substr(0, static_cast<std::size_t>(end - start)));
      if (!rest.empty()) sum += mix(hash_of(number), hash_of(rest));
    } else if (!page.bytes->empty() || base_ > 0) {
      sum += mix(hash_of(number), page.hash);
    }
  }
  return base_ == 0 ? sum : mix(sum, mix(identity_, hash_of(std::min(base_, end))));
}

void Content::store(node::Tree& tree, node::InodeId inode, const node::Tree& image) const {
  const std::uint64_t end = size();
  const auto resize = [&](std::uint64_t size) {
    node::AttributeChange change;
    change.size = size;
    (void)tree.set_attributes({}, inode, change, 0);
  };
  resize(0);
  for (std::uint64_t at = 0; at < std::min(base_, end); at += kKept) {
    const auto bytes = image.read(inode, at, static_cast<std::size_t>(std::min(kKept, base_ - at)));
    if (bytes) (void)tree.write(inode, at, *bytes, 0);
  }
  for (const auto& [number, page] : pages_) {
    if (number * kPageSize >= end) break;
    std::string whole = *page.bytes;
    if (number * kPageSize < base_) whole.resize(static_cast<std::size_t>(kPageSize), '\0');  // its zeros hide the image's bytes
    (void)tree.write(inode, number * kPageSize, whole, 0);
  }
  resize(end);
}

}  // namespace entryproof::durability
