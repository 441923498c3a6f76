#include "simulator/subjects/mutants/mutants.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "reference/files.h"
#include "reference/multus_config.h"
#include "simulator/subjects/mutants/disguise.h"
#include "simulator/subjects/mutants/edits.h"

namespace entryproof::subjects {
namespace {

enum class Target { kKubeconfig, kBinary, kConfiguration };
enum class Mode { kAny, kAutomatic, kManual };

enum class Manner {
  kRename,        // as the reference does
  kInPlace,       // the final name is opened, emptied and written
  kUnlinkFirst,   // the old file goes before the new one comes
  kOmit,          // never
  kKeepExisting,  // only if nothing is there
  kLate,          // after the configuration
  kSortsLast,     // under another name, behind every primary
  kEndless,       // after syncing it without end
  kLitter,        // and a second copy beside it, under a name of its own
};

struct Defect {
  const char* name;
  const char* sentence;
  const char* origin;
  Target target = Target::kKubeconfig;
  Manner manner = Manner::kRename;
  Edit edit = nullptr;
  std::optional<mode_t> mode = {};
  Mode when = Mode::kAny;
};

using enum Target;
using enum Manner;

// Sorted by name.
constexpr std::array kDefects = {
    Defect{"binary-in-place", "The plugin is written over the installed one.", "ATOM-23, LIFE-59 (multus#1221)", kBinary, kInPlace},
    Defect{"binary-truncated", "Half of the plugin is installed.", "ORDER-37, LIFE-59 (kube-ovn#4470)", kBinary, kRename, first_half},
    Defect{"binary-unlinked-first", "The installed plugin is removed before the new one comes.", "ATOM-23 (multus#1213)", kBinary,
           kUnlinkFirst},
    Defect{"brackets-on-every-host", "The server's host is put in brackets, whatever it is.", "FRESH-18 (3.9.3 to 4.2.2, multus#1451)",
           kKubeconfig, kRename, brackets_around_every_host},
    Defect{"brackets-on-no-host", "An IPv6 host is not put in brackets.", "FRESH-18 (multus#238)", kKubeconfig, kRename, no_brackets},
    Defect{"configuration-before-binary", "The plugin is installed after the configuration that names it.",
           "ORDER-37 (aws/amazon-vpc-cni-k8s#735)", kBinary, kLate},
    Defect{"configuration-before-kubeconfig", "The kubeconfig is published after the configuration that names it.",
           "ORDER-37 (3.9.3, manual)", kKubeconfig, kLate},
    Defect{"configuration-in-place", "The configuration is written under its final name, in two pieces.", "ATOM-23 (multus#430)",
           kConfiguration, kInPlace},
    Defect{"configuration-sorts-last",
           "The generated configuration gets a name behind the primary's.",
           "UPGRADE-M3, MANUAL-50 (multus#379)",
           kConfiguration,
           kSortsLast,
           nullptr,
           {},
           Mode::kAutomatic},
    Defect{"configuration-unlinked-first", "The old configuration is removed before the new one comes.", "ATOM-23 (3.9.3)", kConfiguration,
           kUnlinkFirst},
    Defect{"endless", "The configuration is synced for ever before it is published.", "LIFE-60 (multus#1217)", kConfiguration, kEndless},
    Defect{"http-server", "The server's URL is plain http.", "EXIST-01, O-plugin: an absolute https URL", kKubeconfig, kRename, plain_http},
    Defect{"kubeconfig-elsewhere",
           "The configuration names a kubeconfig that nobody writes.",
           "EXIST-03 (multus#564)",
           kConfiguration,
           kRename,
           kubeconfig_elsewhere,
           {},
           Mode::kAutomatic},
    Defect{"kubeconfig-in-place", "The kubeconfig is written under its final name, in two pieces.", "ATOM-23 (calico's token watch)",
           kKubeconfig, kInPlace},
    Defect{"kubeconfig-mode-0644", "Everybody may read the kubeconfig.", "SECURE-53 (multus#1301)", kKubeconfig, kRename, nullptr, 0644},
    Defect{"kubeconfig-unlinked-first", "The old kubeconfig is removed before the new one comes.", "ATOM-23 (3.9.3)", kKubeconfig,
           kUnlinkFirst},
    Defect{"kubeconfig-written-once", "A kubeconfig that is there already stays as it is.", "FRESH-06, UPGRADE-M1 (4.0.2, manual)",
           kKubeconfig, kKeepExisting},
    Defect{"litter", "Each start leaves another copy of the configuration behind.", "UPGRADE-M8 (4.x, _multus<random>)", kConfiguration,
           kLitter},
    Defect{"lossy-delegate",
           "The delegate lacks a member of the primary.",
           "CONF-35 (3.9.3)",
           kConfiguration,
           kRename,
           lossy_delegate,
           {},
           Mode::kAutomatic},
    Defect{"manual-configuration-omitted",
           "The configuration that was named is not published.",
           "MANUAL-50",
           kConfiguration,
           kOmit,
           nullptr,
           {},
           Mode::kManual},
    Defect{"name-not-overridden",
           "The network keeps its name where the primary's was asked for.",
           "CONF-35 (--override-network-name)",
           kConfiguration,
           kRename,
           fixed_name,
           {},
           Mode::kAutomatic},
    Defect{"no-binary", "The plugin is not installed.", "ORDER-37, UPGRADE-49 (flannel#1721)", kBinary, kOmit},
    Defect{"no-ca", "The kubeconfig's CA is empty.", "FRESH-21 (whereabouts, calico)", kKubeconfig, kRename, empty_authority},
    Defect{"no-kubeconfig-in-manual",
           "No kubeconfig is written when a configuration file is named.",
           "EXIST-01 (4.0.0 to 4.0.2, multus#1295)",
           kKubeconfig,
           kOmit,
           nullptr,
           {},
           Mode::kManual},
    Defect{"old-ca", "A restart takes the new token but keeps the old CA.", "FRESH-13", kKubeconfig, kRename, authority_of_the_old_file},
    Defect{"old-token", "A restart takes the new CA but keeps the old token.", "FRESH-06, FRESH-13", kKubeconfig, kRename,
           token_of_the_old_file},
    Defect{"output-differs",
           "Each start writes another configuration.",
           "UPGRADE-M8, ATOM-26 (multus#1220)",
           kConfiguration,
           kRename,
           stamped,
           {},
           Mode::kAutomatic},
    Defect{"self-delegating",
           "A restart delegates to the configuration that it wrote before.",
           "CONF-30, UPGRADE-M2 (4.0.x, multus#1130)",
           kConfiguration,
           kRename,
           delegate_to_itself,
           {},
           Mode::kAutomatic},
    Defect{"token-with-newline", "The token's final newline is published.", "FRESH-21 (4.x)", kKubeconfig, kRename, token_with_newline},
    Defect{"unknown-context", "The kubeconfig's current context is none of its contexts.", "EXIST-01, O-plugin: one usable context",
           kKubeconfig, kRename, unknown_context},
    Defect{"wrong-delegate",
           "The last configuration of the directory is delegated to, not the first.",
           "CONF-33 (multus#911)",
           kConfiguration,
           kRename,
           delegate_to_the_last,
           {},
           Mode::kAutomatic},
};

class Mutant final : public Disguise {
 public:
  Mutant(const Defect& defect, reference::Host& inner, const reference::Options& options)
      : Disguise(inner),
        defect_(defect),
        options_(options),
        configurations_(reference::clean_path(options.cni_conf_dir)),
        binary_(reference::clean_path(options.cni_bin_dir + "/multus")),
        kubeconfig_(kubeconfig_ending(options)) {}

  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto target = target_of(to);
    if (!target) return inner_.rename(from, to);
    written_.insert(to);
    auto done = *target == defect_.target && applies() ? publish(from, to) : inner_.rename(from, to);
    if (done && *target == kConfiguration) done = publish_late();
    return done;
  }

