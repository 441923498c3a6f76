#include "simulator/durability/order.h"

#include <algorithm>

namespace entryproof::durability {
namespace {

class Ordering {
 public:
  Ordering(const Compiled& compiled, Model model, const std::function<bool(const Window&)>& visit)
      : compiled_(compiled), model_(model), visit_(visit), durable_(compiled.micros.size(), 0) {}

  void run();
  // After run(): what is pending at the end, even if nothing has changed since the last window.
  Window at_end() const {
    Window last = window(static_cast<Index>(compiled_.operations.size()), static_cast<Index>(compiled_.micros.size()));
    last.number = number_;
    last.before = "the end";
    return last;
  }

 private:
  bool logs() const { return model_ == Model::kExt4 || model_ == Model::kXfs; }
  bool in_order() const { return model_ != Model::kPosix; }  // X1
  bool pending(Index micro) const { return durable_[micro] == 0; }
  std::vector<Index> forced_by(const Event& event) const;
  std::vector<Index> own(const Event& event) const;
  Index own_end(const Event& event) const;
  void add_log(const Event& event, std::vector<Index>& forced) const;
  void add_names(Index object, Index end, std::vector<Index>& forced) const;
  void close(std::vector<Index>& forced, bool at_once) const;
  bool show(Index cut, Index end, std::string before);
  bool show(const Event& event);
  Window window(Index cut, Index end) const;

