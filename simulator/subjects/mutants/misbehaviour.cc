#include "simulator/subjects/mutants/misbehaviour.h"

#include <fcntl.h>

#include <string_view>

#include "reference/files.h"
#include "reference/multus_config.h"

namespace entryproof::subjects {
namespace {

bool is_loadable(std::string_view name) { return name.ends_with(".conf") || name.ends_with(".conflist") || name.ends_with(".json"); }

bool lies_in_volume(const std::string& path, const std::string& file) {
  return reference::name_of(path) == reference::name_of(file) && path.starts_with(reference::directory_of(file) + "/");
}

}  // namespace

Places::Places(const reference::Options& options)
    : automatic(options.automatic()),
      configurations(reference::clean_path(options.cni_conf_dir)),
      primaries(reference::clean_path(options.multus_autoconfig_dir)),
      binary(reference::clean_path(options.cni_bin_dir + "/multus")),
      manual_source(options.multus_conf_file),
      token_(options.token_file),
      ca_(options.ca_file),
      manual_name_(reference::name_of(options.multus_conf_file)) {
  // The last directory and the name of the kubeconfig are the same inside the container and on the host.
  const std::string on_host = reference::clean_path(options.multus_kubeconfig_file_host);
  kubeconfig_ending_ = "/" + reference::name_of(reference::directory_of(on_host)) + "/" + reference::name_of(on_host);
  kubeconfig = configurations + kubeconfig_ending_;
}

bool Places::in_configurations(const std::string& path) const { return reference::directory_of(path) == configurations; }

bool Places::is_configuration(const std::string& path) const {
  if (!in_configurations(path)) return false;
  const std::string name = reference::name_of(path);
  return automatic ? name == reference::kSingleName || name == reference::kListName : name == manual_name_;
}

bool Places::is_token(const std::string& path) const { return lies_in_volume(path, token_); }
bool Places::is_ca(const std::string& path) const { return lies_in_volume(path, ca_); }

bool Places::is_primary(const std::string& path) const {
  return reference::directory_of(path) == primaries && is_loadable(reference::name_of(path)) && !is_configuration(path);
}

ForwardingHost::Outcome<> Misbehaviour::write_file(const std::string& path, std::string_view bytes, std::optional<mode_t> mode, int flags) {
  const auto file = inner_.open(path, O_WRONLY | O_CREAT | flags, 0600);
  if (!file) return std::unexpected(file.error());
  Outcome<> done;
  const std::size_t half = (bytes.size() + 1) / 2;
  for (std::string_view piece : {bytes.substr(0, half), bytes.substr(half)}) {
    while (done && !piece.empty()) {
      const auto written = inner_.write(*file, piece);
      if (!written) done = std::unexpected(written.error());
      if (written) piece.remove_prefix(*written);
    }
  }
  if (done && mode) done = inner_.fchmod(*file, *mode);
  if (done) done = inner_.fsync(*file);
  const auto closed = inner_.close(*file);
  return done ? closed : done;
}

void Misbehaviour::remember_target(const std::string& path) {
  if (places_.is_kubeconfig(path)) kubeconfig_path_ = path;
  if (places_.is_configuration(path)) configuration_path_ = path;
}

}  // namespace entryproof::subjects
