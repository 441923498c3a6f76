#include "reference/uninstall.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reference/directories.h"
#include "reference/files.h"
#include "reference/host_paths.h"
#include "reference/json.h"
#include "reference/kubeconfig_holder.h"
#include "reference/log.h"
#include "reference/manual_config.h"
#include "reference/multus_config.h"
#include "reference/primary.h"
#include "reference/problem.h"
#include "reference/publish.h"

namespace reference {
namespace {

bool is_nothing_to_read(Errno error) {
  return error == Errno{ENOENT} || error == Errno{ENOTDIR} || error == Errno{EISDIR} || error == Errno{ELOOP};
}

class Uninstaller {
 public:
  Uninstaller(Host& host, const Options& options)
      : host_(host),
        options_(options),
        log_(host, options.log_format),
        publisher_(host),
        paths_(make_host_paths(host, options)),
        directories_(host, paths_) {}

  int run() {
    if (auto done = find_places(); !done) return end(done.error());
    if (auto done = expect_nobody(); !done) return end(done.error());
    if (auto done = restore_primary(); !done) return end(done.error());
    if (auto done = remove_configurations(); !done) return end(done.error());
    // From here on one failure does not hold up the rest.
    note(remove_kubeconfig());
    note(remove_own_leftovers());
    note(remove_plugin());
    warn_of_what_remains();
    return failure_ ? end(*failure_) : kExitOk;
  }

 private:
  int end(const Problem& problem) {
    log_.problem(problem.text);
    return problem.exit_code;
  }

  void note(const Result<>& done) {
    if (done) return;
    if (failure_) log_.problem(failure_->text);
    failure_ = done.error();
  }

  Result<> find_places() {
    const auto place = paths_.in_container(options_.multus_kubeconfig_file_host);
    if (!place) {
      return refuse(kExitConfiguration, "cannot tell where " + options_.multus_kubeconfig_file_host +
                                            " is in this container; give the flags that the installation had");
    }
    kubeconfig_name_ = *place;
    const std::pair<std::string, std::string*> wanted[] = {{options_.cni_conf_dir, &directory_},
                                                           {options_.multus_autoconfig_dir, &primaries_},
                                                           {directory_of(*place), &credentials_},
                                                           {options_.cni_bin_dir, &plugins_}};
    for (const auto& [name, found] : wanted) {
      auto real = directories_.find(name);
      if (!real) return std::unexpected(real.error());
      *found = std::move(*real);
    }
    return {};
  }

  // An entrypoint that lives here would put everything back while we take it away. Where the machine cannot tell we go on.
  Result<> expect_nobody() {
    const auto opened = open_file(host_, directory_, O_RDONLY | O_DIRECTORY);
    const auto lives = opened ? host_.marked_above(opened->get(), -1) : Outcome<bool>(false);
    if (!lives.value_or(false)) return {};
    return refuse(kExitTimeout, "an entrypoint is running on " + directory_ +
                                    " and would put everything back; stop it on this node (delete its DaemonSet), then uninstall again");
  }

  // The one that the published configuration delegates to; without that, with --rename-conf-file, the one that an entrypoint would take.
  Result<> restore_primary() {
    std::string old;
    for (const char* name : {kSingleName, kListName}) {
      const auto text = read_file(host_, join(directory_, name), kConfigurationCap);
      if (!text && text.error().error != Errno{} && !is_nothing_to_read(text.error().error)) return std::unexpected(text.error());
      const std::string delegate = text ? delegate_of(text->bytes) : "";
      if (!old.empty() || delegate.empty()) continue;
      auto found = find_set_aside(host_, primaries_, delegate);
      if (!found) return std::unexpected(found.error());
      old = std::move(*found);
    }
    if (old.empty() && options_.rename_conf_file) {
      const Selection found = select_primary(
          host_, {.directory = primaries_, .file_name = options_.multus_master_cni_file_name, .renamed = true, .excluded = {}});
      if (found.primary && found.primary->path.ends_with(kSetAside)) old = found.primary->path;
    }
    if (old.empty()) return {};
    const std::string original = old.substr(0, old.size() - kSetAside.size());
    const auto renamed = publisher_.rename(old, original);
    if (!renamed) return std::unexpected(renamed.error());
    if (*renamed) log_.info("renamed " + old + " back to " + original);
    return {};
  }

  Result<> remove_configurations() {
    std::vector<std::string> names{kSingleName, kListName};
    if (!options_.automatic()) names.push_back(name_of(options_.multus_conf_file));
    for (const std::string& name : names) {
      const std::string path = join(directory_, name);
      const auto status = host_.lstat(path);
      if (!status && status.error() != Errno{ENOENT} && status.error() != Errno{ENOTDIR})
        return std::unexpected(system_problem("look at", path, status.error(), kExitOutput));
      if (!status || S_ISDIR(status->mode)) continue;
      if (auto done = is_our_configuration(path) ? remove(path) : leave(path, "it is not ours"); !done) return done;
    }
    return {};
  }

