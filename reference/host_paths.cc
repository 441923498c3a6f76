#include "reference/host_paths.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "reference/files.h"

namespace reference {
namespace {

constexpr std::string_view kUsualPrefix = "/host";
constexpr std::size_t kMountTableCap = 4 * 1024 * 1024;

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) found.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return found;
}

// The directory within its file system, by the mount that holds it: "/var/lib/k3s/cni/net.d" for a bind mount of that. The file system may
// be mounted anywhere on the host, so this is the end of the host's name and not all of it.
std::string root_of(std::string_view mount_table, const std::string& directory) {
  std::string best_point;
  std::string root;
  while (!mount_table.empty()) {
    const std::size_t end = std::min(mount_table.find('\n'), mount_table.size());
    const auto fields = words(mount_table.substr(0, end));
    mount_table.remove_prefix(std::min(end + 1, mount_table.size()));
    if (fields.size() < 5) continue;
    const std::string point(fields[4]);
    const bool holds = directory == point || is_below(directory, point);
    if (!holds || point.size() < best_point.size()) continue;
    best_point = point;
    const std::string_view rest = std::string_view(directory).substr(point == "/" ? 0 : point.size());
    root = clean_path(std::string(fields[3]) + std::string(rest));
  }
  // The root of a file system says nothing about where the host has it, and our own root is no volume.
  return best_point == "/" || root == "/" ? "" : root;
}

// "/etc/cni/net.d/multus.d/x" and "/host/etc/cni/net.d": some end of the directory begins the path.
// Gives the length of the directory's part before that, which is the container's prefix.
std::optional<std::size_t> prefix_length(const std::string& host_path, const std::string& directory) {
  for (std::size_t at = 0; at != std::string::npos; at = directory.find('/', at + 1)) {
    if (is_below(host_path, std::string_view(directory).substr(at))) return at;
  }
  return std::nullopt;
}

std::optional<std::string> by_mount(const std::string& host_path, const std::string& directory, const std::string& root) {
  if (root.empty()) return std::nullopt;
  const std::size_t at = host_path.find(root + "/");
  if (at == std::string::npos) return std::nullopt;
  return directory + host_path.substr(at + root.size());
}

bool climbs(const std::string& path) { return (path + "/").find("/../") != std::string::npos; }

}  // namespace

HostPaths::HostPaths(std::vector<std::string> directories, const std::string& known, std::string_view mount_table) {
  for (std::string& directory : directories) {
    if (prefix_.empty()) prefix_ = directory.substr(0, prefix_length(known, directory).value_or(0));
    if (prefix_.empty() && is_below(directory, kUsualPrefix)) prefix_ = kUsualPrefix;
    std::string root = root_of(mount_table, directory);
    volumes_.push_back({.directory = std::move(directory), .root = std::move(root)});
  }
}

std::optional<std::string> HostPaths::in_container(const std::string& host_path) const {
  if (climbs(host_path)) return std::nullopt;
  for (const Volume& volume : volumes_) {
    const auto prefix = prefix_length(host_path, volume.directory);
    if (prefix) return volume.directory.substr(0, *prefix) + host_path;
  }
  for (const Volume& volume : volumes_) {
    if (auto found = by_mount(host_path, volume.directory, volume.root)) return found;
  }
  return std::nullopt;
}

HostPaths make_host_paths(Host& host, const Options& options) {
  const std::string& known = options.multus_kubeconfig_file_host;
  std::vector<std::string> directories{options.cni_conf_dir, options.cni_bin_dir};
  // Nobody need have mounted where primaries would be looked for, if none is looked for.
  if (options.automatic()) directories.insert(directories.begin() + 1, options.multus_autoconfig_dir);
  HostPaths paths(directories, known, "");
  if (paths.in_container(known)) return paths;
  const auto table = read_file(host, "/proc/self/mountinfo", kMountTableCap);
  return {directories, known, table ? table->bytes : ""};
}

std::string HostPaths::on_host(const std::string& path) const {
  return !prefix_.empty() && is_below(path, prefix_) ? path.substr(prefix_.size()) : path;
}

}  // namespace reference
