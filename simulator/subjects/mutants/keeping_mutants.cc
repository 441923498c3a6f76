// What a mutant looks at again, repairs, leaves alone or sweeps away.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string>

#include "reference/files.h"
#include "reference/multus_config.h"
#include "simulator/subjects/mutants/edits.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

enum class File { kKubeconfig, kBinary, kConfiguration };
enum class Trust {
  kBlind,      // it is as we wrote it
  kExistence,  // if there is a file, it is as we wrote it
};

// What this life wrote is not looked at again.
class Trusting final : public Misbehaviour {
 public:
  Trusting(reference::Host& inner, const reference::Options& options, File file, Trust trust)
      : Misbehaviour(inner, options), file_(file), trust_(trust) {}

  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto status = inner_.lstat(from);
    const bool mine = is_mine(to);
    const std::string bytes = mine ? read_whole(inner_, from) : "";
    auto done = inner_.rename(from, to);
    if (done && mine && status) believe(to, bytes, *status);
    return done;
  }

 private:
  bool clings_to(const std::string&, const std::optional<FileStatus>& now) const override {
    return trust_ == Trust::kBlind || (now && S_ISREG(now->mode));
  }
  bool is_mine(const std::string& path) const {
    switch (file_) {
      case File::kKubeconfig:
        return places_.is_kubeconfig(path);
      case File::kBinary:
        return places_.is_binary(path);
      case File::kConfiguration:
        return places_.is_configuration(path);
    }
    return false;
  }

  const File file_;
  const Trust trust_;
};

// The kubeconfig's mode is never compared.
class ModeBlind final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<FileStatus> lstat(const std::string& path) override {
    auto status = Misbehaviour::lstat(path);
    if (status && S_ISREG(status->mode) && places_.is_kubeconfig(path) && same_content(path)) status->mode = S_IFREG | 0600;
    return status;
  }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (places_.is_kubeconfig(to)) bytes_ = read_whole(inner_, from);
    return inner_.rename(from, to);
  }

 private:
  bool same_content(const std::string& path) { return !bytes_.empty() && read_whole(inner_, path) == bytes_; }
  std::string bytes_;
};

// Writes first and compares never: each turn finds nothing there.
class Restless final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  bool hidden(const std::string& path) const override { return places_.is_configuration(path); }
};

// A new kubeconfig makes it write everything again.
class AllAtOnce final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  bool hidden(const std::string& path) const override { return again_ && places_.is_configuration(path); }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (places_.is_kubeconfig(to)) again_ = true;
    if (places_.is_configuration(to)) again_ = false;
    return inner_.rename(from, to);
  }

 private:
  bool again_ = false;
};

// The own configuration under the other name is not seen and not removed.
class SiblingStays final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  bool hidden(const std::string& path) const override {
    return places_.is_configuration(path) && !configuration_path_.empty() && path != configuration_path_;
  }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (auto done = inner_.rename(from, to); !done) return done;
    remember_target(to);
    return {};
  }
  Outcome<> unlink(const std::string& path) override {
    if (hidden(path)) return std::unexpected(reference::Errno{ENOENT});
    return inner_.unlink(path);
  }
};

// What an automatic mode left stays in charge of a node that went over to manual mode.
class GeneratedStays final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  bool hidden(const std::string& path) const override {
    const std::string name = reference::name_of(path);
    return !places_.automatic && places_.in_configurations(path) && (name == reference::kSingleName || name == reference::kListName);
  }
};

// What it does to the CNI directory when it starts or has published something.
class Meddler final : public Misbehaviour {
 public:
  using Deed = void (*)(Meddler&, bool at_start);
  Meddler(reference::Host& inner, const reference::Options& options, Deed deed) : Misbehaviour(inner, options), deed_(deed) {
    deed_(*this, true);
  }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (auto done = inner_.rename(from, to); !done) return done;
    remember_target(to);
    if (places_.is_published(to)) deed_(*this, false);
    return {};
  }

  reference::Turn after(reference::Turn turn) override {
    deed_(*this, false);
    return turn;
  }

  reference::Host& host() { return inner_; }
  const Places& places() const { return places_; }
  const std::string& kubeconfig() const { return kubeconfig_path_; }
  void give_up() { end(1); }
  // The names in the CNI directory.
  std::vector<std::string> names() {
    std::vector<std::string> found;
    if (const auto entries = inner_.list(places_.configurations)) {
      for (const auto& entry : *entries) found.push_back(entry.name);
    }
    return found;
  }
  void chmod(const std::string& directory, mode_t mode) {
    const auto status = inner_.lstat(directory);
    if (!status || (status->mode & 07777) == mode) return;
    const auto opened = inner_.open(directory, O_RDONLY | O_DIRECTORY, 0);
    if (!opened) return;
    static_cast<void>(inner_.fchmod(*opened, mode));
    static_cast<void>(inner_.close(*opened));
  }

 private:
  const Deed deed_;
};

