// Order: when a model makes what durable, and what must be durable before what.
//
// A Window is the moment before something becomes durable, is told, or the trace ends: what has been done and is not durable yet is
// pending, and a crash keeps some of it. What a set may be is said by `needs`, as positions in `pending`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "simulator/durability/compiled.h"

namespace entryproof::durability {

struct Window {
  std::size_t number = 0;                 // from 1, among the windows of this model
  Index cut = 0;                          // this many operations of the trace have happened
  std::size_t acknowledged = 0;           // this many acknowledgements have been given
  std::string before;                     // for people: "op 31 fsync /x: ok", "the end"
  std::vector<Index> pending;             // micro-operations that are not durable, in order
  std::vector<std::vector<Index>> needs;  // by position in `pending`: earlier positions
  std::vector<Index> varied;              // those of `pending` that can be seen: micro-operations, in order
};

// All windows of a power cut in which something that can be seen has changed or been told since the one before. Stops if the visitor
// returns false. Not for kKill, where nothing pending is lost.
void each_window(const Compiled& compiled, Model model, const std::function<bool(const Window&)>& visit);

// The window at the end of the trace.
Window last_window(const Compiled& compiled, Model model);

// The one window in which everything that can be seen is pending, each after all before it: of its sets, the prefixes are what kills leave.
Window whole(const Compiled& compiled);

}  // namespace entryproof::durability