  const Compiled& compiled_;
  const Model model_;
  const std::function<bool(const Window&)>& visit_;
  std::vector<char> durable_;  // by micro-operation
  Index oldest_ = 0;           // everything before it is durable
  std::size_t number_ = 0;
  std::size_t acknowledged_ = 0;
  std::size_t shown_acknowledged_ = ~std::size_t{0};
  bool overtaken_ = false;  // since then something was kept ahead of earlier changes (by a btrfs log, or the world): states that are new
  Index shown_end_ = 0;     // of the micro-operations at the last window
};

// Visits the indices of a sorted list that lie in [from, end).
template <class Visit>
void between(const std::vector<Index>& list, Index from, Index end, Visit&& visit) {
  for (auto at = std::ranges::lower_bound(list, from); at != list.end() && *at < end; ++at) visit(*at);
}

// C4, C5: what the barrier is asked to make durable.
std::vector<Index> Ordering::own(const Event& event) const {
  const Object& object = compiled_.objects[event.object];
  std::vector<Index> forced;
  const auto add = [&](Index micro) {
    const MicroOp& is = compiled_.micros[micro];
    if (pending(micro) && is.lost_at == kNone) forced.push_back(micro);
  };
  between(object.data, oldest_, event.micros, add);
  if (event.what != Event::What::kFdatasync) between(object.attributes, oldest_, event.micros, add);
  between(object.entries, oldest_, event.micros, add);
  return forced;
}

// After the object's own last pending change; 0 if there is none. What was only written in place changes the times, which fdatasync leaves
// out, as it does everything that is not needed to read the data.
Index Ordering::own_end(const Event& event) const {
  const Object& object = compiled_.objects[event.object];
  const bool data_only = event.what == Event::What::kFdatasync;
  Index end = 0;
  const auto reach = [&](Index micro) {
    if (pending(micro)) end = std::max(end, micro + 1);
  };
  const auto reach_data = [&](Index micro) {
    const MicroOp& is = compiled_.micros[micro];
    if (is.lost_at == kNone && (!data_only || is.kind == Kind::kSize || is.kind == Kind::kTruncate)) reach(micro);
  };
  between(object.data, oldest_, event.micros, reach_data);
  if (!data_only) {
    between(object.attributes, oldest_, event.micros, reach);
    between(object.entries, oldest_, event.micros, reach);
    between(object.names, oldest_, event.micros, reach);
  } else if (object.birth != kNone) {
    reach(object.birth);
  }
  return end;
}

// X2.
void Ordering::add_log(const Event& event, std::vector<Index>& forced) const {
  Index end = own_end(event);
  if (end > 0 && model_ == Model::kExt4 && compiled_.rules.compound) end = event.micros;
  for (Index micro = oldest_; micro < end; ++micro) {
    if (pending(micro) && is_metadata(compiled_.micros[micro].kind)) forced.push_back(micro);
  }
}

// btrfs: an object is logged with all its names, and with the directories above them that are new.
void Ordering::add_names(Index object, Index end, std::vector<Index>& forced) const {
  between(compiled_.objects[object].names, oldest_, end, [&](Index micro) {
    if (pending(micro)) forced.push_back(micro);
  });
  std::vector<Index> above;
  for (const Index micro : compiled_.objects[object].names) {
    if (micro >= end) break;
    for (const Index slot : compiled_.micros[micro].slots) {
      if (slot != kNone) above.push_back(compiled_.slots[slot].directory);
    }
  }
  std::vector<char> seen(above.empty() ? 0 : compiled_.objects.size(), 0);
  while (!above.empty()) {
    const Index directory = above.back();
    above.pop_back();
    const Index birth = compiled_.objects[directory].birth;
    if (seen[directory] != 0 || birth == kNone || birth >= end || !pending(birth)) continue;
    seen[directory] = 1;
    forced.push_back(birth);
    above.push_back(compiled_.slots[compiled_.micros[birth].slots[0]].directory);
  }
}

// Adds what must be durable before it.
void Ordering::close(std::vector<Index>& forced, bool at_once) const {
  std::vector<char> in(compiled_.micros.size() - oldest_, 0);
  std::vector<Index> open = std::move(forced);
  forced.clear();
  Index logged = oldest_;
  while (!open.empty()) {
    const Index micro = open.back();
    open.pop_back();
    if (!pending(micro) || std::exchange(in[micro - oldest_], 1) != 0) continue;
    forced.push_back(micro);
    const MicroOp& is = compiled_.micros[micro];
    open.insert(open.end(), is.needs.begin(), is.needs.end());
    if (at_once) continue;
    if (model_ == Model::kExt4) open.insert(open.end(), is.flushes.begin(), is.flushes.end());
    if (!logs() || !is_metadata(is.kind)) continue;
    for (; logged < micro; ++logged) {
      if (is_metadata(compiled_.micros[logged].kind)) open.push_back(logged);
    }
  }
}

std::vector<Index> Ordering::forced_by(const Event& event) const {
  std::vector<Index> forced;
  if (event.what == Event::What::kAcknowledge) return forced;
  if (event.what == Event::What::kAtOnce) {
    for (Index micro = event.micros; micro < event.end; ++micro) forced.push_back(micro);
    close(forced, true);
    return forced;
  }
  const Object& object = compiled_.objects[event.object];
  bool touched = false;
  const auto touch = [&](Index micro) { touched |= pending(micro) && compiled_.micros[micro].lost_at == kNone; };
  for (const auto* list : {&object.data, &object.attributes, &object.entries, &object.names}) between(*list, oldest_, event.micros, touch);
  if (!touched) return forced;  // nothing of its own is pending: it guarantees nothing
  forced = own(event);
  if (logs()) add_log(event, forced);
  if (model_ == Model::kBtrfs) add_names(event.object, own_end(event), forced);
  close(forced, false);
  return forced;
}

Window Ordering::window(Index cut, Index end) const {
  Window window;
  window.cut = cut;
  window.acknowledged = acknowledged_;
  std::vector<Index> position(end - oldest_, kNone);
  Index logged = kNone;  // the position of the last metadata
  for (Index micro = oldest_; micro < end; ++micro) {
    if (!pending(micro)) continue;
    const MicroOp& is = compiled_.micros[micro];
    const auto self = static_cast<Index>(window.pending.size());
    position[micro - oldest_] = self;
    window.pending.push_back(micro);
    if (is.visible) window.varied.push_back(micro);
    std::vector<Index>& needs = window.needs.emplace_back();
    const auto add = [&](Index other) {
      if (other >= oldest_ && position[other - oldest_] != kNone) needs.push_back(position[other - oldest_]);
    };
    for (const Index other : is.needs) add(other);
    if (model_ == Model::kExt4) {
      for (const Index other : is.flushes) add(other);
    }
    if (!in_order() || !is_metadata(is.kind)) continue;
    if (logged != kNone) needs.push_back(logged);
    logged = self;
  }
  return window;
}

bool Ordering::show(Index cut, Index end, std::string before) {
  const bool changed = std::ranges::lower_bound(compiled_.visible, end) != std::ranges::lower_bound(compiled_.visible, shown_end_);
  if (number_ > 0 && !changed && !overtaken_ && acknowledged_ == shown_acknowledged_) return true;
  Window next = window(cut, end);
  next.number = ++number_;
  next.before = std::move(before);
  shown_end_ = end;
  shown_acknowledged_ = acknowledged_;
  overtaken_ = false;
  return visit_(next);
}

bool Ordering::show(const Event& event) {
  if (event.what == Event::What::kAcknowledge) {
    return show(event.operation, event.micros, "\"" + compiled_.acknowledgements[acknowledged_].what + "\"");
  }
  const node::Operation& operation = compiled_.operations[event.operation];
  return show(event.operation, event.micros, "op " + std::to_string(operation.seq) + " " + operation.describe());
}

void Ordering::run() {
  for (const Event& event : compiled_.events) {
    const std::vector<Index> forced = forced_by(event);
    const bool seen = std::ranges::any_of(forced, [&](Index micro) { return compiled_.micros[micro].visible; });
    if ((seen || event.what == Event::What::kAcknowledge) && !show(event)) return;
    if (event.what == Event::What::kAcknowledge) ++acknowledged_;
    for (const Index micro : forced) durable_[micro] = 1;
    overtaken_ |= seen && (model_ == Model::kBtrfs || event.what == Event::What::kAtOnce);
    while (oldest_ < durable_.size() && durable_[oldest_] != 0) ++oldest_;
  }
  show(static_cast<Index>(compiled_.operations.size()), static_cast<Index>(compiled_.micros.size()), "the end");
}

}  // namespace

void each_window(const Compiled& compiled, Model model, const std::function<bool(const Window&)>& visit) {
  Ordering(compiled, model, visit).run();
}

Window last_window(const Compiled& compiled, Model model) {
  const std::function<bool(const Window&)> pass = [](const Window&) { return true; };
  Ordering ordering(compiled, model, pass);
  ordering.run();
  return ordering.at_end();
}

Window whole(const Compiled& compiled) {
  Window window;
  window.number = 1;
  window.cut = static_cast<Index>(compiled.operations.size());
  window.acknowledged = compiled.acknowledgements.size();
  window.before = "the end";
  window.pending = window.varied = compiled.visible;
  window.needs.resize(window.pending.size());
  for (Index i = 1; i < window.needs.size(); ++i) window.needs[i].push_back(i - 1);
  return window;
}

}  // namespace entryproof::durability