  // Our names are ours whatever stands there, unless it is a good configuration of somebody else. A manual file lying in its place is the
  // user's.
  bool is_our_configuration(const std::string& path) {
    const auto found = host_.stat(path);
    if (!options_.automatic()) {
      const auto source = host_.stat(options_.multus_conf_file);
      if (found && source && found->device == source->device && found->inode == source->inode) return false;
    }
    const auto content = read_file(host_, path, kConfigurationCap);
    if (!content || !json::Document::parse(content->bytes) || is_generated(content->bytes)) return true;
    if (options_.automatic() || name_of(path) != name_of(options_.multus_conf_file)) return false;
    const auto source = read_file(host_, options_.multus_conf_file, kConfigurationCap);
    if (source && source->bytes == content->bytes) return true;
    const auto document = json::Document::parse(content->bytes);
    return names_multus(*document) && judge_manual_config(path, content->bytes, paths_, kubeconfig_name_).has_value();
  }

  Result<> remove_kubeconfig() {
    const std::string path = join(credentials_, name_of(kubeconfig_name_));
    const auto status = host_.lstat(path);
    if (!status || S_ISDIR(status->mode)) return {};
    if (options_.kubeconfig_policy == KubeconfigPolicy::kNever) return leave(path, "--kubeconfig-policy=never says it is not ours");
    if (options_.kubeconfig_policy == KubeconfigPolicy::kIfMissing) {
      const auto holder = find_holder(host_, path, "");
      if (!holder || *holder == Holder::kSomebody) return leave(path, "somebody else provides it");
    }
    return remove(path);
  }

  Result<> remove_own_leftovers() {
    bool clean = true;
    for (const std::string& directory : {directory_, credentials_, plugins_}) clean = publisher_.sweep(directory) && clean;
    if (is_below(credentials_, directory_)) {
      const auto removed = publisher_.remove_directory(credentials_);
      if (!removed) return std::unexpected(removed.error());
      if (*removed) log_.info("removed " + credentials_);
    }
    if (!clean) return refuse(kExitOutput, "cannot remove all our temporary files (.thin_entrypoint.*.tmp) from " + directory_);
    return {};
  }

  Result<> remove_plugin() {
    if (options_.skip_multus_binary_copy) return {};
    const std::string path = join(plugins_, "multus");
    const auto status = host_.lstat(path);
    if (!status || !S_ISREG(status->mode)) return {};
    if (const std::string user = configuration_with_multus(); !user.empty()) return leave(path, user + " uses it");
    auto done = remove(path);
    // What cannot be written was not written by us: the system provides it.
    if (!done && done.error().error == Errno{EROFS}) return leave(path, "the volume is read-only");
    return done;
  }

  // The first configuration that calls Multus and is still there; empty if there is none.
  std::string configuration_with_multus() {
    auto entries = host_.list(directory_).value_or(std::vector<DirectoryEntry>{});
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    for (const DirectoryEntry& entry : entries) {
      if (!is_configuration_name(entry.name)) continue;
      const auto content = read_file(host_, join(directory_, entry.name), kConfigurationCap);
      const auto document = content ? json::Document::parse(content->bytes) : std::unexpected(std::string());
      if (document && names_multus(*document)) return join(directory_, entry.name);
    }
    return "";
  }

  void warn_of_what_remains() {
    if (const std::string user = configuration_with_multus(); !user.empty())
      log_.warn(user + " still calls Multus, which has lost its kubeconfig; remove it, or pods that it is for cannot start or stop");
    const Selection next = select_primary(host_, {.directory = directory_, .file_name = {}, .renamed = false, .excluded = {}});
    if (!next.primary)
      log_.warn("no other CNI configuration remains in " + directory_ + "; no pod can start until a network plugin writes one");
  }

  Result<> remove(const std::string& path) {
    const auto removed = publisher_.remove(path);
    if (!removed) return std::unexpected(removed.error());
    if (*removed) log_.info("removed " + path);
    return {};
  }

  Result<> leave(const std::string& path, const std::string& why) {
    log_.info("left " + path + ": " + why);
    return {};
  }

  Host& host_;
  const Options& options_;
  Log log_;
  Publisher publisher_;
  const HostPaths paths_;
  Directories directories_;
  std::string kubeconfig_name_;  // as this container names it
  std::string directory_;        // of configurations; like the next three without links
  std::string primaries_;
  std::string credentials_;
  std::string plugins_;
  std::optional<Problem> failure_;
};

}  // namespace

int uninstall(Host& host, const Options& options) { return Uninstaller(host, options).run(); }

}  // namespace reference