 private:
  struct Late {
    std::string from;
    std::string to;
    std::string bytes;
    FileStatus status;
  };

  bool applies() const { return defect_.when == Mode::kAny || (defect_.when == Mode::kAutomatic) == options_.automatic(); }

  // The last directory and the name of the kubeconfig, which are the same inside the container and on the host.
  static std::string kubeconfig_ending(const reference::Options& options) {
    const std::string path = reference::clean_path(options.multus_kubeconfig_file_host);
    return "/" + reference::name_of(reference::directory_of(path)) + "/" + reference::name_of(path);
  }

  // What the reference publishes at a path; nothing if the path is none of its three files.
  std::optional<Target> target_of(const std::string& path) const {
    if (path == binary_) return kBinary;
    if (path.ends_with(kubeconfig_)) return kKubeconfig;
    if (reference::directory_of(path) != configurations_) return std::nullopt;
    const std::string name = reference::name_of(path);
    const bool ours = options_.automatic() ? name == reference::kSingleName || name == reference::kListName
                                           : name == reference::name_of(options_.multus_conf_file);
    return ours ? std::optional(kConfiguration) : std::nullopt;
  }

  // Files that this life has not written yet look as if they were not there, so that it writes them. Late files come when the configuration
  // does, so that must come, too.
  bool hidden(const std::string& path) const override {
    const auto target = target_of(path);
    if (!target || written_.contains(path)) return false;
    return target == defect_.target || (defect_.manner == kLate && target == kConfiguration);
  }

