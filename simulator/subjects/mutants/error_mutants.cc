// The wrong answers to a call that fails. As long as nothing fails they are the reference itself; who does not even look at the answer is
// in careless_mutants.cc.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "reference/files.h"
#include "simulator/subjects/mutants/edits.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

enum class Answer {
  kShortIsWhole,  // a write is done when its first part is
  kWriteIsDone,   // so is one that failed
  kSyncIsDone,    // and a sync that failed
  kSyncAgain,     // which is tried again, and then the kernel has nothing left to write
  kCopies,        // a file that cannot be renamed is written over the old one
  kBlanks,        // with what cannot be written the old file goes, too
  kFatalReads,    // a token that cannot be read is the end
  kGivesUp,       // after the first trouble nothing is tried again
  kTells,         // what could not be put into its place is shown
};

class WrongAnswer final : public Misbehaviour {
 public:
  WrongAnswer(reference::Host& inner, const reference::Options& options, Answer kind) : Misbehaviour(inner, options), kind_(kind) {}

  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override {
    auto opened = Misbehaviour::open(path, flags, mode);
    if (!opened && kind_ == Answer::kFatalReads && places_.is_token(path)) end(1);
    return opened;
  }

  Outcome<std::size_t> read(Descriptor descriptor, char* buffer, std::size_t size) override {
    const auto got = Misbehaviour::read(descriptor, buffer, size);
    if (!got && kind_ == Answer::kFatalReads) end(1);
    return got;
  }

  Outcome<std::size_t> write(Descriptor descriptor, std::string_view bytes) override {
    const auto written = Misbehaviour::write(descriptor, bytes);
    if (written ? kind_ == Answer::kShortIsWhole : kind_ == Answer::kWriteIsDone) return bytes.size();
    if (!written && kind_ == Answer::kBlanks) static_cast<void>(inner_.unlink(kubeconfig_path_));
    return written;
  }

  Outcome<> fsync(Descriptor descriptor) override {
    const auto synced = Misbehaviour::fsync(descriptor);
    if (!synced && kind_ == Answer::kSyncAgain) return Misbehaviour::fsync(descriptor);
    return kind_ == Answer::kSyncIsDone ? Outcome<>{} : synced;
  }

  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto renamed = Misbehaviour::rename(from, to);
    if (!renamed && kind_ == Answer::kTells) inner_.write_error("error: could not publish " + read_whole(inner_, from));
    if (renamed || kind_ != Answer::kCopies || !places_.is_published(to)) return renamed;
    const auto status = inner_.lstat(from);
    if (!status) return renamed;
    if (auto copied = write_file(to, read_whole(inner_, from), status->mode & 07777, O_TRUNC); !copied) return copied;
    return inner_.unlink(from);
  }

  void write_error(std::string_view line) override {
    Misbehaviour::write_error(line);
    given_up_ = given_up_ || (kind_ == Answer::kGivesUp && line.starts_with("error:"));
  }

  reference::Turn after(reference::Turn turn) override {
    if (given_up_ && !turn.exit) turn.wait_until = turn.events_from = kNever;
    return turn;
  }

 private:
  static constexpr std::chrono::nanoseconds kNever = std::chrono::hours(24 * 365);

  const Answer kind_;
  bool given_up_ = false;
};

}  // namespace

std::vector<Recipe> error_mutants() {
  using enum Answer;
  const auto answers = [](Answer kind) { return made_by<WrongAnswer>(kind); };
  return {
      {"blanks-on-a-failed-write",
       "When a write fails, the kubeconfig that is there is removed.",
       "ATOM-28, UPGRADE-45",
       {"ATOM-23/kubeconfig-never-missing", "ATOM-28/failing-calls"},
       answers(kBlanks)},
      {"copies-when-rename-fails",
       "A file that cannot be renamed is written over the old one.",
       "ATOM-24 (mv(1) of 3.9.3)",
       {"ATOM-23/kubeconfig-never-partial", "ATOM-28/failing-calls"},
       answers(kCopies)},
      {"gives-up-in-silence",
       "After the first trouble nothing is tried again, and the process lives on.",
       "ATOM-28, LIFE-57",
       {"ATOM-28/heals-after-a-fault"},
       answers(kGivesUp)},
      {"read-errors-fatal",
       "A token that cannot be read once ends it.",
       "FRESH-14 (4.x)",
       {"FRESH-14/transient-errors"},
       answers(kFatalReads)},
      {"short-writes-ignored",
       "A write is taken for done when its first part is.",
       "ATOM-28 (write(2))",
       {"ATOM-28/failing-calls", "ATOM-28/no-worse-by-a-fault"},
       answers(kShortIsWhole)},
      {"sync-tried-again",
       "A sync that failed is tried again, without writing anew.",
       "ATOM-22, ATOM-28 (fsync(2); PostgreSQL 2018)",
       {"ATOM-22/whole-after-a-crash", "ATOM-28/whole-after-a-fault"},
       answers(kSyncAgain)},
      {"sync-errors-ignored",
       "That a sync failed is not asked.",
       "ATOM-22, ATOM-28 (fsync(2))",
       {"ATOM-28/failing-calls", "ATOM-28/whole-after-a-fault"},
       answers(kSyncIsDone)},
      {"tells-what-it-could-not-publish",
       "A file that cannot be renamed is shown in the message.",
       "SECURE-54 (golang/vulndb#5888)",
       {"SECURE-54/silent-in-a-fault"},
       answers(kTells)},
      {"write-errors-ignored",
       "That a write failed is not asked.",
       "ATOM-28 (write(2))",
       {"ATOM-28/failing-calls", "ATOM-28/no-worse-by-a-fault"},
       answers(kWriteIsDone)},
  };
}

}  // namespace entryproof::subjects
