#include "simulator/oracles/attach.h"

#include <fmt/format.h>

#include "simulator/base/digest.h"
#include "simulator/oracles/host.h"

namespace entryproof::oracles {
namespace {

// The named file, if it is a Multus configuration.
std::shared_ptr<const CniConfig> own_config(const node::Tree& tree, const Layout& layout, std::string_view file, Readers& readers) {
  if (!is_loadable_name(file)) return nullptr;
  const auto bytes = read_host_file(tree, join(layout.net_dir, file), kConfigBytesMax);
  if (!bytes) return nullptr;
  auto config = readers.cni.read(*bytes, file.ends_with(".conflist"));
  return config->own() ? config : nullptr;
}

bool is_source(const node::Tree& tree, node::InodeId inode, const SourceBinary& source) {
  constexpr std::size_t kBinaryBytesMax = 1U << 30;
  if (source.bytes != nullptr) return tree.holds(inode, *source.bytes);
  const auto bytes = tree.read_all(inode, kBinaryBytesMax);
  return bytes && sha256_hex(*bytes) == source.sha256;
}

}  // namespace

PlacedBinary read_binary(const node::Tree& tree, const Layout& layout) {
  PlacedBinary binary;
  const std::string path = join(layout.bin_dir, layout.binary);
  const auto inode = resolve_on_host(tree, path);
  if (!inode) {
    binary.reason = fmt::format("there is no {}", path);
    return binary;
  }
  binary.inode = *inode;
  binary.state = PlacedBinary::State::kIncomplete;
  const auto attributes = tree.attributes(*inode);
  if (!attributes || attributes->type != node::FileType::kFile) {
    binary.reason = fmt::format("{} is no regular file", path);
  } else if ((attributes->mode & 0111) == 0) {
    binary.reason = fmt::format("{} is not executable (mode {:04o})", path, attributes->mode);
  } else if (attributes->size == 0) {
    binary.reason = fmt::format("{} is empty", path);
  } else if (layout.source && attributes->size != layout.source->size) {
    binary.reason = fmt::format("{} has {} bytes, the image's has {}", path, attributes->size, layout.source->size);
  } else if (layout.source && !is_source(tree, *inode, *layout.source)) {
    binary.reason = fmt::format("{} has not the image's bytes", path);
  }
  if (binary.reason.empty()) binary.state = PlacedBinary::State::kComplete;
  return binary;
}

Published published_configuration(const node::Tree& tree, const Layout& layout, Mode mode, std::string_view hint, Readers& readers) {
  Published published;
  const auto take = [&published](std::string file, std::shared_ptr<const CniConfig> config) {
    published.file = std::move(file);
    published.config = std::move(config);
  };
  if (mode == Mode::kManual) {
    if (auto config = own_config(tree, layout, hint, readers)) {
      take(std::string(hint), std::move(config));
      return published;
    }
  }
  RuntimeSelection selected = containerd_selection(tree, layout.net_dir, readers.cni);
  if (selected.ready() && selected.config->own()) {
    take(std::move(selected.file), std::move(selected.config));
    return published;
  }
  if (mode == Mode::kAutomatic) {
    published.reason = selected.ready() ? fmt::format("the runtime selects {}, which is not Multus'", selected.file)
                                        : fmt::format("the runtime is not ready: {}", selected.not_ready);
    return published;
  }
  for (const std::string& file : loadable_files(tree, layout.net_dir)) {
    if (auto config = own_config(tree, layout, file, readers)) {
      take(file, std::move(config));
      return published;
    }
  }
  published.reason = fmt::format("no Multus configuration in {}", layout.net_dir);
  return published;
}

Attachment attach(const node::Tree& tree, const Layout& layout, Mode mode, std::string_view hint, Readers& readers) {
  Attachment attachment;
  attachment.configuration = published_configuration(tree, layout, mode, hint, readers);
  attachment.binary = read_binary(tree, layout);
  const auto& config = attachment.configuration.config;
  attachment.kubeconfig_path = config == nullptr ? layout.kubeconfig : config->kubeconfig;
  attachment.kubeconfig = read_kubeconfig(tree, attachment.kubeconfig_path, readers.kubeconfig);

  if (config == nullptr) {
    attachment.obstacle = attachment.configuration.reason;
  } else if (config->kubeconfig.empty()) {
    attachment.obstacle = fmt::format("{} names no kubeconfig", attachment.configuration.file);
  } else if (attachment.binary.state != PlacedBinary::State::kComplete) {
    attachment.obstacle = attachment.binary.reason;
  } else if (attachment.kubeconfig.state != PlacedKubeconfig::State::kValid) {
    attachment.obstacle = fmt::format("the kubeconfig: {}", attachment.kubeconfig.reason);
  }
  return attachment;
}

}  // namespace entryproof::oracles
