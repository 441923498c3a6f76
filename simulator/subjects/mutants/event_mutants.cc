// How a mutant hears that the service account has changed: by events that cease, or through a directory that is no longer the one.
//
// Only a kernel can stage what turns them red; their defects sleep in a memory world.
#include <fcntl.h>

#include <cerrno>
#include <map>
#include <optional>
#include <string>

#include "reference/files.h"
#include "simulator/subjects/mutants/edits.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

// What it cannot have an event queue for, it does not look at again.
class EventsOrNothing final : public Misbehaviour {
 public:
  EventsOrNothing(reference::Host& inner, const reference::Options& options) : Misbehaviour(inner, options) {
    const auto watched = inner_.watch(reference::directory_of(options_.token_file));
    blind_ = !watched && watched.error() == reference::Errno{EMFILE};
  }
  std::optional<std::string> shown(const std::string& path) override {
    if (!blind_ || !(places_.is_token(path) || places_.is_ca(path)) || !inner_.stat(path)) return std::nullopt;
    return seen_.emplace(places_.is_token(path), read_whole(inner_, path)).first->second;
  }

 private:
  bool blind_ = false;
  std::map<bool, std::string> seen_;  // the token, the CA
};

// Events come until no watch can be had any more; from then on nobody looks.
class EventsUntilTheyEnd final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<> watch(const std::string& directory) override {
    auto watched = inner_.watch(directory);
    blind_ = blind_ || (!watched && (watched.error() == reference::Errno{EMFILE} || watched.error() == reference::Errno{ENOSPC}));
    return watched;
  }
  std::optional<std::string> shown(const std::string& path) override {
    if (!(places_.is_token(path) || places_.is_ca(path)) || !inner_.stat(path)) return std::nullopt;
    std::string& seen = seen_[places_.is_token(path)];
    if (!blind_) seen = read_whole(inner_, path);
    return seen;
  }

 private:
  bool blind_ = false;
  std::map<bool, std::string> seen_;  // the token, the CA
};

// The volume's directory is opened at the start, and all that is read is read through that.
class OpensTheVolumeOnce final : public Misbehaviour {
 public:
  OpensTheVolumeOnce(reference::Host& inner, const reference::Options& options) : Misbehaviour(inner, options) {
    const auto opened = inner_.open(reference::directory_of(options_.token_file), O_RDONLY | O_DIRECTORY, 0);
    if (opened) directory_ = "/proc/self/fd/" + std::to_string(*opened);
  }
  std::optional<std::string> shown(const std::string& path) override {
    if (directory_.empty() || !(places_.is_token(path) || places_.is_ca(path)) || !inner_.stat(path)) return std::nullopt;
    return read_whole(inner_, reference::join(directory_, reference::name_of(path)));
  }

 private:
  std::string directory_;
};

}  // namespace

std::vector<Recipe> event_mutants() {
  return {
      {"events-or-nothing",
       "Where no event queue can be had the token is read once.",
       "FRESH-15 (fs.inotify.max_user_instances, EMFILE; fsnotify)",
       {"FRESH-15/without-inotify"},
       made_by<EventsOrNothing>()},
      {"events-until-they-end",
       "When no watch can be had any more, token and CA are not looked at again.",
       "FRESH-15 (linkerd2-proxy-init#440: watcher errors ignored)",
       {"FRESH-15/exhausted-later"},
       made_by<EventsUntilTheyEnd>()},
      {"volume-opened-once",
       "The volume is read through the directory that was there at the start.",
       "FRESH-15 (multus#1234: events on the projected volume stopped)",
       {"FRESH-15/mounted-anew"},
       made_by<OpensTheVolumeOnce>()},
  };
}

}  // namespace entryproof::subjects
