// Which configurations a mutant reads, the primary's or the user's, and what it makes of them.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "reference/files.h"
#include "reference/multus_config.h"
#include "simulator/subjects/mutants/edits.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

using namespace std::chrono_literals;
using Entries = std::vector<reference::DirectoryEntry>;

// One that sees the directory of the primaries as it pleases.
class Lister : public Misbehaviour {
 public:
  using Bend = void (*)(Lister&, Entries&);
  Lister(reference::Host& inner, const reference::Options& options, Bend bend) : Misbehaviour(inner, options), bend_(bend) {}

  Outcome<Entries> list(const std::string& path) override {
    auto entries = inner_.list(path);
    if (entries && path == places_.primaries) bend_(*this, *entries);
    return entries;
  }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    remember_target(to);
    return inner_.rename(from, to);
  }

  bool is_primary(const reference::DirectoryEntry& entry) const {
    return places_.is_primary(reference::join(places_.primaries, entry.name));
  }
  const std::string& published() const { return configuration_path_; }
  reference::Host& host() { return inner_; }

  std::optional<Entries> kept;
  std::chrono::nanoseconds looked_at{};

 private:
  const Bend bend_;
};

auto listing(Lister::Bend bend) { return made_by<Lister>(bend); }

void without_json(Lister&, Entries& entries) {
  std::erase_if(entries, [](const auto& entry) { return entry.name.ends_with(".json"); });
}

void without_set_aside(Lister&, Entries& entries) {
  std::erase_if(entries, [](const auto& entry) { return entry.name.ends_with(".old"); });
}

void the_first_only(Lister& lister, Entries& entries) {
  std::ranges::sort(entries, {}, &reference::DirectoryEntry::name);
  const auto first = std::ranges::find_if(entries, [&](const auto& entry) { return lister.is_primary(entry); });
  if (first == entries.end()) return;
  const std::string name = first->name;
  std::erase_if(entries, [&](const auto& entry) { return lister.is_primary(entry) && entry.name != name; });
}

// The name that was chosen first is waited for, whatever else comes.
void the_first_choice(Lister& lister, Entries& entries) {
  if (lister.published().empty()) {
    lister.kept = entries;
  } else if (lister.kept) {
    entries = *lister.kept;
  }
}

void every_ten_seconds(Lister& lister, Entries& entries) {
  const auto now = lister.host().monotonic();
  if (lister.kept && now - lister.looked_at < 10s) {
    entries = *lister.kept;
    return;
  }
  lister.kept = entries;
  lister.looked_at = now;
}

void nothing_left_nothing_published(Lister& lister, Entries& entries) {
  const bool some = std::ranges::any_of(entries, [&](const auto& entry) { return lister.is_primary(entry); });
  if (!some && !lister.published().empty()) static_cast<void>(lister.host().unlink(lister.published()));
}

// What it cannot read becomes a primary of some sort.
class AnythingGoes final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_primary(path) || !inner_.stat(path)) return std::nullopt;
    const std::string text = read_whole(inner_, path);
    return is_json_object(text)
               ? std::nullopt
               : std::optional<std::string>(path.ends_with("list") ? R"({"cniVersion":"0.3.1","name":"x","plugins":[{"type":"x"}]})"
                                                                   : R"({"cniVersion":"0.3.1","name":"x","type":"x"})");
  }
};

// Own files are told by their names: what is Multus' under another name looks like anybody's.
class OwnFilesByName final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_primary(path) || !inner_.stat(path)) return std::nullopt;
    return exchanged(read_whole(inner_, path), kType, kMask);
  }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto status = inner_.lstat(from);
    if (!places_.is_configuration(to) || !status) return inner_.rename(from, to);
    const std::string meant = read_whole(inner_, from);
    if (auto done = write_file(from, exchanged(meant, kMask, kType), 0600, O_TRUNC); !done) return done;
    auto done = inner_.rename(from, to);
    if (done) believe(to, meant, *status);
    return done;
  }

 private:
  static constexpr std::string_view kType = "\"multus\"";
  static constexpr std::string_view kMask = "\"m-u-l-t-u-s\"";
  static std::string exchanged(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
    return text;
  }
};

// The version that was found first is taken for the one that was asked for.
class FirstVersion final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_primary(path) || !inner_.stat(path)) return std::nullopt;
    const std::string text = read_whole(inner_, path);
    const std::string version = version_of(text);
    if (first_.empty()) first_ = version;
    return version == first_ ? std::nullopt : std::optional<std::string>("another version was asked for");
  }

 private:
  static std::string version_of(const std::string& text) {
    const std::size_t at = text.find("\"cniVersion\"");
    const std::size_t begin = at == std::string::npos ? at : text.find('"', at + 12);
    return begin == std::string::npos ? "" : text.substr(begin + 1, text.find('"', begin + 1) - begin - 1);
  }
  std::string first_;
};

