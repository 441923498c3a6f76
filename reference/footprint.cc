#include "reference/footprint.h"

#include <algorithm>
#include <utility>

#include "reference/files.h"

namespace reference {
namespace {

bool same(const std::optional<FileStatus>& left, const std::optional<FileStatus>& right) {
  return left && right ? unchanged(*left, *right) : !left && !right;
}

}  // namespace

bool Footprint::undisturbed() {
  const auto now = host_.monotonic();
  Statuses statuses = take();
  if (trusted_ && now + poll_interval_ - looked_ <= kFullLook && std::ranges::equal(statuses, now_, same)) return true;
  trusted_ = false;
  if (now_.size() != before_.size() || !std::ranges::equal(now_, before_, same)) {
    before_ = std::move(now_);
    seen_before_ = looked_;
  }
  now_ = std::move(statuses);
  looked_ = now;
  return false;
}

void Footprint::settled(std::vector<Trace> traces) {
  if (traces != traces_) {
    traces_ = std::move(traces);
    now_.clear();
    before_.clear();
    return;
  }
  trusted_ = !now_.empty() && std::ranges::equal(now_, before_, same) && looked_ - seen_before_ >= kTick;
}

Footprint::Statuses Footprint::take() const {
  Statuses statuses;
  for (const Trace& trace : traces_) {
    const auto status = trace.follow ? host_.stat(trace.path) : host_.lstat(trace.path);
    statuses.push_back(status ? std::optional(*status) : std::nullopt);
  }
  return statuses;
}

}  // namespace reference
