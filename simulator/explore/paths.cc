#include "simulator/explore/paths.h"

#include <algorithm>

#include "simulator/base/digest.h"

namespace entryproof::explore {

std::vector<std::string> watched_paths(const runner::Site& site) {
  std::vector<std::string> paths = {"/etc/cni", site.net_dir, site.bin_dir};
  std::ranges::sort(paths);  // a directory comes before what lies in it
  std::vector<std::string> highest;
  for (auto& path : paths) {
    if (highest.empty() || (path != highest.back() && !path.starts_with(highest.back() + "/"))) highest.push_back(std::move(path));
  }
  return highest;
}

std::string digest_of(const std::vector<node::Operation>& journal) {
  std::string told;
  for (const auto& operation : journal) {
    if (node::counts(operation.verb)) told += operation.describe() + "\n";
  }
  return sha256_hex(told).substr(0, 12);
}

}  // namespace entryproof::explore
