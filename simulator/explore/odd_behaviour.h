// OddBehaviour: what a build did in one run, coarsely: its end, the kinds of its messages, its operations and the shape of its output.
//
// Two runs with equal texts taught the same. Numbers, names and values are left out, for they differ in every run.
#pragma once

#include <array>
#include <string>

#include "simulator/runner/onlooker.h"
#include "simulator/runner/world.h"

namespace entryproof::explore {

class OddBehaviour final : public runner::Onlooker {
 public:
  void on_begin(const node::Tree&) override {}
  void on_operation(const node::Operation& operation, const node::Tree& now, const std::vector<oracles::Finding>& found) override;
  void on_finding(const oracles::Finding& finding, const node::Tree& now) override;
  void on_close(runner::World& world) override;
  void on_end(const oracles::Redactor&) override {}

  const std::string& text() const { return text_; }

 private:
  std::array<unsigned, 32> verbs_{};
  std::string text_;
};

// A message without what differs from run to run: "cannot read Q: line N".
std::string message_class(std::string_view line);

}  // namespace entryproof::explore
