// Sets: which parts of a window's micro-operations a crash may keep.
//
// A set is allowed if with each member it holds what that member needs. Sets are over the positions of Window::varied; needs that go by way
// of micro-operations nobody sees are kept. Two kinds of set: one machine word, and many.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "simulator/durability/order.h"

namespace entryproof::durability {

class SmallSet {
 public:
  static constexpr std::size_t kCapacity = 64;
  explicit SmallSet(std::size_t = 0) {}
  bool test(Index i) const { return ((bits_ >> i) & 1) != 0; }
  void add(Index i) { bits_ |= std::uint64_t{1} << i; }
  void remove(Index i) { bits_ &= ~(std::uint64_t{1} << i); }
  void add(const SmallSet& other) { bits_ |= other.bits_; }
  bool holds(const SmallSet& other) const { return (other.bits_ & ~bits_) == 0; }
  bool meets(const SmallSet& other) const { return (other.bits_ & bits_) != 0; }

 private:
  std::uint64_t bits_ = 0;
};

class LargeSet {
 public:
  explicit LargeSet(std::size_t size = 0) : words_((size + 63) / 64, 0) {}
  bool test(Index i) const { return ((words_[i / 64] >> (i % 64)) & 1) != 0; }
  void add(Index i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  void remove(Index i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
  void add(const LargeSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  bool holds(const LargeSet& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if ((other.words_[i] & ~words_[i]) != 0) return false;
    }
    return true;
  }
  bool meets(const LargeSet& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if ((other.words_[i] & words_[i]) != 0) return true;
    }
    return false;
  }

 private:
  std::vector<std::uint64_t> words_;
};

// The first `count` positions.
struct Prefix {
  Index count = 0;
  bool test(Index i) const { return i < count; }
};

// A file that has more dirty pages than this in one window is not given every subset of them: all, none, each prefix, each page missing
// alone. Whether a file is right depends on all its bytes, so a hole tells as much as several; and it does not depend on the bytes of
// another one, so that of several such files one at a time is torn, with all or nothing of the others.
inline constexpr std::size_t kFreePages = 4;
// More than this many in one window are not varied: the oldest are taken as durable.
inline constexpr std::size_t kVariedCap = 4096;

template <class Set>
class Sets {
 public:
  // The window must have at most kVariedCap varied micro-operations, and Set room for them.
  Sets(const Compiled& compiled, const Window& window);

  std::size_t size() const { return before_.size(); }
  // What must be in a set that this is in, without itself.
  const Set& before(Index position) const { return before_[position]; }

  // Calls visit(set) for every allowed set (but for pages, see kFreePages), in an order that is always the same, the emptiest first. False
  // if it was stopped by the visitor's false.
  template <class Visit>
  bool each(Visit&& visit) const {
    Walk<Visit> walk{*this, visit, Set(size()), std::vector<char>(size(), kFree), false};
    return walk.from(0);
  }

  // All prefixes, all omissions of one or, if `pairs`, two, all single survivors, each with what hangs on it.
  template <class Visit>
  bool some(bool pairs, Visit&& visit) const;

 private:
  static constexpr char kFree = 0;
  static constexpr char kIn = 1;
  static constexpr char kOut = 2;

  template <class Visit>
  struct Walk {
    const Sets& sets;
    Visit& visit;
    Set set;
    std::vector<char> decided;
    bool torn = false;  // a file of many pages has some of them

    bool from(Index at) {
      if (at == sets.size()) return visit(set);
      const Index group = sets.group_[at];
      if (group != kNone && decided[at] == kFree) return pages(at, sets.groups_[group]);
      if (decided[at] != kIn && !from(at + 1)) return false;
      if (decided[at] == kOut || !set.holds(sets.before_[at])) return true;
      set.add(at);
      const bool more = from(at + 1);
      set.remove(at);
      return more;
    }

    // The pages of one file are decided all at once, when the first of them comes.
    bool pages(Index at, const std::vector<Index>& members) {
      const auto decide = [&](auto&& keep) {
        for (std::size_t i = 0; i < members.size(); ++i) decided[members[i]] = keep(i) ? kIn : kOut;
        return from(at);
      };
      bool more = decide([](std::size_t) { return false; }) && decide([](std::size_t) { return true; });
      if (!torn) {
        torn = true;
        for (std::size_t kept = 1; more && kept < members.size(); ++kept) more = decide([&](std::size_t i) { return i < kept; });
        for (std::size_t gone = 0; more && gone + 1 < members.size(); ++gone) {
          const std::uint64_t number = sets.numbers_[members[gone]];
          more = decide([&](std::size_t i) { return sets.numbers_[members[i]] != number; });
        }
        torn = false;
      }
      for (const Index member : members) decided[member] = kFree;
      return more;
    }
  };

  void find_groups(const Compiled& compiled, const Window& window);

  std::vector<Set> before_;   // by position
  std::vector<Index> group_;  // by position: of the pages of one file; kNone
  std::vector<std::vector<Index>> groups_;
  std::vector<std::uint64_t> numbers_;  // by position: of pages
};

template <class Set>
Sets<Set>::Sets(const Compiled& compiled, const Window& window) : group_(window.varied.size(), kNone), numbers_(window.varied.size(), 0) {
  const std::size_t count = window.varied.size();
  std::vector<Set> reach(window.pending.size(), Set(count));  // by position in `pending`
  Index varied = 0;
  for (Index i = 0; i < window.pending.size(); ++i) {
    for (const Index other : window.needs[i]) reach[i].add(reach[other]);
    if (varied == count || window.varied[varied] != window.pending[i]) continue;
    before_.push_back(reach[i]);
    reach[i].add(varied++);
  }
  find_groups(compiled, window);
}

template <class Set>
void Sets<Set>::find_groups(const Compiled& compiled, const Window& window) {
  std::unordered_map<Index, std::vector<Index>> pages;  // by object
  for (Index i = 0; i < window.varied.size(); ++i) {
    const MicroOp& micro = compiled.micros[window.varied[i]];
    if (micro.kind != Kind::kPage) continue;
    numbers_[i] = micro.number;
    pages[micro.object].push_back(i);
  }
  for (auto& [object, members] : pages) {
    std::vector<std::uint64_t> numbers;
    for (const Index member : members) numbers.push_back(numbers_[member]);
    std::ranges::sort(numbers);
    const auto repeated = std::ranges::unique(numbers);
    if (numbers.size() - repeated.size() <= kFreePages) continue;
    for (const Index member : members) group_[member] = static_cast<Index>(groups_.size());
    groups_.push_back(std::move(members));
  }
}

template <class Set>
template <class Visit>
bool Sets<Set>::some(bool pairs, Visit&& visit) const {
  const auto count = static_cast<Index>(size());
  Set set(count);
  for (Index i = 0; i <= count; ++i) {
    if (!visit(set)) return false;
    if (i < count) set.add(i);
  }
  const auto without = [&](const Set& gone) {
    Set left(count);
    for (Index i = 0; i < count; ++i) {
      if (!gone.test(i) && !gone.meets(before_[i])) left.add(i);
    }
    return visit(left);
  };
  for (Index i = 0; i < count; ++i) {
    Set gone(count);
    gone.add(i);
    if (!without(gone)) return false;
    for (Index j = i + 1; pairs && j < count; ++j) {
      gone.add(j);
      if (!without(gone)) return false;
      gone.remove(j);
    }
  }
  for (Index i = 0; i < count; ++i) {
    Set alone = before_[i];
    alone.add(i);
    if (!visit(alone)) return false;
  }
  return true;
}

}  // namespace entryproof::durability
