// BaselineListener: tells a report about a run together with what the run makes of a baseline.
//
// It stands between the player and the reports, keeps the cases, and adds what is stale to the footer. When the baseline is to be written
// nothing is stale: what is, goes.
#pragma once

#include <string>
#include <vector>

#include "simulator/cli/baseline.h"
#include "simulator/runner/engine.h"

namespace entryproof::cli {

class BaselineListener final : public runner::Listener {
 public:
  BaselineListener(runner::Listener& next, Comparison comparison, bool writing) : next_(next), comparison_(comparison), writing_(writing) {}

  void on_header(const runner::Header& header) override {
    for (const auto& build : header.builds) builds_.push_back(build.name);
    next_.on_header(header);
  }
  void on_progress(std::size_t done, std::size_t running, std::size_t total) override { next_.on_progress(done, running, total); }
  void on_case(const runner::CaseRecord& record) override {
    cases_.push_back(record);
    next_.on_case(record);
  }
  void on_footer(const runner::Footer& footer) override {
    runner::Footer told = footer;
    stale_.clear();
    if (!writing_) {
      for (const auto& each : comparison_.stale(cases_, builds_)) stale_.push_back(each.text());
    }
    told.stale = stale_;
    next_.on_footer(told);
  }

  const std::vector<std::string>& stale() const { return stale_; }
  Baseline updated() const { return comparison_.updated(cases_, builds_); }

 private:
  runner::Listener& next_;
  Comparison comparison_;
  bool writing_;
  std::vector<std::string> builds_;
  std::vector<runner::CaseRecord> cases_;
  std::vector<std::string> stale_;
};

}  // namespace entryproof::cli
