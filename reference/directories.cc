#include "reference/directories.h"

#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "reference/files.h"

namespace reference {
namespace {

constexpr int kLinks = 40;  // as many as the kernel follows

struct Part {
  std::string name;
  bool of_link = false;  // a link said so, not the caller
};

// In reverse, so that the next one is at the back.
void push(std::vector<Part>& parts, std::string_view path, bool of_link) {
  std::size_t end = path.size();
  while (end > 0) {
    const std::size_t slash = path.rfind('/', end - 1);
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    const std::string_view name = path.substr(begin, end - begin);
    if (!name.empty() && name != ".") parts.push_back({.name = std::string(name), .of_link = of_link});
    end = slash == std::string_view::npos ? 0 : slash;
  }
}

std::unexpected<Problem> leads_nowhere(const std::string& link, const std::string& target) {
  return refuse(kExitConfiguration, "cannot use " + link + ": it is a link to " + target +
                                        ", which this container does not have; mount that directory of the host instead, or name it");
}

}  // namespace

Result<std::string> Directories::find(const std::string& directory) {
  if (const auto found = found_.find(directory); found != found_.end()) return found->second;
  auto real = look(directory);
  if (real) found_[directory] = *real;
  return real;
}

Result<std::string> Directories::look(const std::string& directory) {
  const auto status = host_.stat(directory);
  const auto known = plain_.find(directory);
  if (status && known != plain_.end() && known->second.device == status->device && known->second.inode == status->inode) return directory;
  plain_.erase(directory);
  auto found = walk(directory);
  if (found && *found == directory && status) plain_[directory] = *status;
  return found;
}

Result<std::string> Directories::walk(const std::string& directory) const {
  std::vector<Part> left;
  push(left, directory, false);
  std::string here = "/";
  std::string last_link;
  std::string last_target;
  int links = 0;
  bool missing = false;
  while (!left.empty()) {
    const Part part = left.back();
    left.pop_back();
    if (part.name == "..") {
      if (missing) return std::unexpected(system_problem("look at", here, Errno{ENOENT}, kExitOutput));
      here = directory_of(here);
      continue;
    }
    const std::string next = join(here, part.name);
    const auto target = host_.readlink(next);
    if (target) {
      if (++links > kLinks) return refuse(kExitConfiguration, "cannot use " + directory + ": its links lead in a circle");
      last_link = next;
      last_target = *target;
      auto path = target_of(next, *target);
      if (!path) return path;
      if (path->starts_with('/')) here.assign(1, '/');
      push(left, *path, true);
    } else if (target.error() == Errno{EINVAL}) {
      here = next;
    } else if (target.error() != Errno{ENOENT}) {
      return std::unexpected(system_problem("look at", next, target.error(), kExitOutput));
    } else if (part.of_link) {
      return leads_nowhere(last_link, last_target);
    } else {
      here = next;  // it is still to be made, and so is all below it
      missing = true;
    }
  }
  return here;
}

// A relative target stays as it is. An absolute one is meant for the host, and only there does it lead where it says.
Result<std::string> Directories::target_of(const std::string& link, const std::string& target) const {
  if (!target.starts_with('/')) return target;
  if (const std::string& prefix = paths_.prefix(); !prefix.empty() && is_below(link, prefix)) return std::string(prefix).append(target);
  const auto from = host_.lstat(link);
  const auto to = host_.stat(target);
  if (!from || !to) return leads_nowhere(link, target);
  // Without a prefix the names of both sides are the same, but our own root has such directories, too. They are on another device.
  if (from->device != to->device) return leads_nowhere(link, target);
  return target;
}

}  // namespace reference
