// Steps: what a scenario does to its world, verb by verb.
//
// One overload per verb; each changes the world (or the cluster) through Play and judges nothing. An error says what could not be done:
// kUnavailable where this kind of world lacks it, anything else is trouble.
#pragma once

#include <string>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/runner/play.h"
#include "simulator/runner/scenario.h"

namespace entryproof::runner {

class Steps {
 public:
  explicit Steps(Play& play) : play_(play) {}

  Result<> perform(const Step& step);

 private:
  Result<> perform(const StartStep& step);
  Result<> perform(const PutStep& step);
  Result<> perform(const ChmodStep& step);
  Result<> perform(const RemoveStep& step);
  Result<> perform(const RenameStep& step);
  Result<> perform(const LinkStep& step);
  Result<> perform(const RotateStep& step);
  Result<> perform(const ClusterStep& step);
  Result<> perform(const ProjectStep& step);
  Result<> perform(const SignalStep& step);
  Result<> perform(const KillStep& step);
  Result<> perform(const StopStep& step);
  Result<> perform(const ExhaustStep& step);
  Result<> perform(const RemountStep& step);
  Result<> perform(const RebootStep& step);
  Result<> perform(const PowerCutStep& step);
  Result<> perform(const RestStep& step);
  Result<> perform(const RememberStep& step);
  Result<> perform(const ClockStep& step);
  Result<> perform(const FaultStep& step);
  Result<> perform(const WaitStep& step);
  Result<> perform(const ExpectStep&) { return {}; }  // the judgement's

  // How this build spells a feature; of the reference we know, of any other we must have been told.
  Result<std::vector<std::string>> in_words_of_the_build(const std::string& feature, const std::string& value) const;
  std::string relative(const std::string& path) const;  // of the container, below the node's root
  Result<> change(const std::vector<cluster::Change>& changes);

  Play& play_;
};

}  // namespace entryproof::runner
