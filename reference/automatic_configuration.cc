#include <algorithm>
#include <chrono>
#include <optional>
#include <ranges>
#include <utility>

#include "reference/configuration.h"
#include "reference/files.h"
#include "reference/multus_config.h"
#include "reference/primary.h"

namespace reference {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::string_view kOld = ".old";
constexpr std::size_t kSkippedShown = 10;

// Somebody who takes our file away again and again is not fought at full speed: a few times at once, then now and then.
constexpr int kRestoredAtOnce = 5;
constexpr std::chrono::seconds kBackOff{10};
constexpr std::chrono::minutes kCalm{1};  // after that it is forgotten

bool is_set_aside(const std::string& path) { return path.ends_with(kOld); }

// The order in which candidates are tried.
bool comes_later(const std::string& path, const std::string& other) {
  return std::pair(is_set_aside(path), path) > std::pair(is_set_aside(other), other);
}

class AutomaticConfiguration final : public Configuration {
 public:
  explicit AutomaticConfiguration(const Workbench& bench) : bench_(bench) {
    const std::string& directory = bench.options.cni_conf_dir;
    request_ = {.directory = bench.options.multus_autoconfig_dir,
                .file_name = bench.options.multus_master_cni_file_name,
                .renamed = bench.options.rename_conf_file,
                .excluded = {join(directory, kSingleName), join(directory, kListName)}};
  }

  Result<> keep() override {
    if (!accepted_ || !bench_.options.skip_config_watch) follow();
    if (!accepted_) return std::unexpected(*trouble_);
    if (auto done = publish(); !done) return done;
    return bench_.options.rename_conf_file ? set_aside() : Result<>{};
  }

  bool unsettled() const override { return candidate_.has_value(); }

  // The primary plugin comes when it comes; a full disk is another matter.
  bool may_wait(const Problem& problem) override { return problem.exit_code != kExitOutput; }

  void clean_up() override {
    for (const std::string& path : request_.excluded) {
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
    Selection found = select_primary(bench_.host, request_);
    const std::optional<Primary> before = std::exchange(candidate_, std::nullopt);
    if (!found.primary) return complain(*found.problem);
    const Primary& primary = *found.primary;
    if (accepted_ && primary.same_content(accepted_->primary)) return;
    if (refused_ && primary.same_content(*refused_)) return complain(*trouble_);
    if (accepted_ && comes_later(primary.path, accepted_->primary.path) && bench_.host.lstat(accepted_->primary.path)) {
      // Its owner may be writing it just now. Changing to another network for that would be worse than waiting.
      return complain(Problem{.text = accepted_->primary.path + " is no good at the moment; the last good configuration stays",
                              .exit_code = kExitBadInput,
                              .error = Errno{}});
    }
    const std::optional<Primary> second = accepted_ ? before : select_primary(bench_.host, request_).primary;
    if (!second || !primary.same_content(*second) || !unchanged(primary.status, second->status)) {
      complain(Problem{.text = primary.path + " is being written", .exit_code = kExitTimeout, .error = Errno{}}, false);
      candidate_ = primary;
      return;
    }
    accept(primary, found.skipped);
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

  // The new file first, durably; only then the other one of our two names goes, so that there is always one.
  Result<> publish() {
    const std::string& directory = bench_.options.cni_conf_dir;
    const std::string path = join(directory, accepted_->config.file_name);
    const bool disturbed = path == published_ && !bench_.publisher.is_ours(path);
    const auto now = bench_.host.monotonic();
    if (now - restored_at_ >= kCalm) restored_ = 0;
    if (disturbed && restored_ >= kRestoredAtOnce && now - restored_at_ < kBackOff) return {};
    const std::string culprit = disturbed ? bench_.publisher.moved_to(path) : "";
    const auto written = bench_.publisher.publish(path, accepted_->config.text, kMode);
    if (!written) return std::unexpected(written.error());
    if (*written && disturbed) {
      ++restored_;
      restored_at_ = now;
      bench_.log.problem(path + " was taken away or changed by somebody else" + (culprit.empty() ? "" : ", who renamed it to " + culprit) +
                         "; restored");
    } else if (*written) {
      bench_.log.info("configuration published as " + path);
    }
    published_ = path;
    const std::string sibling = join(directory, accepted_->config.file_name == kSingleName ? kListName : kSingleName);
    const auto removed = bench_.host.lstat(sibling) ? bench_.publisher.remove(sibling) : Result<bool>(false);
    if (!removed) return std::unexpected(removed.error());
    if (*removed) bench_.log.info("removed " + sibling + ", which " + path + " replaces");
    return {};
  }

  // Puts the primary out of the runtime's sight. Its new name is a source like the old one, so a restart finds it.
  Result<> set_aside() {
    Primary& primary = accepted_->primary;
    if (is_set_aside(primary.path)) return {};
    const std::string old = primary.path + std::string(kOld);
    const auto renamed = bench_.publisher.rename(primary.path, old);
    if (!renamed) return std::unexpected(renamed.error());
    if (!*renamed) return {};
    bench_.log.info("renamed " + primary.path + " to " + old);
    primary.path = old;
    return {};
  }

  const Workbench bench_;
  PrimaryRequest request_;
  std::optional<Accepted> accepted_;
  std::optional<Primary> candidate_;  // seen once while another is accepted
  std::optional<Primary> refused_;    // nothing can be made of it; not tried again until it changes
  std::optional<Problem> trouble_;    // the last one; always there while nothing is accepted
  std::string published_;             // the path
  int restored_ = 0;                  // how often lately
  std::chrono::nanoseconds restored_at_{};
};

}  // namespace

std::unique_ptr<Configuration> make_automatic_configuration(const Workbench& bench) {
  return std::make_unique<AutomaticConfiguration>(bench);
}

}  // namespace reference
