// Shown: a crash state as the enumeration has it, an answer to CrashState.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "simulator/durability/scene.h"
#include "simulator/durability/survey.h"

namespace entryproof::durability {

template <class Set>
class Shown final : public CrashState {
 public:
  // The crash comes after the operations before `cut`.
  Shown(const Compiled& compiled, const Window& window, const Scene& scene, const Set& set, Index cut)
      : compiled_(compiled), window_(window), scene_(scene), set_(set), cut_(cut) {}

  node::Tree tree() const override {
    return scene_.tree([this](Index position) { return set_.test(position); }, cut_);
  }
  std::vector<std::uint64_t> omitted() const override {
    std::vector<std::uint64_t> seqs;
    for (Index i = 0; i < window_.varied.size(); ++i) {
      const MicroOp& micro = compiled_.micros[window_.varied[i]];
      if (micro.operation >= cut_ || set_.test(i)) continue;
      const std::uint64_t seq = compiled_.operations[micro.operation].seq;
      if (seqs.empty() || seqs.back() != seq) seqs.push_back(seq);
    }
    return seqs;
  }
  std::vector<std::size_t> lost() const override {
    std::vector<std::size_t> found;
    for (Index i = 0; i < window_.varied.size(); ++i) {
      if (compiled_.micros[window_.varied[i]].operation >= cut_ || set_.test(i)) continue;
      found.push_back(static_cast<std::size_t>(std::ranges::lower_bound(compiled_.visible, window_.varied[i]) - compiled_.visible.begin()));
    }
    return found;
  }
  std::string describe() const override;

 private:
  const Compiled& compiled_;
  const Window& window_;
  const Scene& scene_;
  const Set& set_;
  const Index cut_;
};

// "kill after op 17 …", "power cut (xfs) after op 17 …, without op 14 …".
std::string describe_crash(const Compiled& compiled, Model model, Index cut, const std::vector<std::uint64_t>& omitted);

// The seq of the last operation before `cut`; 0 if there is none.
inline std::uint64_t seq_before(const Compiled& compiled, Index cut) { return cut == 0 ? 0 : compiled.operations[cut - 1].seq; }

template <class Set>
std::string Shown<Set>::describe() const {
  return describe_crash(compiled_, model, cut_, omitted());
}

}  // namespace entryproof::durability
