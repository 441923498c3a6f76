#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reference/configuration.h"
#include "reference/files.h"
#include "reference/multus_config.h"
#include "reference/primary.h"
#include "reference/restraint.h"

namespace reference {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::size_t kSkippedShown = 10;

// After a start another primary than before is not taken in haste, while one that goes first may be in the making.
constexpr std::chrono::seconds kSecondThoughts{10};

bool is_set_aside(const std::string& path) { return path.ends_with(kSetAside); }

std::string original_of(const std::string& path) { return is_set_aside(path) ? path.substr(0, path.size() - kSetAside.size()) : path; }

// The order in which candidates are tried.
bool comes_later(const std::string& path, const std::string& other) {
  return std::pair(is_set_aside(path), path) > std::pair(is_set_aside(other), other);
}

class AutomaticConfiguration final : public Configuration {
 public:
  explicit AutomaticConfiguration(const Workbench& bench) : bench_(bench) {}

  Result<> keep() override {
    const std::string& directory = bench_.places.configuration;
    own_names_ = {join(directory, kSingleName), join(directory, kListName)};
    if (!accepted_ || !bench_.options.skip_config_watch) follow();
    if (!accepted_) return std::unexpected(*trouble_);
    if (auto done = publish(); !done) return done;
    return bench_.options.rename_conf_file ? set_aside() : Result<>{};
  }

  std::vector<Trace> traces() const override {
    std::vector<Trace> all;
    for (const std::string& path : own_names_) all.push_back({.path = path, .follow = false});
    if (accepted_ && !bench_.options.skip_config_watch) all.push_back({.path = accepted_->primary.path});
    return all;
  }

  bool unsettled() const override { return candidate_.has_value(); }

  // The primary plugin comes when it comes; a full disk is another matter.
  bool may_wait(const Problem& problem) override { return problem.exit_code != kExitOutput; }

  void clean_up() override {
    restore_primary();
    for (const std::string& path : own_names_) {
      if (!accepted_ || !bench_.publisher.is_ours(path)) continue;
      if (const auto done = bench_.publisher.remove(path); !done) bench_.log.problem(done.error().text);
    }
  }

 private:
  struct Accepted {
    Primary primary;
    MultusConfig config;
  };

  // Finds out whether there is something new to delegate to. What we have stays unless there is something better for certain.
  void follow() {
    if (!bench_.places.primaries) return complain(bench_.places.primaries.error());
    PrimaryRequest request{.directory = *bench_.places.primaries,
                           .file_name = bench_.options.multus_master_cni_file_name,
                           .renamed = bench_.options.rename_conf_file,
                           .excluded = own_names_,
                           .known = accepted_ ? &accepted_->primary : nullptr};
    Selection found = select_primary(bench_.host, request);
    for (const std::string aside = set_aside_before(); found.primary && has_lost_to(aside, *found.primary);) {
      passed_over_.insert(found.primary->path);
      request.excluded.push_back(found.primary->path);
      found = select_primary(bench_.host, request);
    }
    const std::optional<Primary> before = std::exchange(candidate_, std::nullopt);
    if (!found.primary) return complain(*found.problem);
    if (!accepted_ && is_hasty(found)) {
      return complain(Problem{.text = "a configuration that goes before " + found.primary->path +
                                      " is no good at the moment; what is published stays for a while",
                              .exit_code = kExitTimeout,
                              .error = Errno{}});
    }
    const Primary& primary = *found.primary;
    if (accepted_ && primary.same_content(accepted_->primary)) return;
    if (refused_ && primary.same_content(*refused_)) return complain(*trouble_);
    if (accepted_ && comes_later(primary.path, accepted_->primary.path) && bench_.host.lstat(accepted_->primary.path)) {
      // Its owner may be writing it just now. Changing to another network for that would be worse than waiting.
      return complain(Problem{.text = accepted_->primary.path + " is no good at the moment; the last good configuration stays",
                              .exit_code = kExitBadInput,
                              .error = Errno{}});
    }
    const std::optional<Primary> second = accepted_ ? before : select_primary(bench_.host, request).primary;
    if (!second || !primary.same_content(*second) || !unchanged(primary.status, second->status)) {
      complain(Problem{.text = primary.path + " is being written", .exit_code = kExitTimeout, .error = Errno{}}, false);
      candidate_ = primary;
      return;
    }
    accept(primary, found.skipped);
  }

  // The primary in charge, if it was set aside by this life or an earlier one; empty if not.
  std::string set_aside_before() {
    if (!bench_.options.rename_conf_file) return "";
    if (accepted_) return is_set_aside(accepted_->primary.path) ? accepted_->primary.path : "";
    const std::string delegate = published_delegate();
    return delegate.empty() ? "" : find_set_aside(bench_.host, *bench_.places.primaries, delegate).value_or("");
  }

  // One that comes later and was there when the other was chosen had its chance: that the other has gone from the runtime's sight since is
  // our own doing. One that is newer than that has come to replace it, and what was set aside before does not come back.
  bool has_lost_to(const std::string& aside, const Primary& primary) {
    if (aside.empty() || primary.path == aside) return false;
    const auto status = bench_.host.lstat(aside);
    if (!status) return false;
    if (is_set_aside(primary.path)) return true;
    if (primary.path <= original_of(aside)) return false;
    return passed_over_.contains(primary.path) || primary.status.ctime_ns <= status->ctime_ns;
  }

