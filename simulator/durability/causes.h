// Causes: from a state that fails to the pair of operations that must be ordered.
//
// What is lost is put back, as long as the state still fails; what cannot be put back begins with operation `a`. Then one operation after
// the other is taken away, to find the one without which the loss would do no harm: `b`. Most failures are one such pair.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulator/durability/scene.h"
#include "simulator/durability/sets.h"
#include "simulator/durability/survey.h"

namespace entryproof::durability {

class Causes {
 public:
  // What is wrong with a state, remembered by the caller.
  using Verdict = std::function<const std::vector<Complaint>&(const CrashState&)>;

  Causes(const Compiled& compiled, Verdict verdict);

  // A state that fails `complaint`: the held positions of the window, and for each what it needs (empty under kKill).
  struct Failing {
    const Window& window;
    Model model = Model::kKill;
    Index cut = 0;
    std::size_t acknowledged = 0;
    std::vector<char> held;                 // by position in Window::varied
    std::vector<std::vector<Index>> needs;  // by position: earlier ones
  };
  Cause find(Failing failing, const Complaint& complaint);

 private:
  struct Moment {  // of a crash; positions are those of whole_
    LargeSet set;
    Model model = Model::kKill;
    Index cut = 0;
    std::size_t acknowledged = 0;
  };

  bool fails(const Moment& moment, const std::string& check);
  Moment moment_of(const Failing& failing) const;
  void restore(Failing& failing, const std::string& check);
  std::optional<Index> without(const Moment& moment, Index a, const std::string& check);
  std::optional<std::size_t> acknowledgement(const Moment& moment, Index a, const std::string& check);
  Index first_lost(const Moment& moment) const;
  void put_into_words(Cause& cause, Model model, Index a, std::optional<Index> b, std::optional<std::size_t> told) const;
  std::string words(Index micro, Index beside = kNone) const;
  std::string role(Index micro) const;
  std::string between(Index a, Index end) const;

  const Compiled& compiled_;
  Verdict verdict_;
  Window whole_;
  Scene scene_;
  std::vector<std::vector<Index>> dependents_;  // by position in whole_: what needs it in every model
};

}  // namespace entryproof::durability
