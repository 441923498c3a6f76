#include "simulator/audit/place.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/host.h"
#include "simulator/oracles/runtimes.h"

namespace entryproof::audit {
namespace {

constexpr std::size_t kSettingsMax = 1U << 20;

struct Known {
  const char* name;
  const char* net_dir;
  std::array<const char*, 2> bin_dirs;
};
constexpr std::array<Known, 4> kKnown{{
    {"k3s", "/var/lib/rancher/k3s/agent/etc/cni/net.d", {"/var/lib/rancher/k3s/data/cni", "/var/lib/rancher/k3s/data/current/bin"}},
    {"OpenShift", "/etc/kubernetes/cni/net.d", {"/var/lib/cni/bin", "/usr/libexec/cni"}},
    {"MicroK8s", "/var/snap/microk8s/current/args/cni-network", {"/var/snap/microk8s/current/opt/cni/bin", ""}},
    {"the usual place", "/etc/cni/net.d", {"/opt/cni/bin", "/usr/libexec/cni"}},
}};

bool exists(const node::Tree& tree, std::string_view path) { return oracles::resolve_on_host(tree, path).has_value(); }

bool is_there(NodeRoot& root, std::string_view path) {
  root.take(path, 0);
  return exists(root.tree(), path) || !root.obstacle(path).empty();
}

bool of_settings(std::string_view name) { return name.ends_with(".conf") || name.ends_with(".toml"); }

struct Said {
  std::string file;
  std::vector<std::string> net_dirs;
  std::vector<std::string> bin_dirs;
};

// What the runtime's own files say; later files go before earlier ones.
std::optional<Said> said_by(NodeRoot& root, const std::vector<std::string>& files, const char* net_key, std::vector<const char*> bin_keys) {
  std::optional<Said> said;
  for (const std::string& file : files) {
    root.take(file, kSettingsMax);
    const auto text = oracles::read_host_file(root.tree(), file, kSettingsMax);
    if (!text) continue;
    auto net_dirs = toml_strings(*text, net_key);
    if (!said && !net_dirs.empty()) said.emplace();
    if (!said) continue;
    if (!net_dirs.empty()) {
      said->file = file;
      said->net_dirs = std::move(net_dirs);
    }
    for (const char* key : bin_keys) {
      if (auto bin_dirs = toml_strings(*text, key); !bin_dirs.empty()) said->bin_dirs = std::move(bin_dirs);
    }
  }
  return said;
}

std::vector<std::string> crio_files(NodeRoot& root) {
  constexpr const char* kDropIns = "/etc/crio/crio.conf.d";
  std::vector<std::string> files{"/etc/crio/crio.conf"};
  root.take_directory(kDropIns, kSettingsMax, of_settings);
  const auto directory = oracles::resolve_on_host(root.tree(), kDropIns);
  const auto entries = directory ? root.tree().list(*directory) : node::refuse(2);
  if (entries) {
    for (const auto& entry : *entries) files.push_back(oracles::join(kDropIns, entry.name));
  }
  return files;
}

bool absolute(std::string_view path) { return path.starts_with('/') && path.find('$') == std::string_view::npos; }

// Of several directories the first that holds a Multus, else the first that is there.
std::string choose_bin_dir(NodeRoot& root, const std::vector<std::string>& candidates) {
  std::string there;
  for (const std::string& directory : candidates) {
    if (!absolute(directory)) continue;
    root.take_directory(directory, 0, [](std::string_view) { return false; });
    for (const char* plugin : {"multus", "multus-shim"}) {
      if (exists(root.tree(), oracles::join(directory, plugin))) return directory;
    }
    if (there.empty() && is_there(root, directory)) there = directory;
  }
  if (!there.empty()) return there;
  return candidates.empty() ? "/opt/cni/bin" : candidates.front();
}

}  // namespace

std::vector<std::string> toml_strings(std::string_view text, std::string_view key) {
  std::vector<std::string> found;
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    const auto rest = text.substr(std::min(end + 1, text.size()));
    while (!line.empty() && blank(line.front())) line.remove_prefix(1);
    if (line.starts_with(key)) {
      line.remove_prefix(key.size());
      while (!line.empty() && blank(line.front())) line.remove_prefix(1);
      if (line.starts_with('=')) {
        // A list may go on over lines: up to its bracket.
        const auto value = text.substr(static_cast<std::size_t>(line.data() - text.data()) + 1);
        const auto open = value.find_first_not_of(" \t");
        const bool list = open != std::string_view::npos && value[open] == '[';
        const std::string_view body = value.substr(0, std::min(value.find(list ? ']' : '\n'), value.size()));
        found.clear();
        for (std::size_t at = body.find_first_of("\"'"); at != std::string_view::npos; at = body.find_first_of("\"'", at)) {
          const auto closing = body.find(body[at], at + 1);
          if (closing == std::string_view::npos) break;
          found.emplace_back(body.substr(at + 1, closing - at - 1));
          at = closing + 1;
        }
      }
    }
    text = rest;
  }
  return found;
}

Place find_place(NodeRoot& root, const std::string& asked_net_dir, const std::string& asked_bin_dir) {
  Place place;
  const auto crio = said_by(root, crio_files(root), "network_dir", {"plugin_dirs", "plugin_dir"});
  const auto containerd = said_by(root,
                                  {"/etc/containerd/config.toml", "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
                                   "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"},
                                  "conf_dir", {"bin_dir", "bin_dirs"});
  place.crio = is_there(root, "/etc/crio") || is_there(root, "/var/lib/crio");
  place.containerd =
      containerd || is_there(root, "/etc/containerd") || is_there(root, "/var/lib/containerd") || is_there(root, kKnown.front().net_dir);
  if (!place.crio && !place.containerd) place.crio = place.containerd = true;

  std::vector<std::string> bin_dirs;
  const auto& said = place.crio && crio ? crio : containerd;
  if (!asked_net_dir.empty()) {
    place.net_dir = asked_net_dir;
    place.why = "as asked for";
  } else if (said && absolute(said->net_dirs.front())) {
    place.net_dir = said->net_dirs.front();
    place.why = fmt::format("{} says so", said->file);
    bin_dirs = said->bin_dirs;
  }
  for (const Known& known : kKnown) {
    const bool last = &known == &kKnown.back();
    if (place.net_dir.empty() && (last || is_there(root, known.net_dir))) {
      place.net_dir = known.net_dir;
      place.why = known.name;
    }
    if (place.net_dir == known.net_dir && bin_dirs.empty()) {
      for (const char* directory : known.bin_dirs) {
        if (*directory != '\0') bin_dirs.emplace_back(directory);
      }
    }
    if (place.net_dir != known.net_dir && is_there(root, known.net_dir)) place.elsewhere.emplace_back(known.net_dir);
  }
  if (!asked_bin_dir.empty()) bin_dirs = {asked_bin_dir};
  if (bin_dirs.empty()) bin_dirs = {"/opt/cni/bin"};
  root.take_directory(place.net_dir, oracles::kConfigBytesMax, oracles::is_loadable_name);
  place.bin_dir = choose_bin_dir(root, bin_dirs);
  root.take_directory(place.bin_dir, 0, [](std::string_view) { return false; });
  return place;
}

}  // namespace entryproof::audit