  // What an earlier life published tells whom it delegated to.
  bool is_hasty(const Selection& found) {
    const auto now = bench_.host.monotonic();
    if (!first_look_) first_look_ = now;
    if (!found.unfinished || now - *first_look_ >= kSecondThoughts) return false;
    const std::string before = published_delegate();
    return !before.empty() && before != found.primary->document.root().compact();
  }

  // Empty also if it leads back to Multus: nothing is worth keeping about a loop.
  std::string published_delegate() {
    for (const std::string& path : own_names_) {
      const auto text = read_file(bench_.host, path, kConfigurationCap, O_NOFOLLOW);
      std::string delegate = text ? delegate_of(text->bytes) : "";
      if (const auto document = json::Document::parse(delegate); document && !names_multus(*document)) return delegate;
    }
    return "";
  }

  void accept(const Primary& primary, const std::vector<std::string>& skipped) {
    auto config = render_multus_config(bench_.options, bench_.paths, primary);
    if (!config) {
      refused_ = primary;
      return complain(config.error());
    }
    bench_.log.info("delegating to " + primary.path + ", cniVersion " + primary.cni_version);
    for (const std::string& why : skipped | std::views::take(kSkippedShown)) bench_.log.info("not used: " + why);
    refused_.reset();
    accepted_ = Accepted{.primary = primary, .config = std::move(*config)};
  }

  void complain(Problem problem, bool loud = true) {
    if (accepted_ && loud) bench_.log.problem(problem.text);
    trouble_ = std::move(problem);
  }

  // Has a newer instance put a configuration of its own in the place of ours?
  bool yields() const {
    if (!bench_.instances.newer().value_or(false)) return false;
    return std::ranges::any_of(own_names_, [&](const std::string& path) {
      const auto text = read_file(bench_.host, path, kConfigurationCap, O_NOFOLLOW);
      return text && !bench_.publisher.is_ours(path) && is_generated(text->bytes);
    });
  }

  // The new file first, durably; only then the other one of our two names goes, so that there is always one.
  Result<> publish() {
    const std::string& directory = bench_.places.configuration;
    const std::string path = join(directory, accepted_->config.file_name);
    const bool disturbed = path == published_ && !bench_.publisher.is_ours(path);
    const auto now = bench_.host.monotonic();
    if (disturbed && (yields() || restraint_.holds(now))) return {};
    const std::string culprit = disturbed ? bench_.publisher.moved_to(path) : "";
    const auto written = bench_.publisher.publish(path, accepted_->config.text, kMode);
    if (!written) return std::unexpected(written.error());
    if (*written && disturbed) {
      restraint_.acted(now);
      bench_.log.problem(path + " was taken away or changed by somebody else" + (culprit.empty() ? "" : ", who renamed it to " + culprit) +
                         "; restored");
    } else if (*written) {
      bench_.log.info("configuration published as " + path);
    }
    published_ = path;
    const std::string sibling = join(directory, accepted_->config.file_name == kSingleName ? kListName : kSingleName);
    const auto status = bench_.host.lstat(sibling);
    const bool loadable = status && !S_ISDIR(status->mode);  // runtimes pass directories by, and so do we
    const auto removed = loadable ? bench_.publisher.remove(sibling) : Result<bool>(false);
    if (!removed) return std::unexpected(removed.error());
    if (*removed) bench_.log.info("removed " + sibling + ", which " + path + " replaces");
    return {};
  }

  // Puts the primary out of the runtime's sight. Its new name is a source like the old one, so a restart finds it.
  Result<> set_aside() {
    Primary& primary = accepted_->primary;
    if (is_set_aside(primary.path)) return {};
    const std::string old = primary.path + std::string(kSetAside);
    const auto renamed = bench_.publisher.rename(primary.path, old);
    if (!renamed) return std::unexpected(renamed.error());
    if (!*renamed) return {};
    bench_.log.info("renamed " + primary.path + " to " + old);
    primary.path = old;
    return {};
  }

  // Before ours goes, so that the runtime always has one.
  void restore_primary() {
    if (!accepted_ || !is_set_aside(accepted_->primary.path)) return;
    const std::string& old = accepted_->primary.path;
    const std::string original = original_of(old);
    if (bench_.host.lstat(original)) return;  // its owner has written it anew
    if (const auto done = bench_.publisher.rename(old, original); !done) bench_.log.problem(done.error().text);
  }

  const Workbench bench_;
  std::vector<std::string> own_names_;  // of which one is published
  std::optional<Accepted> accepted_;
  std::set<std::string> passed_over_;  // that came later than the one that we set aside, when it was chosen
  std::optional<Primary> candidate_;   // seen once while another is accepted
  std::optional<Primary> refused_;     // nothing can be made of it; not tried again until it changes
  std::optional<Problem> trouble_;     // the last one; always there while nothing is accepted
  std::string published_;              // the path
  Restraint restraint_;                // with whoever takes it away
  std::optional<std::chrono::nanoseconds> first_look_;
};

}  // namespace

std::unique_ptr<Configuration> make_automatic_configuration(const Workbench& bench) {
  return std::make_unique<AutomaticConfiguration>(bench);
}

}  // namespace reference