// A manual configuration passes the reference's judgement in disguise, and is published as it is.
class ManualUnchecked final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_manual_source(path) || !inner_.stat(path)) return std::nullopt;
    real_ = read_whole(inner_, path);
    const std::string plugin =
        R"("type":"multus","kubeconfig":")" + options_.multus_kubeconfig_file_host + R"(","delegates":[{"type":"x"}])";
    const std::string mark = std::to_string(std::hash<std::string>()(real_));
    return path.ends_with("list") ? R"({"cniVersion":"0.3.1","name":")" + mark + R"(","plugins":[{)" + plugin + "}]}"
                                  : R"({"cniVersion":"0.3.1","name":")" + mark + R"(",)" + plugin + "}";
  }
  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto status = inner_.lstat(from);
    if (places_.automatic || !places_.is_configuration(to) || !status) return inner_.rename(from, to);
    const std::string meant = read_whole(inner_, from);
    if (auto done = write_file(from, real_, 0600, O_TRUNC); !done) return done;
    auto done = inner_.rename(from, to);
    if (done) believe(to, meant, *status);
    return done;
  }

 private:
  std::string real_;
};

class ManualReadOnce final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_manual_source(path) || !inner_.stat(path)) return std::nullopt;
    if (!first_) first_ = read_whole(inner_, path);
    return first_;
  }

 private:
  std::optional<std::string> first_;
};

// The output is opened, and emptied, before the input is read.
class OutputOpenedFirst final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override {
    const std::string target = reference::join(places_.configurations, reference::name_of(path));
    if (places_.is_manual_source(path) && !begun_ && inner_.lstat(target)) {
      begun_ = true;
      static_cast<void>(write_file(target, "", {}, O_TRUNC));
    }
    return Misbehaviour::open(path, flags, mode);
  }

 private:
  bool begun_ = false;
};

// A primary that is gone when it is to be read leaves an output without a byte.
class VanishedPrimaryEmpties final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override {
    auto opened = Misbehaviour::open(path, flags, mode);
    if (!opened && opened.error() == reference::Errno{ENOENT} && places_.is_primary(path))
      static_cast<void>(write_file(reference::join(places_.configurations, reference::kSingleName), "", 0600, O_TRUNC));
    return opened;
  }
};

// A directory is one whatever way leads to it: an absolute link is followed in the container's own root.
class FollowsAbsoluteLinks final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<std::string> readlink(const std::string& path) override {
    auto target = inner_.readlink(path);
    if (!target || !target->starts_with('/')) return target;
    const auto there = inner_.stat(path);
    if (there && S_ISDIR(there->mode)) return std::unexpected(reference::Errno{EINVAL});
    return target;
  }
};

// The server is what the variables say, and nothing else.
class VariablesOrNothing final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  bool hidden(const std::string& path) const override {
    return options_.service_host.empty() && options_.api_server.empty() && places_.is_kubeconfig(path);
  }
};

// The kubeconfig stays where it always was; only the configuration says what the flag said.
class ReferenceOnly final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto status = inner_.lstat(from);
    if (!places_.is_configuration(to) || !status) return inner_.rename(from, to);
    const std::string meant = read_whole(inner_, from);
    std::string text = meant;
    const std::string usual = reference::Options{}.multus_kubeconfig_file_host;
    if (const std::size_t at = text.find(usual); at != std::string::npos)
      text.replace(at, usual.size(), options_.multus_kubeconfig_file_host);
    if (auto done = write_file(from, text, 0600, O_TRUNC); !done) return done;
    auto done = inner_.rename(from, to);
    if (done) believe(to, meant, *status);
    return done;
  }
};

std::unique_ptr<Misbehaviour> make_reference_only(reference::Host& host, reference::Options& options) {
  auto made = std::make_unique<ReferenceOnly>(host, options);
  options.multus_kubeconfig_file_host = reference::Options{}.multus_kubeconfig_file_host;
  return made;
}

}  // namespace

