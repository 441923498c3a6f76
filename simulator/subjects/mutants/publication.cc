// What a mutant publishes, and how it gets to its place: one of the three files is edited before, or comes there in another manner.
//
// These mutants are consistent: the reference goes on to believe that it wrote what it meant to, so that a mutant comes to rest like any
// other build instead of repairing itself. It writes the defective file anew at each start, as the real builds did.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "reference/files.h"
#include "simulator/subjects/mutants/edits.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

enum class Target { kKubeconfig, kBinary, kConfiguration };
enum class Mode { kAny, kAutomatic, kManual };

enum class Manner {
  kRename,             // as the reference does
  kInPlace,            // the final name is opened, emptied and written
  kUnlinkFirst,        // the old file goes before the new one comes
  kOmit,               // never
  kKeepExisting,       // only if nothing is there
  kLate,               // after the configuration
  kAfterBinary,        // after the plugin
  kSortsLast,          // under another name, behind every primary
  kEndless,            // after syncing it without end
  kLitter,             // and a second copy beside it, under a name of its own
  kInheritMode,        // with the mode of the file that it replaces
  kModeOfCreation,     // with the mode that open(2) and the umask gave
  kFixedTemporary,     // through NAME.new, which is emptied but not made anew, links followed
  kUntruncated,        // through NAME.new, which is not even emptied
  kLoadableTemporary,  // through a temporary that runtimes would load
  kStagedElsewhere,    // through a temporary in another directory of the same volume
  kCopiedAcross,       // through a temporary on another volume: a copy, not a rename
  kSiblingFirst,       // after removing the configuration under our other name
  kNoCleanUp,          // and temporaries of failed writes stay
};

struct Defect {
  Target target = Target::kKubeconfig;
  Manner manner = Manner::kRename;
  Edit edit = nullptr;
  std::optional<mode_t> mode = {};
  Mode when = Mode::kAny;
};

using enum Target;
using enum Manner;

