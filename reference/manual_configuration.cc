#include <fcntl.h>

#include <chrono>
#include <optional>
#include <utility>

#include "reference/configuration.h"
#include "reference/files.h"
#include "reference/manual_config.h"
#include "reference/multus_config.h"
#include "reference/primary.h"

namespace reference {
namespace {

constexpr mode_t kMode = 0600;
constexpr int kRemovals = 8;  // with doubled pauses, about two minutes: longer than a rolling update overlaps
constexpr std::chrono::seconds kFirstPause{1};

class ManualConfiguration final : public Configuration {
 public:
  explicit ManualConfiguration(const Workbench& bench) : bench_(bench), source_(bench.options.multus_conf_file) {}

  Result<> keep() override {
    target_ = join(bench_.places.configuration, name_of(source_));
    follow();
    if (in_place_) return usable_ ? take_charge() : Result<>{};
    if (!accepted_) return std::unexpected(*trouble_);
    if (!published_.empty() && yields()) return {};
    const auto written = bench_.publisher.publish(target_, *accepted_, kMode);
    if (!written) return std::unexpected(written.error());
    if (*written) bench_.log.info("configuration " + source_ + " published as " + target_);
    published_ = target_;
    return take_charge();
  }

  std::vector<Trace> traces() const override { return {{.path = source_}, {.path = target_, .follow = false}}; }

  bool unsettled() const override { return candidate_.has_value(); }

  // A bad edit must not take the credentials from a node that runs on the file of before.
  bool may_wait(const Problem& problem) override { return problem.exit_code != kExitOutput && bench_.host.lstat(target_).has_value(); }

  void clean_up() override {
    if (in_place_ || !bench_.publisher.is_ours(target_)) return;
    if (const auto done = bench_.publisher.remove(target_); !done) bench_.log.problem(done.error().text);
  }

 private:
  // Has a newer instance put a file of its own in the place of ours?
  bool yields() const {
    return bench_.host.lstat(target_) && !bench_.publisher.is_ours(target_) && bench_.instances.newer().value_or(false);
  }

  void follow() {
    const std::optional<FileContent> before = std::exchange(candidate_, std::nullopt);
    auto found = read_file(bench_.host, source_, kConfigurationCap);
    if (!found) return complain(found.error());
    if (same_file(found->status)) return watch_in_place(found->bytes);
    in_place_ = false;
    if (accepted_ && *accepted_ == found->bytes) return;
    if (refused_ && *refused_ == found->bytes) return complain(*trouble_);

    std::optional<FileContent> second = before;
    if (!accepted_) {
      if (auto again = read_file(bench_.host, source_, kConfigurationCap)) second = std::move(*again);
    }
    if (!second || second->bytes != found->bytes || !unchanged(second->status, found->status)) {
      trouble_ = Problem{.text = source_ + " is being written", .exit_code = kExitTimeout, .error = Errno{}};
      candidate_ = std::move(*found);
      return;
    }
    if (auto good = judge(found->bytes); !good) {
      refused_ = std::move(found->bytes);
      return complain(good.error());
    }
    refused_.reset();
    accepted_ = std::move(found->bytes);
  }

  Result<> judge(const std::string& text) const { return judge_manual_config(source_, text, bench_.paths, bench_.kubeconfig); }

  bool same_file(const FileStatus& source) const {
    const auto target = bench_.host.stat(target_);
    return target && target->device == source.device && target->inode == source.inode;
  }

  // The file lies where it would be published: it is the user's, and there is nothing to do but to say what is wrong with it.
  void watch_in_place(const std::string& text) {
    in_place_ = true;
    const auto good = judge(text);
    usable_ = good.has_value();
    if (!good) bench_.log.problem(good.error().text);
  }

  void complain(Problem problem) {
    if (accepted_ || in_place_) bench_.log.problem(problem.text);
    trouble_ = std::move(problem);
  }

  // After the file is durably there: what an automatic mode left would stay in charge, since it sorts first. An entrypoint of before may
  // still run for a while and write it again, so one removal need not be enough; but this is no fight without end.
  Result<> take_charge() {
    bool removed_one = false;
    const auto now = bench_.host.monotonic();
    for (const char* name : {kSingleName, kListName}) {
      const std::string path = join(bench_.places.configuration, name);
      if (path == target_) continue;
      const auto stale = read_file(bench_.host, path, kConfigurationCap, O_NOFOLLOW);
      if (!stale || !is_generated(stale->bytes)) continue;
      if (removals_ >= kRemovals) bench_.log.problem(path + " is written again and again; it stays in charge before " + target_);
      if (removals_ >= kRemovals || now < next_removal_) continue;
      if (auto removed = bench_.publisher.remove(path); !removed) return std::unexpected(removed.error());
      bench_.log.info("removed " + path + ", generated earlier, which would have stayed in charge before " + target_);
      removed_one = true;
    }
    if (removed_one) next_removal_ = now + kFirstPause * (1 << removals_++);
    if (removed_one || !std::exchange(settled_, true)) warn_of_winner();
    return {};
  }

  void warn_of_winner() {
    const auto entries = bench_.host.list(bench_.places.configuration);
    std::string first = name_of(target_);
    for (const DirectoryEntry& entry : entries.value_or(std::vector<DirectoryEntry>{})) {
      const bool counts = entry.name.ends_with(".conf") || entry.name.ends_with(".conflist") || entry.name.ends_with(".json");
      if (counts && entry.name < first) first = entry.name;
    }
    if (first != name_of(target_)) bench_.log.warn("the container runtime will use " + first + ", which sorts before " + name_of(target_));
  }

  const Workbench bench_;
  const std::string source_;
  std::string target_;
  std::string published_;  // the path
  std::optional<std::string> accepted_;
  std::optional<FileContent> candidate_;
  std::optional<std::string> refused_;
  std::optional<Problem> trouble_;  // the last one; always there while nothing is accepted
  bool in_place_ = false;
  bool usable_ = false;   // the one that lies in its place
  bool settled_ = false;  // the warning about who goes first has been given
  int removals_ = 0;
  std::chrono::nanoseconds next_removal_{};
};

}  // namespace

std::unique_ptr<Configuration> make_manual_configuration(const Workbench& bench) { return std::make_unique<ManualConfiguration>(bench); }

}  // namespace reference
