// What only a crash shows: syncs that are left out or come too late, modes that do, a temporary that two files share.
//
// In peace each of these publishes the right bytes under the right names, as the reference does.
#include <fcntl.h>
#include <sys/stat.h>

#include <map>
#include <string>
#include <utility>

#include "reference/files.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

enum class Habit {
  kNoFileSync,         // files are renamed into place unsynced
  kNoBinarySync,       // only the plugin is
  kNoDirectorySync,    // directories are never synced
  kNoParentSync,       // a new directory's parent is not synced after it was made
  kSyncAfterRename,    // files are synced once they are in place
  kSyncOfAnother,      // the directory is synced instead of the file
  kModeAfterRename,    // the kubeconfig is closed to others once it is in place
  kCloseErrorIgnored,  // and nothing else is there to write the file
};

using enum Habit;

class Careless final : public Misbehaviour {
 public:
  Careless(reference::Host& inner, const reference::Options& options, Habit habit) : Misbehaviour(inner, options), habit_(habit) {}

  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override {
    const bool made = (flags & O_CREAT) != 0;
    if (made && habit_ == kModeAfterRename) mode = 0666;
    auto opened = Misbehaviour::open(path, flags, mode);
    if (opened) paths_[*opened] = path;
    return opened;
  }

  Outcome<> fsync(Descriptor descriptor) override {
    const auto status = inner_.fstat(descriptor);
    const bool directory = status && S_ISDIR(status->mode);
    switch (habit_) {
      case kNoFileSync:
      case kSyncAfterRename:
      case kCloseErrorIgnored:
        if (!directory) return {};
        break;
      case kNoBinarySync:
        if (!directory && beside_the_binary(descriptor)) return {};
        break;
      case kNoDirectorySync:
        if (directory) return {};
        break;
      case kNoParentSync:
        if (directory && std::exchange(made_directory_, false)) return {};
        break;
      case kSyncOfAnother:
        if (!directory) return sync(reference::directory_of(paths_[descriptor]));
        break;
      default:
        break;
    }
    return Misbehaviour::fsync(descriptor);
  }

  Outcome<> fchmod(Descriptor descriptor, mode_t mode) override {
    const auto status = inner_.fstat(descriptor);
    if (habit_ == kModeAfterRename && status && S_ISREG(status->mode) && mode == 0600) return {};
    return Misbehaviour::fchmod(descriptor, mode);
  }

  Outcome<> close(Descriptor descriptor) override {
    paths_.erase(descriptor);
    const auto closed = Misbehaviour::close(descriptor);
    return habit_ == kCloseErrorIgnored ? Outcome<>{} : closed;
  }

  Outcome<> mkdir(const std::string& path, mode_t mode) override {
    auto made = Misbehaviour::mkdir(path, mode);
    made_directory_ = made_directory_ || made.has_value();
    return made;
  }

  Outcome<> rename(const std::string& from, const std::string& to) override {
    auto done = Misbehaviour::rename(from, to);
    if (!done) return done;
    if (habit_ == kSyncAfterRename) return sync(to);
    if (habit_ == kModeAfterRename && places_.is_kubeconfig(to)) return close_to_others(to);
    return done;
  }

 private:
  bool beside_the_binary(Descriptor descriptor) {
    return reference::directory_of(paths_[descriptor]) == reference::directory_of(places_.binary);
  }

  Outcome<> sync(const std::string& path) {
    auto file = reference::open_file(inner_, path, O_RDONLY);
    if (!file) return std::unexpected(file.error());
    return inner_.fsync(file->get());
  }

  Outcome<> close_to_others(const std::string& path) {
    auto file = reference::open_file(inner_, path, O_RDONLY);
    if (!file) return std::unexpected(file.error());
    return inner_.fchmod(file->get(), 0600);
  }

  const Habit habit_;
  std::map<Descriptor, std::string> paths_;  // of what is open
  bool made_directory_ = false;              // and nothing was synced since
};

// The kubeconfig and the configuration go through one temporary, whose name everybody knows, and which is written from its beginning on,
// whatever it holds.
class SharedTemporary final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;

  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (!places_.is_kubeconfig(to) && !places_.is_configuration(to)) return Misbehaviour::rename(from, to);
    const auto status = inner_.lstat(from);
    if (!status) return std::unexpected(status.error());
    const std::string bytes = content_of(from);
    if (auto done = inner_.unlink(from); !done) return done;
    const std::string temporary = reference::join(places_.configurations, ".multus.new");
    if (auto done = write_file(temporary, bytes, status->mode & 07777, 0); !done) return done;
    if (auto done = inner_.rename(temporary, to); !done) return done;
    believe(to, bytes, *status);
    return {};
  }

 private:
  std::string content_of(const std::string& path) {
    const auto content = reference::read_file(inner_, path, std::size_t{1} << 20, 0);
    return content ? content->bytes : "";
  }
};

const std::vector<std::string> kTorn = {"ATOM-22/whole-after-a-crash"};

}  // namespace

std::vector<Recipe> careless_mutants() {
  const auto careless = [](Habit habit) { return made_by<Careless>(habit); };
  return {
      {"binary-not-synced", "The plugin is renamed into place unsynced.", "ATOM-22, ORDER-37 (flannel#1721)", kTorn,
       careless(kNoBinarySync)},
      {"close-error-ignored",
       "Files are left to close(2) to be written, and its answer is not heard.",
       "ATOM-28 (close(2), NOTES)",
       {"ATOM-22/whole-after-a-crash", "ATOM-28/failing-close", "ATOM-28/closed-in-a-fault"},
       careless(kCloseErrorIgnored)},
      {"mode-after-rename",
       "The kubeconfig is closed to others once it is in place.",
       "SECURE-53 (multus#1301)",
       {"SECURE-53/kubeconfig-mode", "SECURE-53/mode-in-a-crash"},
       careless(kModeAfterRename)},
      {"no-directory-sync",
       "Directories are never synced.",
       "ATOM-22 (4.x: the file is synced, the directory is not)",
       {"ATOM-22/kept-after-a-crash", "ATOM-22/survives-a-power-cut"},
       careless(kNoDirectorySync)},
      {"no-file-sync", "Files are renamed into place unsynced.", "ATOM-22 (istio/istio#42046)", kTorn, careless(kNoFileSync)},
      {"parent-not-synced",
       "A new directory is used before its own name is durable.",
       "ATOM-22, ORDER-37 (xfstests generic/322)",
       {"ORDER-37/order-in-a-crash"},
       careless(kNoParentSync)},
      {"sync-after-rename", "Files are synced once they are in place.", "ATOM-22", kTorn, careless(kSyncAfterRename)},
      {"sync-of-another", "Instead of the new file its directory is synced.", "ATOM-22", kTorn, careless(kSyncOfAnother)},
      {"temporary-shared",
       "Two files go through one temporary, which is not even emptied.",
       "ATOM-27 (4.x, D-8)",
       {"ATOM-22/heals-after-a-crash"},
       made_by<SharedTemporary>()},
  };
}

}  // namespace entryproof::subjects
