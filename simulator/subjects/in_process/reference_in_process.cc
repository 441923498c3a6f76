#include "simulator/subjects/in_process/reference_in_process.h"

#include <csignal>
#include <utility>

#include "reference/entrypoint.h"
#include "reference/options.h"
#include "reference/problem.h"
#include "reference/uninstall.h"
#include "simulator/subjects/in_process/memory_host.h"
#include "simulator/subjects/mutants/mutants.h"

namespace entryproof::subjects {

namespace {

// Explorers start one program with the same words many thousand times; the last answer is kept.
std::expected<reference::Options, reference::UsageError> parsed(const std::vector<std::string>& arguments,
                                                                const std::map<std::string, std::string>& environment) {
  struct Last {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::optional<reference::Options> options;
  };
  thread_local Last last;
  if (last.options && last.arguments == arguments && last.environment == environment) return *last.options;
  auto options = reference::parse_options(arguments, environment);
  if (options) last = {arguments, environment, *options};
  return options;
}

}  // namespace

class ReferenceInProcess::Life {
 public:
  Life(node::Node& node, const Clock& clock, node::View view, const node::Caller& caller, std::uint64_t seed, std::shared_ptr<Marks> marks)
      : marks_(std::move(marks)), host_(node, clock, std::move(view), caller, seed, kOutputCap, marks_.get()), wake_(clock.now()) {}
  ~Life() { host_.exit(); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  // What the reference's main program does before its loop.
  Result<> begin(const std::string& mutant, const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment) {
    if (!mutant.empty()) {
      mutant_ = MutantLife::begin(mutant, host_, arguments, environment);
      if (!mutant_) return fail(ErrorCode::kUsage, "there is no mutant \"" + mutant + "\"; list them with: entryproof list mutant:*");
      return {};
    }
    auto options = parsed(arguments, environment);
    if (!options) {
      host_.write_error("error: " + options.error().message);
      end(reference::kExitUsage);
    } else if (options->help || options->version) {
      if (options->help) host_.write_out(reference::usage());
      end(reference::kExitOk);
    } else if (options->command == reference::Command::kUninstall) {
      uninstall_ = std::move(*options);
    } else {
      entrypoint_.emplace(host_, std::move(*options));
    }
    return {};
  }

  void turn() {
    if (!running()) return;
    in_turn_ = true;
    const reference::Turn turn = take_turn();
    in_turn_ = false;
    if (host_.killed()) return kill();
    if (std::exchange(asked_, false)) signal(SIGTERM);
    if (!running()) return;
    if (turn.exit) return end(*turn.exit);
    wake_ = Moment{turn.wait_until};
  }

  void signal(int number) {
    if (!running()) return;
    if (number == SIGKILL) return kill();
    if (number != SIGTERM && number != SIGINT) return;
    if (in_turn_) {
      if (uninstall_) return;  // it blocks the signals and goes to its end
      asked_ = true;
      return host_.request_stop();
    }
    const auto code = mutant_ ? mutant_->stop() : std::optional(entrypoint_->stop());
    if (host_.killed()) return kill();
    if (code) end(*code);
  }

  bool running() const { return !exit_code_ && !ended_by_; }

  const std::shared_ptr<Marks> marks_;
  MemoryHost host_;
  std::unique_ptr<MutantLife> mutant_;               // one of …
  std::optional<reference::Options> uninstall_;      // …
  std::optional<reference::Entrypoint> entrypoint_;  // … the three
  Moment wake_;
  std::optional<int> exit_code_;
  std::optional<int> ended_by_;

 private:
  reference::Turn take_turn() {
    if (mutant_) return mutant_->turn();
    if (uninstall_) return {.exit = reference::uninstall(host_, *uninstall_), .wait_until = {}};
    return entrypoint_->turn();
  }

  bool in_turn_ = false;
  bool asked_ = false;  // to end, in the middle of the turn

  void end(int code) {
    exit_code_ = code;
    host_.exit();
  }
  void kill() {
    ended_by_ = SIGKILL;
    host_.exit();
  }
};

ReferenceInProcess::ReferenceInProcess(std::unique_ptr<Life> life) : life_(std::move(life)) {}
ReferenceInProcess::~ReferenceInProcess() = default;

Result<std::unique_ptr<ReferenceInProcess>> ReferenceInProcess::start(node::Node& node, const Clock& clock, Start start) {
  auto life = std::make_unique<Life>(node, clock, std::move(start.view), start.caller, start.seed, std::move(start.marks));
  if (auto begun = life->begin(start.mutant, start.arguments, start.environment); !begun) return std::unexpected(begun.error());
  return std::unique_ptr<ReferenceInProcess>(new ReferenceInProcess(std::move(life)));
}

bool ReferenceInProcess::running() const { return life_->running(); }
Moment ReferenceInProcess::next_wake() const { return life_->wake_; }
void ReferenceInProcess::turn() { life_->turn(); }
void ReferenceInProcess::signal(int number) { life_->signal(number); }
std::optional<int> ReferenceInProcess::exit_code() const { return life_->exit_code_; }
std::optional<int> ReferenceInProcess::ended_by() const { return life_->ended_by_; }
std::size_t ReferenceInProcess::open_descriptors() const { return life_->host_.open_descriptors(); }
const std::string& ReferenceInProcess::output() const { return life_->host_.output(); }
bool ReferenceInProcess::output_exceeded() const { return life_->host_.output_exceeded(); }

}  // namespace entryproof::subjects
