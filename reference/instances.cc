#include "reference/instances.h"

#include <fcntl.h>

#include <cerrno>

namespace reference {

void Instances::appear(const std::string& directory) {
  if (unsupported_) return;
  const auto status = host_.stat(directory);
  if (!status) return;
  if (directory_ && status->device == status_.device && status->inode == status_.inode) return;
  directory_.reset();
  auto opened = open_file(host_, directory, O_RDONLY | O_DIRECTORY);
  if (!opened) return;
  if (const auto marked = host_.mark(opened->get(), number_); !marked) {
    unsupported_ = marked.error() == Errno{ENOTSUP};
    return;
  }
  directory_.emplace(std::move(*opened));
  status_ = *status;
}

std::optional<bool> Instances::newer() const {
  if (!directory_) return std::nullopt;
  const auto found = host_.marked_above(directory_->get(), number_);
  return found ? std::optional(*found) : std::nullopt;
}

}  // namespace reference