auto meddling(Meddler::Deed deed) { return made_by<Meddler>(deed); }

void starts_from_scratch(Meddler& meddler, bool at_start) {
  if (!at_start) return;
  for (const char* name : {reference::kSingleName, reference::kListName}) {
    static_cast<void>(meddler.host().unlink(reference::join(meddler.places().configurations, name)));
  }
}

void cleans_house(Meddler& meddler, bool at_start) {
  if (!at_start) return;
  for (const std::string& name : meddler.names()) {
    const std::string path = reference::join(meddler.places().configurations, name);
    const auto status = meddler.host().lstat(path);
    const bool loadable = name.ends_with(".conf") || name.ends_with(".conflist");
    if (status && S_ISREG(status->mode) && !loadable) static_cast<void>(meddler.host().unlink(path));
  }
}

void opens_the_own_directory(Meddler& meddler, bool at_start) {
  if (!at_start) meddler.chmod(reference::directory_of(meddler.kubeconfig()), 0755);
}

void closes_the_shared_directory(Meddler& meddler, bool) { meddler.chmod(meddler.places().configurations, 0700); }

void stumbles(Meddler& meddler, bool at_start) {
  if (!at_start) return;
  const std::string own = reference::join(meddler.places().configurations, "multus.d");
  for (const std::string& directory : {meddler.places().configurations, own, reference::directory_of(meddler.places().binary)}) {
    const auto entries = meddler.host().list(directory);
    if (!entries) continue;
    for (const auto& entry : *entries) {
      if (entry.name.ends_with(".tmp")) meddler.give_up();
    }
  }
}

void keeps_backups(Meddler& meddler, bool at_start) {
  if (!at_start) return;
  static_cast<void>(meddler.host().mkdir(reference::join(meddler.places().configurations, "01-backup.conf"), 0755));
}

// The own directory is made with the configuration, and never again.
class DirectoryOnce final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<> mkdir(const std::string& path, mode_t mode) override {
    const bool installed = inner_.lstat(reference::join(places_.configurations, reference::kSingleName)).has_value() ||
                           (!places_.automatic && inner_.lstat(manual_target()).has_value());
    if (places_.in_configurations(path) && installed) return std::unexpected(reference::Errno{EIO});
    return inner_.mkdir(path, mode);
  }

 private:
  std::string manual_target() const { return reference::join(places_.configurations, reference::name_of(places_.manual_source)); }
};

// Leftovers of earlier lives are never swept.
class NoSweep final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<std::vector<reference::DirectoryEntry>> list(const std::string& path) override {
    auto entries = inner_.list(path);
    if (entries) std::erase_if(*entries, [](const auto& entry) { return entry.name.ends_with(".tmp"); });
    return entries;
  }
};

// Whoever else lives on the volume is not noticed.
class OthersUnseen final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<bool> marked_above(Descriptor, std::int64_t) override { return false; }
};

// The plugin must be copied, whatever is there already.
class InsistsOnTheCopy final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  bool hidden(const std::string& path) const override { return places_.is_binary(path) && !copied_; }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    auto done = inner_.rename(from, to);
    if (done && places_.is_binary(to)) copied_ = true;
    return done;
  }

 private:
  bool copied_ = false;
};

// Each refresh is looked at through a descriptor that nobody closes.
class Leaks final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<> rename(const std::string& from, const std::string& to) override {
    auto done = inner_.rename(from, to);
    if (done && places_.is_kubeconfig(to)) static_cast<void>(inner_.open(to, O_RDONLY, 0));
    return done;
  }
};

}  // namespace

