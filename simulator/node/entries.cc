#include "simulator/node/entries.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace entryproof::node {
namespace {

auto position(auto& entries, std::string_view name) {
  return std::lower_bound(entries.begin(), entries.end(), name,
                          [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
}

}  // namespace

std::size_t Entries::size() const {
  std::size_t sum = 0;
  for (const auto& leaf : leaves_) sum += leaf->entries.size();
  return sum;
}

std::size_t Entries::leaf_of(std::string_view name) const {
  if (leaves_.size() == 1) return 0;
  const auto after = std::upper_bound(leaves_.begin(), leaves_.end(), name, [](std::string_view wanted, const std::shared_ptr<Leaf>& leaf) {
    return wanted < leaf->entries.front().name;
  });
  return after == leaves_.begin() ? 0 : static_cast<std::size_t>(after - leaves_.begin()) - 1;
}

const Entry* Entries::find(std::string_view name) const {
  if (leaves_.empty()) return nullptr;
  const std::vector<Entry>& entries = leaves_[leaf_of(name)]->entries;
  const auto found = position(entries, name);
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

std::vector<Entry> Entries::list() const {
  std::vector<Entry> all;
  all.reserve(size());
  for (const auto& leaf : leaves_) all.insert(all.end(), leaf->entries.begin(), leaf->entries.end());
  return all;
}

void Entries::put(Stamp edit, Entry entry) {
  if (leaves_.empty()) {
    leaves_.push_back(std::make_shared<Leaf>());
    leaves_.back()->edit = edit;
    leaves_.back()->entries.push_back(std::move(entry));
    return;
  }
  const std::size_t index = leaf_of(entry.name);
  std::vector<Entry>& entries = own(leaves_[index], edit).entries;
  const auto found = position(entries, entry.name);
  if (found != entries.end() && found->name == entry.name) {
    *found = std::move(entry);
    return;
  }
  entries.insert(found, std::move(entry));
  if (entries.size() <= kLeafSize) return;
  auto upper = std::make_shared<Leaf>();
  upper->edit = edit;
  const auto middle = entries.begin() + static_cast<std::ptrdiff_t>(entries.size() / 2);
  upper->entries.assign(std::make_move_iterator(middle), std::make_move_iterator(entries.end()));
  entries.erase(middle, entries.end());
  leaves_.insert(leaves_.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(upper));
}

void Entries::erase(Stamp edit, std::string_view name) {
  const std::size_t index = leaf_of(name);
  std::vector<Entry>& entries = own(leaves_[index], edit).entries;
  entries.erase(position(entries, name));
  if (entries.empty()) leaves_.erase(leaves_.begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace entryproof::node