class Publication final : public Misbehaviour {
 public:
  Publication(reference::Host& inner, const reference::Options& options, Defect defect) : Misbehaviour(inner, options), defect_(defect) {}

  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto target = target_of(to);
    if (!target) return inner_.rename(from, to);
    written_.insert(to);
    auto done = *target == defect_.target && applies() ? publish(from, to) : inner_.rename(from, to);
    if (done && (*target == kConfiguration || (*target == kBinary && defect_.manner == kAfterBinary))) done = publish_late();
    return done;
  }

  Outcome<> unlink(const std::string& path) override {
    if (defect_.manner == kNoCleanUp && path.ends_with(".tmp")) return {};
    return inner_.unlink(path);
  }

 private:
  struct Late {
    std::string from;
    std::string to;
    std::string bytes;
    FileStatus status;
  };

  bool applies() const { return defect_.when == Mode::kAny || (defect_.when == Mode::kAutomatic) == places_.automatic; }

  // What the reference publishes at a path; nothing if the path is none of its three files.
  std::optional<Target> target_of(const std::string& path) const {
    if (places_.is_binary(path)) return kBinary;
    if (places_.is_kubeconfig(path)) return kKubeconfig;
    return places_.is_configuration(path) ? std::optional(kConfiguration) : std::nullopt;
  }

  // Files that this life has not written yet look as if they were not there, so that it writes them. Late files come when another does, so
  // that must come, too.
  bool hidden(const std::string& path) const override {
    const auto target = target_of(path);
    if (!target || written_.contains(path)) return false;
    return target == defect_.target || (defect_.manner == kLate && target == kConfiguration) ||
           (defect_.manner == kAfterBinary && target == kBinary);
  }

  Outcome<> publish(const std::string& from, const std::string& to) {
    const auto status = inner_.lstat(from);
    if (!status) return std::unexpected(status.error());
    const std::string meant = read_whole(inner_, from);
    const std::string bytes = defect_.edit == nullptr ? meant : defect_.edit(Scene{inner_, options_, to}, meant);
    if (bytes != meant || defect_.mode) {
      if (auto done = write_file(from, bytes, defect_.mode.value_or(status->mode & 07777), O_TRUNC); !done) return done;
    }
    if (auto done = publish_in_manner(from, to, bytes, *status); !done) return done;
    believe(to, meant, *status);
    return {};
  }

  Outcome<> publish_in_manner(const std::string& from, const std::string& to, const std::string& bytes, const FileStatus& status) {
    const mode_t mode = status.mode & 07777;
    switch (defect_.manner) {
      case kRename:
      case kNoCleanUp:
        break;
      case kInPlace:
        if (auto done = write_file(to, bytes, mode, O_TRUNC); !done) return done;
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
      case kAfterBinary:
        if (late_) static_cast<void>(inner_.unlink(late_->from));
        late_ = Late{from, to, bytes, status};
        return {};
      case kSortsLast:
        return inner_.rename(from, reference::join(places_.configurations, "99-" + reference::name_of(to)));
      case kEndless:
        if (auto done = sync_for_ever(from); !done) return done;
        break;
      case kLitter:
        if (auto done = write_file(to + "." + std::to_string(inner_.random()), bytes, mode, O_TRUNC); !done) return done;
        break;
      case kInheritMode:
        if (const auto old = inner_.lstat(to)) {
          if (auto done = write_file(from, bytes, old->mode & 07777, O_TRUNC); !done) return done;
        }
        break;
      case kModeOfCreation:
        return through(from, to + ".created", to, bytes, {}, O_EXCL);
      case kFixedTemporary:
        return through(from, to + ".new", to, bytes, {}, O_TRUNC);
      case kUntruncated:
        return through(from, to + ".new", to, bytes, {}, 0);
      case kLoadableTemporary:
        return through(from, reference::join(reference::directory_of(to), "zz-multus-new.conf"), to, bytes, mode, O_TRUNC);
      case kStagedElsewhere:
        return through(from, reference::join(reference::join(places_.configurations, "multus.d"), "staged"), to, bytes, mode, O_TRUNC);
      case kCopiedAcross:
        if (auto done = write_file("/tmp/" + reference::name_of(to), bytes, mode, O_TRUNC); !done) return done;
        if (auto done = inner_.unlink("/tmp/" + reference::name_of(to)); !done) return done;
        static_cast<void>(inner_.unlink(to));
        if (auto done = write_file(to, bytes, mode, O_EXCL); !done) return done;
        return inner_.unlink(from);
      case kSiblingFirst:
        static_cast<void>(inner_.unlink(to.ends_with("list") ? to.substr(0, to.size() - 4) : to + "list"));
        break;
    }
    return inner_.rename(from, to);
  }

  // Instead of the reference's own temporary, another one.
  Outcome<> through(const std::string& from, const std::string& temporary, const std::string& to, const std::string& bytes,
                    std::optional<mode_t> mode, int flags) {
    if (auto done = inner_.unlink(from); !done) return done;
    if (auto done = write_file(temporary, bytes, mode, flags); !done) return done;
    return inner_.rename(temporary, to);
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

  const Defect defect_;
  std::set<std::string> written_;
  std::optional<Late> late_;
};

const std::vector<std::string> kUnusableKubeconfig = {"EXIST-01/after-restart", "EXIST-01/auto-fresh-node", "EXIST-01/manual-fresh-node",
                                                      "EXIST-01/static-pod"};

}  // namespace

