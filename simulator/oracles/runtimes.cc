#include "simulator/oracles/runtimes.h"

#include <fmt/format.h>

#include "simulator/oracles/host.h"

namespace entryproof::oracles {
namespace {

struct Loaded {
  std::shared_ptr<const CniConfig> config;
  std::string error;  // why a runtime cannot use the file
};

Loaded load(const node::Tree& tree, std::string_view net_dir, const std::string& file, CniConfigReader& reader) {
  Loaded loaded;
  const auto inode = resolve_on_host(tree, join(net_dir, file));
  const auto attributes = inode ? tree.attributes(*inode) : node::refuse(2);
  if (!attributes) {
    loaded.error = "it leads nowhere";
  } else if (attributes->type != node::FileType::kFile) {
    loaded.error = "it is no regular file";
  } else if (attributes->size > kConfigBytesMax) {
    loaded.error = "it is larger than 2 MiB";
  } else if (const auto bytes = tree.read_all(*inode, kConfigBytesMax); bytes) {
    loaded.config = reader.read(*bytes, file.ends_with(".conflist"));
    loaded.error = loaded.config->error;
  } else {
    loaded.error = "it cannot be read";
  }
  return loaded;
}

bool has_executable(const node::Tree& tree, std::string_view bin_dir, const std::string& name) {
  if (name.find('/') != std::string::npos) return false;  // libcni refuses a path as a type
  const auto inode = resolve_on_host(tree, join(bin_dir, name));
  const auto attributes = inode ? tree.attributes(*inode) : node::refuse(2);
  return attributes && attributes->type == node::FileType::kFile && (attributes->mode & 0111) != 0;
}

std::string no_file(std::string_view net_dir) { return fmt::format("no configuration in {}", net_dir); }

}  // namespace

std::vector<std::string> loadable_files(const node::Tree& tree, std::string_view net_dir) {
  std::vector<std::string> files;
  const auto directory = resolve_on_host(tree, net_dir);
  if (!directory) return files;
  const auto entries = tree.list(*directory);
  if (!entries) return files;
  for (const node::Entry& entry : *entries) {
    if (entry.type != node::FileType::kDirectory && is_loadable_name(entry.name)) files.push_back(entry.name);
  }
  return files;
}

RuntimeSelection containerd_selection(const node::Tree& tree, std::string_view net_dir, CniConfigReader& reader) {
  RuntimeSelection selection;
  const std::vector<std::string> files = loadable_files(tree, net_dir);
  if (files.empty()) {
    selection.not_ready = no_file(net_dir);
    return selection;
  }
  Loaded loaded = load(tree, net_dir, files.front(), reader);
  if (!loaded.error.empty()) {
    selection.not_ready = fmt::format("{}: {}", files.front(), loaded.error);
    return selection;
  }
  selection.file = files.front();
  selection.config = std::move(loaded.config);
  return selection;
}

RuntimeSelection crio_selection(const node::Tree& tree, std::string_view net_dir, std::string_view bin_dir, CniConfigReader& reader) {
  RuntimeSelection selection;
  for (const std::string& file : loadable_files(tree, net_dir)) {
    Loaded loaded = load(tree, net_dir, file, reader);
    if (loaded.error.empty()) {
      for (const std::string& type : loaded.config->types) {
        if (loaded.error.empty() && !has_executable(tree, bin_dir, type)) loaded.error = fmt::format("there is no plugin {}", type);
      }
    }
    if (loaded.error.empty()) {
      selection.file = file;
      selection.config = std::move(loaded.config);
      return selection;
    }
    selection.skipped.push_back({file, std::move(loaded.error)});
  }
  selection.not_ready = selection.skipped.empty() ? no_file(net_dir) : fmt::format("no configuration in {} is usable", net_dir);
  return selection;
}

}  // namespace entryproof::oracles