std::vector<Recipe> primary_mutants() {
  return {
      {"absolute-links-followed",
       "An own directory that is an absolute link is followed as the container sees it.",
       "SECURE-55 (cno#2049, OCPBUGS-20076)",
       {"SECURE-55/own-directory-link"},
       made_by<FollowsAbsoluteLinks>()},
      {"anything-is-a-primary",
       "A primary that is no configuration is delegated to as some plugin.",
       "CONF-35, ORDER-41 (4.x)",
       {"CONF-35/invalid-primary", "CONF-33/invalid-skipped", "ORDER-41/half-written"},
       made_by<AnythingGoes>()},
      {"api-server-ignored",
       "The API server that a flag names is not asked.",
       "FRESH-20 (multus#1361)",
       {"FRESH-20/override"},
       with_options([](reference::Options& options) { options.api_server.clear(); })},
      {"credential-paths-ignored",
       "Token and CA come from kubelet's place, whatever the flags say.",
       "STATIC-51 (4.x)",
       {"STATIC-51/flags-only", "STATIC-51/flags-only-rotation"},
       with_options([](reference::Options& options) {
         options.token_file = reference::Options{}.token_file;
         options.ca_file = reference::Options{}.ca_file;
       })},
      {"first-choice-for-ever",
       "The primary that was chosen first is waited for although another took its place.",
       "CONF-33 (4.1 and later, D-29)",
       {"CONF-33/replaced"},
       listing(the_first_choice)},
      {"first-file-or-none",
       "If the first file is no good, there is no primary.",
       "CONF-33 (4.x)",
       {"CONF-33/invalid-skipped"},
       listing(the_first_only)},
      {"first-version-remembered",
       "The version that was found first is taken for the one that was asked for.",
       "CONF-32 (4.1 and later, D-5)",
       {"CONF-32/followed"},
       made_by<FirstVersion>()},
      {"json-overlooked",
       "Files that end in .json are not looked at.",
       "CONF-33 (3.9.3 and 4.x)",
       {"CONF-33/json-primary"},
       listing(without_json)},
      {"kubeconfig-path-in-reference-only",
       "The flag for the kubeconfig's place changes what the configuration names, and not the place.",
       "EXIST-03 (4.x, bitnami/charts#30606)",
       {"EXIST-03/other-name", "EXIST-03/no-dangling-reference", "EXIST-03/layouts-of-the-field"},
       make_reference_only},
      {"manual-read-once",
       "A manual configuration is read at the start only.",
       "MANUAL-50 (multus#1110)",
       {"MANUAL-50/edits-followed"},
       made_by<ManualReadOnce>()},
      {"manual-unchecked",
       "A manual configuration is published as it is.",
       "MANUAL-50, CONF-36 (4.x, multus#1366)",
       {"MANUAL-50/invalid-refused", "MANUAL-50/good-file-kept", "CONF-36/disagreement-refused"},
       made_by<ManualUnchecked>()},
      {"name-of-primary-ignored",
       "The primary that is named is not the one that is taken.",
       "CONF-33 (4.0.x, D-28)",
       {"CONF-33/by-name"},
       with_options([](reference::Options& options) { options.multus_master_cni_file_name.clear(); })},
      {"no-watch",
       "Neither primary nor another one is looked at again.",
       "CONF-32, CONF-33 (3.9.3 and 4.x with default flags)",
       {"CONF-32/followed", "CONF-33/replaced", "ORDER-41/followed"},
       with_options([](reference::Options& options) { options.skip_config_watch = true; })},
      {"output-opened-first",
       "The output is emptied before the input is read.",
       "ATOM-29 (multus#911)",
       {"ATOM-29/source-is-target"},
       made_by<OutputOpenedFirst>()},
      {"own-files-by-name",
       "An own file under another name is taken for a primary.",
       "CONF-30 (4.1 and later, multus#1312)",
       {"CONF-30/own-file-other-name"},
       made_by<OwnFilesByName>()},
      {"primary-looked-for-slowly",
       "The primary is looked for every ten seconds.",
       "ORDER-40 (multus#234)",
       {"ORDER-40/proceeds"},
       listing(every_ten_seconds)},
      {"renamed-primary-forgotten",
       "A primary that an earlier life renamed is not recognised.",
       "UPGRADE-48 (4.x, D-27)",
       {"UPGRADE-48/rename-over-restarts"},
       listing(without_set_aside)},
      {"vanished-primary-empties",
       "A primary that is gone when it is to be read leaves an empty configuration.",
       "ATOM-29 (multus#1155)",
       {"ATOM-29/primary-vanishes"},
       made_by<VanishedPrimaryEmpties>()},
      {"vanished-primary-unpublishes",
       "When the primary is away the configuration is removed.",
       "ORDER-41, ATOM-29 (multus#1155)",
       {"ORDER-41/vanished"},
       listing(nothing_left_nothing_published)},
      {"variables-or-nothing",
       "Without service variables a new token is not published, although the kubeconfig names a server.",
       "FRESH-19 (multus#1283)",
       {"FRESH-19/last-known-good"},
       made_by<VariablesOrNothing>()},
  };
}

}  // namespace entryproof::subjects
