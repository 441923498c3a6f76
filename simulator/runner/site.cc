#include "simulator/runner/site.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "simulator/base/clock.h"
#include "simulator/cluster/change.h"

namespace entryproof::runner {

namespace {

// Short paths: every component of a volume's path is a question to the file system at each start of a container, and no build can see them.
constexpr const char* kPod = "/pods/multus";
constexpr const char* kRoot = "/rootfs";

// Stands for the plugin in the image: executable, and larger than one page and one copy buffer, so that a torn copy shows. Its bytes are
// different in every page.
std::string plugin_binary() {
  std::string bytes = "#!/bin/false\n# stands for the multus plugin binary of the image\n";
  for (unsigned line = 0; bytes.size() < 96 * 1024; ++line) bytes += "plugin-bytes-" + std::to_string(line * 2654435761U) + "\n";
  return bytes;
}

void add_directories(std::vector<cluster::Change>& changes, const std::string& path, std::vector<std::string>& made) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(1, (slash == std::string::npos ? path.size() : slash) - 1);
    if (!part.empty() && std::ranges::find(made, part) == made.end()) {
      made.push_back(part);
      changes.push_back(cluster::Change::mkdir(part, part == "rootfs/tmp" ? mode_t{01777} : mode_t{0755}));
    }
    if (slash == std::string::npos) return;
  }
}

node::Tree make_image(const Site& site) {
  std::vector<cluster::Change> changes;
  std::vector<std::string> made;
  for (const auto& volume : site.volumes) add_directories(changes, volume.node, made);
  for (const auto& point : site.mount_points()) add_directories(changes, point, made);
  const auto slash = site.image_plugin.rfind('/');
  add_directories(changes, site.image_plugin.substr(0, slash), made);
  changes.push_back(cluster::Change::write(site.image_plugin.substr(1), plugin_binary(), 0755));
  node::Tree tree;
  const auto done = cluster::apply(tree, node::kRoot, changes, VirtualClock::kDefaultEpochNs);
  return done ? tree : node::Tree();
}

}  // namespace

Site Site::usual() {
  Site site;
  site.root = kRoot;
  site.service_account = std::string(kPod) + "/kube-api-access";
  site.image_plugin = site.root + "/usr/src/multus-cni/bin/multus";
  site.volumes = {
      {"/tmp", site.root + "/tmp", false},
      {"/root", site.root + "/root", false},
      {"/run", site.root + "/run", false},
      {"/var", site.root + "/var", false},
      {"/host", site.root + "/host", false},
      {"/usr/src", site.root + "/usr/src", false},
      {"/host/etc/cni/net.d", site.net_dir, false},
      {"/host/etc/cni/multus", "/etc/cni/multus", false},
      {"/host/opt/cni/bin", site.bin_dir, false},
      {"/tmp/multus-conf", std::string(kPod) + "/multus-conf", true},
      {"/var/run/secrets/kubernetes.io/serviceaccount", site.service_account, true},
  };
  return site;
}

Site Site::with_directories(const std::string& net, const std::string& net_at, const std::string& bin, const std::string& bin_at) const {
  Site site = *this;
  const auto move = [&site](std::string& directory, const std::string& to, const std::string& at) {
    const auto volume = std::ranges::find(site.volumes, directory, &Volume::node);
    if (!to.empty()) directory = volume->node = to;
    if (!at.empty()) volume->inside = at;
  };
  move(site.net_dir, net, net_at);
  move(site.bin_dir, bin, bin_at);
  site.kubeconfig = site.net_dir + "/multus.d/multus.kubeconfig";
  return site;
}

void Site::mount(const std::string& inside, const std::string& node) {
  const auto same = std::ranges::find(volumes, inside, &Volume::inside);
  if (same != volumes.end()) {
    same->node = node;
    return;
  }
  const auto below = std::ranges::find_if(volumes, [&](const Volume& volume) { return volume.inside.starts_with(inside + "/"); });
  volumes.insert(below, {inside, node, false});
}

std::string Site::to_node(std::string_view path) const {
  if (path.starts_with("node:")) return std::string(path.substr(5));
  const Volume* best = nullptr;
  for (const auto& volume : volumes) {
    const bool within = path == volume.inside || (path.starts_with(volume.inside) && path[volume.inside.size()] == '/');
    if (within && (best == nullptr || volume.inside.size() > best->inside.size())) best = &volume;
  }
  if (best != nullptr) return best->node + std::string(path.substr(best->inside.size()));
  return root + std::string(path);
}

std::string Site::to_container(std::string_view node_path) const {
  const auto is_above = [&](const Volume& volume) {
    return node_path == volume.node || (node_path.starts_with(volume.node) && node_path[volume.node.size()] == '/');
  };
  const auto volume = std::ranges::find_if(volumes, is_above);
  return volume == volumes.end() ? std::string() : volume->inside + std::string(node_path.substr(volume->node.size()));
}

std::vector<std::string> Site::mount_points() const {
  std::vector<std::string> points;
  Site outer;
  outer.root = root;
  for (const auto& volume : volumes) {
    points.push_back(outer.to_node(volume.inside));
    outer.volumes.push_back(volume);
  }
  return points;
}

Result<node::View> Site::view(const node::Tree& tree) const {
  const node::View host;
  const node::Credentials anyone{};
  std::vector<node::Mount> mounts;
  const auto add = [&](const std::string& at, const std::string& directory, bool read_only) -> Result<> {
    const auto inode = host.resolve(tree, anyone, directory);
    if (!inode) return fail_errno("mount", directory, static_cast<int>(inode.error()));
    mounts.push_back({at, *inode, read_only});
    return {};
  };
  if (auto done = add("/", root, true); !done) return std::unexpected(done.error());
  for (const auto& volume : volumes) {
    if (auto done = add(volume.inside, volume.node, volume.read_only); !done) return std::unexpected(done.error());
  }
  return node::View(std::move(mounts));
}

bool Site::still(const node::View& view, const node::Tree& tree) const {
  const node::View host;
  const auto leads = [&](const node::Mount& mount, const std::string& directory, bool read_only) {
    return mount.directory == host.resolve(tree, node::Credentials{}, directory).value_or(0) && mount.read_only == read_only;
  };
  const auto& mounts = view.mounts();
  if (mounts.size() != volumes.size() + 1 || !leads(mounts.front(), root, true)) return false;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    if (mounts[i + 1].at != volumes[i].inside || !leads(mounts[i + 1], volumes[i].node, volumes[i].read_only)) return false;
  }
  return true;
}

const node::Tree& Site::image() const {
  static std::mutex mutex;
  static std::map<std::vector<std::string>, node::Tree> images;
  std::vector<std::string> key{root, image_plugin};
  for (const auto& volume : volumes) key.push_back(volume.inside + "=" + volume.node);
  const std::lock_guard lock(mutex);
  const auto found = images.find(key);
  return found != images.end() ? found->second : images.emplace(std::move(key), make_image(*this)).first->second;
}

}  // namespace entryproof::runner
