#include "simulator/subjects/mutants/mutants.h"

#include <algorithm>
#include <utility>

#include "reference/options.h"
#include "reference/problem.h"
#include "reference/uninstall.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = [] {
    std::vector<Recipe> made;
    for (auto* theme : {publication_mutants, credential_mutants, event_mutants, primary_mutants, keeping_mutants, careless_mutants,
                        ending_mutants, error_mutants}) {
      std::ranges::move(theme(), std::back_inserter(made));
    }
    std::ranges::sort(made, {}, &Recipe::name);
    return made;
  }();
  return all;
}

}  // namespace

const std::vector<MutantInfo>& mutants() {
  static const std::vector<MutantInfo> all = [] {
    std::vector<MutantInfo> told;
    for (const Recipe& recipe : recipes()) told.push_back({recipe.name, recipe.defect, recipe.origin, recipe.kills});
    return told;
  }();
  return all;
}

class MutantLife::State {
 public:
  State(const Recipe& recipe, reference::Host& host, std::vector<std::string> arguments,
        const std::map<std::string, std::string>& environment) {
    if (recipe.arguments) arguments = recipe.arguments(std::move(arguments));
    auto options = reference::parse_options(arguments, environment);
    reference::Options given = options.value_or(reference::Options{});
    misbehaviour_ = recipe.make(host, given);
    if (!options) {
      misbehaviour_->write_error("error: " + options.error().message);
      early_exit_ = reference::kExitUsage;
    } else if (given.help || given.version) {
      if (given.help) misbehaviour_->write_out(reference::usage());
      early_exit_ = reference::kExitOk;
    } else if (given.command == reference::Command::kUninstall) {
      uninstall_ = std::move(given);
    } else {
      entrypoint_.emplace(*misbehaviour_, std::move(given));
    }
  }

  reference::Turn turn() {
    const auto exits = [](std::optional<int> status) { return reference::Turn{.exit = status, .wait_until = {}}; };
    if (const auto status = misbehaviour_->wants_to_end()) return exits(status);
    if (uninstall_) early_exit_ = reference::uninstall(*misbehaviour_, *std::exchange(uninstall_, std::nullopt));
    const reference::Turn turn = misbehaviour_->after(early_exit_ ? exits(early_exit_) : entrypoint_->turn());
    const auto status = misbehaviour_->wants_to_end();
    return status ? exits(status) : turn;
  }

  std::optional<int> stop() { return entrypoint_ ? misbehaviour_->stop(*entrypoint_) : early_exit_; }

 private:
  std::unique_ptr<Misbehaviour> misbehaviour_;
  std::optional<reference::Options> uninstall_;      // still to be done
  std::optional<reference::Entrypoint> entrypoint_;  // uses the former
  std::optional<int> early_exit_;                    // the command line was not for an entrypoint
};

std::unique_ptr<MutantLife> MutantLife::begin(std::string_view name, reference::Host& host, std::vector<std::string> arguments,
                                              const std::map<std::string, std::string>& environment) {
  const auto found = std::ranges::find(recipes(), name, [](const Recipe& recipe) { return std::string_view(recipe.name); });
  if (found == recipes().end()) return nullptr;
  return std::unique_ptr<MutantLife>(new MutantLife(std::make_unique<State>(*found, host, std::move(arguments), environment)));
}

MutantLife::MutantLife(std::unique_ptr<State> state) : state_(std::move(state)) {}
MutantLife::~MutantLife() = default;
reference::Turn MutantLife::turn() { return state_->turn(); }
std::optional<int> MutantLife::stop() { return state_->stop(); }

}  // namespace entryproof::subjects