std::vector<Recipe> keeping_mutants() {
  return {
      {"binary-never-looked-at",
       "An installed plugin is not looked at again.",
       "UPGRADE-49 (flannel#1721)",
       {"UPGRADE-49/binary-restored"},
       made_by<Trusting>(File::kBinary, Trust::kBlind)},
      {"configuration-never-looked-at",
       "A published configuration is not looked at again.",
       "ORDER-42 (4.1 and later, multus#972)",
       {"ORDER-42/restored", "ORDER-44/filled-again"},
       made_by<Trusting>(File::kConfiguration, Trust::kBlind)},
      {"configuration-written-every-turn",
       "The configuration is written without being compared.",
       "ATOM-26 (aojea/kindnet#42)",
       {"ATOM-26/quiet-when-idle", "ATOM-26/long-idle"},
       made_by<Restless>()},
      {"configuration-written-with-kubeconfig",
       "A new token makes it write the configuration, too.",
       "FRESH-08 (multus#1367)",
       {"FRESH-08/configuration-untouched"},
       made_by<AllAtOnce>()},
      {"descriptor-leaked",
       "Each refresh leaves one descriptor open.",
       "LIFE-60 (whereabouts#575, #577: something for each turn of the loop)",
       {"LIFE-60/descriptors"},
       made_by<Leaks>()},
      {"directory-cleaned",
       "Files that are no configurations are swept out of the CNI directory.",
       "ORDER-43 (linkerd2#10375)",
       {"ORDER-43/foreign-files"},
       meddling(cleans_house)},
      {"directory-made-once",
       "The own directory is not made again when it was lost.",
       "EXIST-05 (istio/istio#60668)",
       {"EXIST-05/lost-directory"},
       made_by<DirectoryOnce>()},
      {"directory-open",
       "Everybody may look into the own directory.",
       "SECURE-53 (4.x)",
       {"SECURE-53/directory-mode"},
       meddling(opens_the_own_directory)},
      {"existence-is-enough",
       "A kubeconfig that is there is not compared.",
       "EXIST-04 (multus#1232)",
       {"EXIST-04/damaged", "EXIST-04/mode"},
       made_by<Trusting>(File::kKubeconfig, Trust::kExistence)},
      {"generated-stays-in-charge",
       "In manual mode the configuration that automatic mode left stays.",
       "UPGRADE-M4 (4.x)",
       {"UPGRADE-M4/selected-configuration"},
       made_by<GeneratedStays>()},
      {"insists-on-the-copy",
       "A plugin that is there already does not do.",
       "SECURE-56 (calico#7486)",
       {"LIFE-59/identical-left-alone", "SECURE-56/usable-binary-does"},
       made_by<InsistsOnTheCopy>()},
      {"kubeconfig-never-looked-at",
       "A published kubeconfig is not looked at again.",
       "EXIST-04 (4.x, D-25)",
       {"EXIST-04/deleted", "EXIST-04/damaged", "EXIST-04/mode"},
       made_by<Trusting>(File::kKubeconfig, Trust::kBlind)},
      {"leaves-a-directory",
       "A directory with the name of a configuration is left for backups.",
       "UPGRADE-M9 (3.9.3 chooses it)",
       {"UPGRADE-M9/old-build-works"},
       meddling(keeps_backups)},
      {"mode-never-compared",
       "The mode of the kubeconfig is not looked at.",
       "EXIST-04, SECURE-53 (deckhouse#16409)",
       {"EXIST-04/mode"},
       made_by<ModeBlind>()},
      {"never-sweeps",
       "What a killed life left behind stays.",
       "ATOM-22 (4.x, D-22)",
       {"ATOM-22/own-temporaries-swept", "ATOM-22/swept-after-a-crash"},
       made_by<NoSweep>()},
      {"others-unseen",
       "Each instance takes itself for the only one.",
       "ORDER-43 (istio/istio#46848)",
       {"ORDER-43/two-instances", "ORDER-43/leaving-one"},
       made_by<OthersUnseen>()},
      {"shared-directory-closed",
       "The CNI directory is closed to everybody else.",
       "ORDER-44 (containerd#6490)",
       {"ORDER-44/directories-stay"},
       meddling(closes_the_shared_directory)},
      {"sibling-stays",
       "The own configuration of the other form stays beside the new one.",
       "CONF-31 (4.1 and later, D-11)",
       {"CONF-31/after-upgrade-of-the-primary", "CONF-31/after-downgrade-of-the-primary", "UPGRADE-M7/one-own-configuration"},
       made_by<SiblingStays>()},
      {"starts-from-scratch",
       "A start removes the configuration before it does anything else.",
       "ORDER-39 (multus#1387)",
       {"ATOM-23/config-never-missing", "ORDER-39/kept-after-kill", "ORDER-39/kept-over-boot"},
       meddling(starts_from_scratch)},
      {"stumbles-over-leftovers",
       "A temporary that a killed life left ends the process.",
       "EXIST-01, ATOM-22 (istio/istio#44167)",
       {"EXIST-01/after-kill"},
       meddling(stumbles)},
  };
}

}  // namespace entryproof::subjects
