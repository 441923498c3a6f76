// Copy on write by stamps.
//
// Every piece of a Tree (its table, an inode, a page) carries the stamp of the edit that made it. A Tree changes a piece in place only if
// the piece bears its own stamp, and copies it first otherwise; taking a snapshot takes the stamp away from both sides. Unlike asking a
// reference count whether it is 1, this is free of races when snapshots live on different threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace entryproof::node {

using Stamp = std::uint64_t;

// A number never given before in this process, and never 0.
inline Stamp next_stamp() {
  static std::atomic<Stamp> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// The piece behind `shared`, for change by `edit`.
template <class T>
T& own(std::shared_ptr<T>& shared, Stamp edit) {
  if (shared->edit != edit) {
    shared = std::make_shared<T>(*shared);
    shared->edit = edit;
  }
  return *shared;
}

}  // namespace entryproof::node