std::vector<Recipe> publication_mutants() {
  const auto defect = [](Defect d) { return made_by<Publication>(d); };
  return {
      {"binary-copied-at-each-start",
       "The plugin is written anew although it is there.",
       "LIFE-59 (multus#1221)",
       {"LIFE-59/identical-left-alone"},
       defect({kBinary})},
      {"binary-in-place",
       "The plugin is written over the installed one.",
       "ATOM-23, LIFE-59 (multus#1221)",
       {"ATOM-23/binary-never-partial", "LIFE-59/busy", "LIFE-59/executed"},
       defect({kBinary, kInPlace})},
      {"binary-truncated",
       "Half of the plugin is installed.",
       "ORDER-37, LIFE-59 (kube-ovn#4470)",
       {"LIFE-59/installed"},
       defect({kBinary, kRename, first_half})},
      {"binary-unlinked-first",
       "The installed plugin is removed before the new one comes.",
       "ATOM-23 (multus#1213)",
       {"ATOM-23/binary-never-missing"},
       defect({kBinary, kUnlinkFirst})},
      {"brackets-on-every-host",
       "The server's host is put in brackets, whatever it is.",
       "FRESH-18 (3.9.3 to 4.2.2, multus#1451)",
       {"FRESH-18/dns", "FRESH-18/ipv4", "FRESH-18/url-form"},
       defect({kKubeconfig, kRename, brackets_around_every_host})},
      {"brackets-on-no-host",
       "An IPv6 host is not put in brackets.",
       "FRESH-18 (multus#238)",
       {"FRESH-18/ipv6", "FRESH-18/url-form", "FRESH-18/odd-hosts"},
       defect({kKubeconfig, kRename, no_brackets})},
      {"configuration-before-binary",
       "The plugin is installed after the configuration that names it.",
       "ORDER-37 (aws/amazon-vpc-cni-k8s#735)",
       {"ORDER-37/binary-before-config", "ORDER-37/attach-at-once"},
       defect({kBinary, kLate})},
      {"configuration-before-kubeconfig",
       "The kubeconfig is published after the configuration that names it.",
       "ORDER-37 (3.9.3, manual)",
       {"ORDER-37/kubeconfig-before-config", "ORDER-37/attach-at-once", "FRESH-10/before-the-primary", "ORDER-40/kubeconfig-meanwhile"},
       defect({kKubeconfig, kLate})},
      {"configuration-in-place",
       "The configuration is written under its final name, in two pieces.",
       "ATOM-23, SECURE-55 (multus#430)",
       {"ATOM-23/config-never-partial", "SECURE-55/other-links"},
       defect({kConfiguration, kInPlace})},
      {"configuration-kept-if-there",
       "A configuration that is there already is taken for good.",
       "ATOM-22, UPGRADE-M6 (istio/istio#42046)",
       {"ATOM-22/garbage-overwritten", "UPGRADE-M6/recovered"},
       defect({kConfiguration, kKeepExisting})},
      {"configuration-mode-0644",
       "Everybody may read the configuration.",
       "SECURE-53 (multus#1301, the manual copy)",
       {"SECURE-53/configuration-mode", "SECURE-53/configuration-never-open"},
       defect({kConfiguration, kRename, nullptr, 0644})},
      {"configuration-sorts-last",
       "The generated configuration gets a name behind the primary's.",
       "UPGRADE-M3, MANUAL-50 (multus#379)",
       {"CONF-30/delegates-to-primary", "UPGRADE-M3/selected-configuration", "CONF-35/delegate-complete", "UPGRADE-M8/byte-identical"},
       defect({kConfiguration, kSortsLast, nullptr, {}, Mode::kAutomatic})},
      {"configuration-unlinked-first",
       "The old configuration is removed before the new one comes.",
       "ATOM-23 (3.9.3)",
       {"ATOM-23/config-never-missing"},
       defect({kConfiguration, kUnlinkFirst})},
      {"copied-across-volumes",
       "The kubeconfig is made in /tmp and copied from there.",
       "ATOM-24 (3.9.3)",
       {"ATOM-23/kubeconfig-never-partial", "ATOM-24/read-only-root", "ATOM-23/kubeconfig-never-missing"},
       defect({kKubeconfig, kCopiedAcross})},
      {"endless",
       "The configuration is synced for ever before it is published.",
       "LIFE-60 (multus#1217)",
       {"LIFE-60/within-limits", "CONF-30/delegates-to-primary", "CONF-35/delegate-complete", "FRESH-06/current-after-start",
        "FRESH-08/current-after-start", "FRESH-13/current-after-start", "MANUAL-50/published", "UPGRADE-M8/byte-identical"},
       defect({kConfiguration, kEndless})},
      {"http-server", "The server's URL is plain http.", "EXIST-01, O-plugin: an absolute https URL", kUnusableKubeconfig,
       defect({kKubeconfig, kRename, plain_http})},
      {"integers-through-float",
       "The primary's numbers pass through a floating point.",
       "CONF-35 (4.x, D-14)",
       {"CONF-35/as-written"},
       defect({kConfiguration, kRename, integers_through_float, {}, Mode::kAutomatic})},
      {"kubeconfig-after-binary",
       "The new plugin comes before the new kubeconfig.",
       "ORDER-38 (os-multus#295, cno#3000)",
       {"ORDER-38/kubeconfig-first"},
       defect({kKubeconfig, kAfterBinary})},
      {"kubeconfig-elsewhere",
       "The configuration names a kubeconfig that nobody writes.",
       "EXIST-03 (multus#564)",
       {"EXIST-01/after-restart", "EXIST-01/auto-fresh-node", "EXIST-01/static-pod"},
       defect({kConfiguration, kRename, kubeconfig_elsewhere, {}, Mode::kAutomatic})},
      {"kubeconfig-in-place",
       "The kubeconfig is written under its final name, in two pieces.",
       "ATOM-23 (calico's token watch)",
       {"ATOM-23/kubeconfig-never-partial", "SECURE-55/kubeconfig-link"},
       defect({kKubeconfig, kInPlace})},
      {"kubeconfig-inherits-mode",
       "The kubeconfig gets the mode of the one that it replaces.",
       "SECURE-53, ATOM-27 (4.x)",
       {"SECURE-53/inherited-mode"},
       defect({kKubeconfig, kInheritMode})},
      {"kubeconfig-mode-0644",
       "Everybody may read the kubeconfig.",
       "SECURE-53 (multus#1301)",
       {"SECURE-53/kubeconfig-mode"},
       defect({kKubeconfig, kRename, nullptr, 0644})},
      {"kubeconfig-mode-fixed",
       "The mode that a site asks for is not heard.",
       "SECURE-53, UPGRADE-47 (4.x dropped the variable)",
       {"SECURE-53/group-read"},
       with_options([](reference::Options& options) { options.kubeconfig_mode = 0600; })},
      {"kubeconfig-mode-by-umask",
       "The kubeconfig has the mode that the umask left it.",
       "SECURE-53 (linkerd2#8209)",
       {"SECURE-53/any-umask"},
       defect({kKubeconfig, kModeOfCreation})},
      {"kubeconfig-unlinked-first",
       "The old kubeconfig is removed before the new one comes.",
       "ATOM-23 (3.9.3)",
       {"ATOM-23/kubeconfig-never-missing"},
       defect({kKubeconfig, kUnlinkFirst})},
      {"kubeconfig-written-once",
       "A kubeconfig that is there already stays as it is.",
       "FRESH-06, UPGRADE-M1 (4.0.2, manual)",
       {"FRESH-06/current-after-start", "FRESH-08/current-after-start", "FRESH-13/current-after-start", "UPGRADE-M1/current-kubeconfig",
        "UPGRADE-M2/current-kubeconfig", "UPGRADE-M3/current-kubeconfig", "UPGRADE-M4/current-kubeconfig", "UPGRADE-M6/current-kubeconfig",
        "UPGRADE-M7/current-kubeconfig"},
       defect({kKubeconfig, kKeepExisting})},
      {"litter",
       "Each start leaves another copy of the configuration behind.",
       "UPGRADE-M8 (4.x, _multus<random>)",
       {"UPGRADE-M8/no-litter"},
       defect({kConfiguration, kLitter})},
      {"loadable-temporary",
       "The configuration is made under a name that runtimes load.",
       "ATOM-26 (aojea/kindnet#42)",
       {"ATOM-26/temporary-names"},
       defect({kConfiguration, kLoadableTemporary})},
      {"lossy-delegate",
       "The delegate lacks a member of the primary.",
       "CONF-35 (3.9.3)",
       {"CONF-35/delegate-complete"},
       defect({kConfiguration, kRename, lossy_delegate, {}, Mode::kAutomatic})},
      {"manual-configuration-omitted",
       "The configuration that was named is not published.",
       "MANUAL-50",
       {"MANUAL-50/published"},
       defect({kConfiguration, kOmit, nullptr, {}, Mode::kManual})},
      {"name-not-overridden",
       "The network keeps its name where the primary's was asked for.",
       "CONF-35 (--override-network-name)",
       {"CONF-35/network-name"},
       defect({kConfiguration, kRename, fixed_name, {}, Mode::kAutomatic})},
      {"no-binary",
       "The plugin is not installed.",
       "ORDER-37, UPGRADE-49 (flannel#1721)",
       {"LIFE-59/installed", "EXIST-05/after-reboot"},
       defect({kBinary, kOmit})},
      {"no-ca", "The kubeconfig's CA is empty.", "FRESH-21 (whereabouts, calico)", kUnusableKubeconfig,
       defect({kKubeconfig, kRename, empty_authority})},
      {"no-kubeconfig-in-manual",
       "No kubeconfig is written when a configuration file is named.",
       "EXIST-01 (4.0.0 to 4.0.2, multus#1295)",
       {"EXIST-01/after-restart", "EXIST-01/manual-fresh-node", "EXIST-01/static-pod", "UPGRADE-M5/kubeconfig-created"},
       defect({kKubeconfig, kOmit, nullptr, {}, Mode::kManual})},
      {"old-ca",
       "A restart takes the new token but keeps the old CA.",
       "FRESH-13",
       {"FRESH-13/current-after-start"},
       defect({kKubeconfig, kRename, authority_of_the_old_file})},
      {"old-token",
       "A restart takes the new CA but keeps the old token.",
       "FRESH-06, FRESH-13",
       {"FRESH-06/current-after-start", "FRESH-08/current-after-start"},
       defect({kKubeconfig, kRename, token_of_the_old_file})},
      {"one-certificate",
       "Of a bundle only the first certificate is taken.",
       "FRESH-13 (multus#743)",
       {"FRESH-13/bundle"},
       defect({kKubeconfig, kRename, first_certificate})},
      {"output-differs",
       "Each start writes another configuration.",
       "UPGRADE-M8, ATOM-26 (multus#1220)",
       {"UPGRADE-M8/byte-identical"},
       defect({kConfiguration, kRename, stamped, {}, Mode::kAutomatic})},
      {"path-of-the-container",
       "The configuration names a directory as the container sees it.",
       "CONF-34 (4.1 and later, D-30)",
       {"CONF-34/no-container-path"},
       defect({kConfiguration, kRename, path_of_the_container, {}, Mode::kAutomatic})},
      {"self-delegating",
       "A restart delegates to the configuration that it wrote before.",
       "CONF-30, UPGRADE-M2 (4.0.x, multus#1130)",
       {"CONF-30/delegates-to-primary", "CONF-30/never-self-delegating", "UPGRADE-M8/byte-identical", "UPGRADE-M2/real-primary"},
       defect({kConfiguration, kRename, delegate_to_itself, {}, Mode::kAutomatic})},
      {"sibling-removed-first",
       "The configuration of the other form is removed before the new one is there.",
       "CONF-31, ATOM-23",
       {"ATOM-23/config-never-missing"},
       defect({kConfiguration, kSiblingFirst, nullptr, {}, Mode::kAutomatic})},
      {"single-at-1-1",
       "A primary at 1.1.0 becomes a single plugin.",
       "CONF-35 (4.0.0 to 4.2.3, D-9)",
       {"CONF-35/list-from-1-0-on"},
       defect({kConfiguration, kRename, single_at_1_1, {}, Mode::kAutomatic})},
      {"staged-elsewhere",
       "The configuration is made in a sub-directory and moved in from there.",
       "ATOM-25 (containerd#11711)",
       {"ATOM-25/containerd-notices"},
       defect({kConfiguration, kStagedElsewhere})},
      {"temporary-followed",
       "A link or file under the temporary's fixed name is written through.",
       "ATOM-27, SECURE-55 (4.x)",
       {"ATOM-27/mode", "SECURE-55/temporary-link"},
       defect({kKubeconfig, kFixedTemporary})},
      {"temporary-not-emptied",
       "A temporary left by a crash is written over without being emptied.",
       "ATOM-27 (4.x, D-8)",
       {"ATOM-27/content"},
       defect({kConfiguration, kUntruncated})},
      {"temporary-left-on-failure",
       "A write that fails leaves its temporary behind.",
       "ATOM-28 (4.x, D-22)",
       {"ATOM-28/no-litter", "ATOM-28/swept-after-a-fault"},
       defect({kBinary, kNoCleanUp})},
      {"token-with-newline",
       "The token's final newline is published.",
       "FRESH-21 (4.x)",
       {"EXIST-01/after-restart", "EXIST-01/auto-fresh-node", "EXIST-01/manual-fresh-node", "EXIST-01/static-pod", "FRESH-21/trimmed"},
       defect({kKubeconfig, kRename, token_with_newline})},
      {"unknown-context", "The kubeconfig's current context is none of its contexts.", "EXIST-01, O-plugin: one usable context",
       kUnusableKubeconfig, defect({kKubeconfig, kRename, unknown_context})},
      {"wrong-delegate",
       "The last configuration of the directory is delegated to, not the first.",
       "CONF-33 (multus#911)",
       {"CONF-30/delegates-to-primary"},
       defect({kConfiguration, kRename, delegate_to_the_last, {}, Mode::kAutomatic})},
  };
}

}  // namespace entryproof::subjects
