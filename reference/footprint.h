// Footprint: has anything that matters changed since all was found right?
//
// A full look reads and compares every file. Most of the time nothing has happened, and the kernel can tell so much cheaper: a file whose
// device, inode, size, mode and time of change are the same has the same content. Two cautions. A change within the clock tick of the look
// leaves no trace, so a status counts only when it is older than that: two looks, some time apart, found it the same. And not everything
// that may matter has a path here, so a full look is due every few seconds in any case.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "reference/host.h"

namespace reference {

struct Trace {
  std::string path;
  bool follow = true;  // a link at the end of the path

  bool operator==(const Trace&) const = default;
};

class Footprint {
 public:
  // At most this long without a full look, if turns come every `poll_interval`.
  static constexpr std::chrono::seconds kFullLook{4};

  Footprint(Host& host, std::chrono::nanoseconds poll_interval) : host_(host), poll_interval_(poll_interval) {}

  // At the beginning of a turn. True: there is nothing to look at. False: a full look is due, and settled() tells how it ended.
  bool undisturbed();
  // The full look of this turn found everything right and wrote nothing; it depends on these.
  void settled(std::vector<Trace> traces);
  // Something has happened that leaves no trace.
  void disturb() { trusted_ = false; }
  // The next turn may have nothing to look at.
  bool trusted() const { return trusted_; }

 private:
  using Statuses = std::vector<std::optional<FileStatus>>;
  static constexpr std::chrono::milliseconds kTick{20};  // no file system's times are coarser, but for FAT's

  Statuses take() const;

  Host& host_;
  const std::chrono::nanoseconds poll_interval_;
  std::vector<Trace> traces_;
  Statuses now_;                            // at the beginning of this turn
  Statuses before_;                         // at the beginning of an earlier one
  std::chrono::nanoseconds looked_{};       // this full look
  std::chrono::nanoseconds seen_before_{};  // when before_ was taken
  bool trusted_ = false;
};

}  // namespace reference