  Outcome<> publish(const std::string& from, const std::string& to) {
    const auto status = inner_.lstat(from);
    if (!status) return std::unexpected(status.error());
    const std::string meant = read_whole(inner_, from);
    const std::string bytes = defect_.edit == nullptr ? meant : defect_.edit(Scene{inner_, options_, to}, meant);
    if (bytes != meant || defect_.mode) {
      if (auto done = write(from, bytes, defect_.mode.value_or(status->mode & 07777)); !done) return done;
    }
    if (auto done = publish_in_manner(from, to, bytes, *status); !done) return done;
    believe(to, meant, *status);
    return {};
  }

  Outcome<> publish_in_manner(const std::string& from, const std::string& to, const std::string& bytes, const FileStatus& status) {
    switch (defect_.manner) {
      case kRename:
        break;
      case kInPlace:
        if (auto done = write(to, bytes, status.mode & 07777); !done) return done;
        return inner_.unlink(from);
      case kUnlinkFirst:
        if (auto done = inner_.unlink(to); !done && done.error() != reference::Errno{ENOENT}) return done;
        break;
      case kOmit:
        return inner_.unlink(from);
      case kKeepExisting:
        if (inner_.lstat(to)) return inner_.unlink(from);
        break;
      case kLate:
        if (late_) static_cast<void>(inner_.unlink(late_->from));
        late_ = Late{from, to, bytes, status};
        return {};
      case kSortsLast:
        return inner_.rename(from, reference::join(configurations_, "99-" + reference::name_of(to)));
      case kEndless:
        if (auto done = sync_for_ever(from); !done) return done;
        break;
      case kLitter:
        if (auto done = write(to + "." + std::to_string(inner_.random()), bytes, status.mode & 07777); !done) return done;
        break;
    }
    return inner_.rename(from, to);
  }

  // Ends when the node refuses, at the latest when somebody has had enough and kills the process.
  Outcome<> sync_for_ever(const std::string& path) {
    const auto file = inner_.open(path, O_RDONLY, 0);
    if (!file) return std::unexpected(file.error());
    Outcome<> done;
    while (done) done = inner_.fsync(*file);
    static_cast<void>(inner_.close(*file));
    return done;
  }

  Outcome<> publish_late() {
    if (!late_) return {};
    const Late late = *std::exchange(late_, std::nullopt);
    if (auto done = inner_.rename(late.from, late.to); !done) return done;
    believe(late.to, late.bytes, late.status);
    return {};
  }

  // Opens, empties and writes a file in two pieces, as one who gives no thought to readers.
  Outcome<> write(const std::string& path, std::string_view bytes, mode_t mode) {
    const auto file = inner_.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!file) return std::unexpected(file.error());
    Outcome<> done;
    const std::size_t half = (bytes.size() + 1) / 2;
    for (const std::string_view piece : {bytes.substr(0, half), bytes.substr(half)}) {
      if (done) done = write_all(*file, piece);
    }
    if (done) done = inner_.fchmod(*file, mode);
    if (done) done = inner_.fsync(*file);
    const auto closed = inner_.close(*file);
    return done ? closed : done;
  }
  using Disguise::write;

  Outcome<> write_all(Descriptor file, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto written = inner_.write(file, bytes);
      if (!written) return std::unexpected(written.error());
      bytes.remove_prefix(*written);
    }
    return {};
  }

  const Defect& defect_;
  const reference::Options options_;
  const std::string configurations_;
  const std::string binary_;
  const std::string kubeconfig_;
  std::set<std::string> written_;
  std::optional<Late> late_;
};

}  // namespace

std::vector<MutantInfo> mutants() {
  std::vector<MutantInfo> all;
  for (const Defect& defect : kDefects) all.push_back({defect.name, defect.sentence, defect.origin});
  return all;
}

std::unique_ptr<reference::Host> make_mutant(std::string_view name, reference::Host& host, const reference::Options& options) {
  const auto defect = std::ranges::find(kDefects, name, [](const Defect& one) { return std::string_view(one.name); });
  if (defect == kDefects.end()) return nullptr;
  return std::make_unique<Mutant>(*defect, host, options);
}

}  // namespace entryproof::subjects
